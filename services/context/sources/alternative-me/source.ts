/** alternative.me: the Fear and Greed Index, made once a day shortly after midnight UTC from the day before. */
import { z } from 'zod';
import { availableWithin, NEVER, numeric, observationsAt } from '../answer-fields.ts';
import { refusal } from '../refusal.ts';
import { type ContextSource, type Observation } from '../source.ts';

const HOUR = 3_600_000;
const TITLE = 'alternative.me';

/** Newest first; everything is text; `timestamp` is the start of the day on which it was published, seconds. */
export const Index = z.object({
  data: z.array(z.object({ value: numeric, timestamp: numeric })).nullish(),
  metadata: z.object({ error: z.string().nullable() }),
});
export type Index = z.infer<typeof Index>;

/** The day before is what it is of, so that its period ends where its day begins. It may be up to an hour late. */
export function indexObservations({ data, metadata }: Index): Observation[] {
  if (metadata.error !== null) throw refusal(TITLE, metadata.error);
  return (data ?? [])
    .filter(({ value }) => value >= 0 && value <= 100)
    .flatMap(({ value, timestamp }) => {
      const observedAt = timestamp * 1000;
      return observationsAt({ observedAt, publishedAt: observedAt, availableAt: observedAt + HOUR }, { fear_greed: value });
    });
}

export const alternativeMe: ContextSource = {
  id: 'alternative-me',
  title: TITLE,
  hosts: { api: { baseUrl: 'https://api.alternative.me', ratePerSecond: 0.2, burst: 1 } },
  isDefault: true,
  terms: { plan: 'free, no key', redistribution: 'With attribution to alternative.me.' },
  series: [{ name: 'fear_greed', unit: '0..100', meaning: '0 extreme fear, 100 extreme greed', validFor: 48 * HOUR }],
  polls: ({ http }) => [
    {
      name: 'index',
      everyMs: HOUR,
      calls: 1,
      run: async (signal) => {
        const newest = indexObservations(await http['api']!.getJson('/fng/', { limit: 2, format: 'json' }, Index, signal));
        return newest.map(({ series, value, observedAt }) => ({ series, value, observedAt, publishedAt: observedAt }));
      },
    },
  ],
  history: async function* ({ http }, range) {
    const all = await http['api']!.getJson('/fng/', { limit: 0, format: 'json' }, Index, NEVER);
    yield availableWithin(indexObservations(all), range);
  },
};
