/**
 * DefiLlama: dollar stablecoins in circulation. What it says of the past is revised when chains or coins are added; history is of
 * today's vintage, live values keep theirs.
 */
import { z } from 'zod';
import { availableWithin, NEVER, numeric, observationsAt, optionalNumber, unlessZero } from '../answer-fields.ts';
import { type ContextSource, type Observation } from '../source.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A day is taken for known at noon of the next. */
const DELAY = 12 * HOUR;
const TETHER = '1';

const Pegs = z.object({ peggedUSD: optionalNumber });

/** `/stablecoins` */
export const Stablecoins = z.object({
  peggedAssets: z.array(z.object({ id: z.string(), pegType: z.string(), circulating: Pegs.nullish() })).min(1),
});
export type Stablecoins = z.infer<typeof Stablecoins>;

/** `/stablecoincharts/all`; `date` is the start of the day, seconds, as text. */
export const Chart = z.array(z.object({ date: numeric, totalCirculating: Pegs.nullish() })).min(1);
export type Chart = z.infer<typeof Chart>;

export function supplyObservations({ peggedAssets }: Stablecoins, now: number): Observation[] {
  const dollars = peggedAssets.filter(({ pegType }) => pegType === 'peggedUSD');
  const total = dollars.reduce((sum, { circulating }) => sum + (circulating?.peggedUSD ?? 0), 0);
  const tether = dollars.find(({ id }) => id === TETHER)?.circulating?.peggedUSD;
  return observationsAt({ observedAt: now }, { stablecoin_supply: unlessZero(total), usdt_supply: unlessZero(tether) });
}

export function chartObservations(series: string, days: Chart): Observation[] {
  return days.flatMap(({ date, totalCirculating }) => {
    const observedAt = date * 1000 + DAY;
    const availableAt = observedAt + DELAY;
    const times = { observedAt, publishedAt: availableAt, availableAt };
    return observationsAt(times, { [series]: unlessZero(totalCirculating?.peggedUSD) });
  });
}

export const defillama: ContextSource = {
  id: 'defillama',
  title: 'DefiLlama stablecoins',
  hosts: { api: { baseUrl: 'https://stablecoins.llama.fi', ratePerSecond: 0.1, burst: 1 } },
  isDefault: true,
  terms: { plan: 'free, no key', redistribution: 'No terms for the data are known; name DefiLlama where values are shown.' },
  series: [
    { name: 'stablecoin_supply', unit: 'USD', meaning: 'dollar stablecoins in circulation', validFor: 3 * DAY },
    { name: 'usdt_supply', unit: 'USD', meaning: 'Tether in circulation', validFor: 3 * DAY },
  ],
  polls: ({ http, clock }) => [
    {
      name: 'supply',
      everyMs: 6 * HOUR,
      calls: 1,
      run: async (signal) => supplyObservations(await http['api']!.getJson('/stablecoins', {}, Stablecoins, signal), clock.now()),
    },
  ],
  history: async function* ({ http }, range) {
    for (const { series, query } of [
      { series: 'stablecoin_supply', query: {} },
      { series: 'usdt_supply', query: { stablecoin: TETHER } },
    ]) {
      const days = await http['api']!.getJson('/stablecoincharts/all', query, Chart, NEVER);
      yield availableWithin(chartObservations(series, days), range);
    }
  },
};
