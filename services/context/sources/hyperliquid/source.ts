/** Hyperliquid: funding and open interest of its perpetuals. Everything is asked by POST; answers have no time of their own. */
import { z } from 'zod';
import { DERIVATIVES_EVERY, eightHours, fundingSeries, OPEN_INTEREST_SERIES } from '../derivative-series.ts';
import { availableWithin, NEVER, numeric, observationsAt } from '../answer-fields.ts';
import { type ContextSource, type Observation } from '../source.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const PAGE = 500;

/** Names and numbers stand at the same index; delisted coins keep theirs. `funding` is for one hour. */
export const Contexts = z.tuple([
  z.object({ universe: z.array(z.object({ name: z.string(), isDelisted: z.boolean().optional() })) }),
  z.array(z.object({ funding: numeric, openInterest: numeric })),
]);
export type Contexts = z.infer<typeof Contexts>;
export const FundingHistory = z.array(z.object({ fundingRate: numeric, time: z.number() }));
export type FundingHistory = z.infer<typeof FundingHistory>;

export function contextObservations([{ universe }, contexts]: Contexts, assets: readonly string[], now: number): Observation[] {
  return assets.flatMap((asset) => {
    const index = universe.findIndex(({ name, isDelisted }) => name === asset && isDelisted !== true);
    const context = contexts[index];
    if (context === undefined || context.openInterest === 0) return [];
    return observationsAt(
      { observedAt: now },
      { [`funding_8h.${asset}`]: eightHours(context.funding, 1), [`open_interest.${asset}`]: context.openInterest },
    );
  });
}

export function fundingObservations(rows: FundingHistory, asset: string): Observation[] {
  return rows.map(({ fundingRate, time }) => {
    // Some milliseconds late, now and then.
    const observedAt = Math.round(time / HOUR) * HOUR;
    return {
      ...{ series: `funding_8h.${asset}`, value: eightHours(fundingRate, 1), observedAt },
      ...{ publishedAt: observedAt, availableAt: observedAt + MINUTE },
    };
  });
}

export const hyperliquid: ContextSource = {
  id: 'hyperliquid',
  title: 'Hyperliquid',
  hosts: { api: { baseUrl: 'https://api.hyperliquid.xyz', ratePerSecond: 0.5, burst: 2 } },
  isDefault: true,
  terms: { plan: 'free, no key', redistribution: 'Public data of a public chain; no terms for passing it on are known.' },
  series: [fundingSeries(1), OPEN_INTEREST_SERIES],
  polls: ({ http, assets, clock }) => [
    {
      name: 'contexts',
      everyMs: DERIVATIVES_EVERY,
      calls: 1,
      run: async (signal) => {
        const answer = await http['api']!.postJson('/info', { type: 'metaAndAssetCtxs' }, Contexts, signal);
        return contextObservations(answer, assets, clock.now());
      },
    },
  ],
  history: async function* ({ http, assets }, range) {
    for (const coin of assets) {
      for (let startTime = range.from - HOUR; startTime < range.to;) {
        const question = { type: 'fundingHistory', coin, startTime, endTime: range.to };
        const rows = await http['api']!.postJson('/info', question, FundingHistory, NEVER);
        yield availableWithin(fundingObservations(rows, coin), range);
        if (rows.length < PAGE) break;
        startTime = rows.at(-1)!.time + 1;
      }
    }
  },
};
