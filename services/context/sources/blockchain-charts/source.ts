/**
 * blockchain.info charts: use of Bitcoin's chain by day. Published one to two days later, and revised: each value has its vintage. Its
 * addresses are counted otherwise than those of Coin Metrics; the two are never mixed.
 */
import { z } from 'zod';
import { availableWithin, NEVER, observationsAt, optionalNumber, unlessZero } from '../answer-fields.ts';
import { refusal } from '../refusal.ts';
import { type ContextSource, type Observation, type Poll } from '../source.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TITLE = 'blockchain.info charts';
/** From the end of a day until its value is there for sure. */
const DELAY = 2 * DAY;

/** Charts by the series they become. */
const CHARTS = [
  { chart: 'n-unique-addresses', series: 'unique_addresses', unit: 'addresses', meaning: 'addresses used in a day' },
  { chart: 'n-transactions', series: 'transactions', unit: 'transactions', meaning: 'transactions confirmed in a day' },
  {
    chart: 'estimated-transaction-volume-usd',
    series: 'transaction_value',
    unit: 'USD',
    meaning: 'estimated value moved in a day, change left out',
  },
] as const;

/** `x` is the start of the day, seconds. */
export const Chart = z.object({
  status: z.string(),
  period: z.string().optional(),
  values: z.array(z.object({ x: z.number(), y: optionalNumber })).optional(),
});
export type Chart = z.infer<typeof Chart>;

/** Days that are over by `now`. */
export function chartObservations(series: string, { status, values = [] }: Chart, now: number): Observation[] {
  if (status !== 'ok') throw refusal(TITLE, status);
  return values.flatMap(({ x, y }) => {
    const observedAt = x * 1000 + DAY;
    const availableAt = observedAt + DELAY;
    if (observedAt > now) return [];
    return observationsAt({ observedAt, publishedAt: availableAt, availableAt }, { [`${series}.BTC`]: unlessZero(y) });
  });
}

export const blockchainCharts: ContextSource = {
  id: 'blockchain-charts',
  title: TITLE,
  hosts: { api: { baseUrl: 'https://api.blockchain.info/charts', ratePerSecond: 0.1, burst: 1 } },
  isDefault: false,
  terms: { plan: 'free, no key', redistribution: 'No terms for the charts are known: keep them to yourself.' },
  series: CHARTS.map(({ series, unit, meaning }) => ({ name: `${series}.{asset}`, unit, meaning, validFor: 4 * DAY })),
  polls: ({ http, assets, clock }) =>
    (assets.includes('BTC') ? CHARTS : []).map(({ chart, series }): Poll => ({
      name: chart,
      everyMs: 12 * HOUR,
      calls: 1,
      run: async (signal) => {
        const days = chartObservations(series, await http['api']!.getJson(`/${chart}`, queryOf(30), Chart, signal), clock.now());
        return days.slice(-3).map(({ series: name, value, observedAt }) => ({ series: name, value, observedAt }));
      },
    })),
  history: async function* ({ http, assets, clock }, range) {
    if (!assets.includes('BTC')) return;
    const days = Math.ceil((clock.now() - range.from + DELAY) / DAY) + 2;
    for (const { chart, series } of CHARTS) {
      const answer = await http['api']!.getJson(`/${chart}`, queryOf(days), Chart, NEVER);
      yield availableWithin(chartObservations(series, answer, clock.now()), range);
    }
  },
};

function queryOf(days: number): Record<string, string | boolean> {
  return { timespan: `${days}days`, format: 'json', sampled: false };
}
