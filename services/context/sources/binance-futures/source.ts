/** Binance USD-margined futures: funding and open interest of the USDT perpetuals. Refuses some countries with 451. */
import { z } from 'zod';
import {
  DERIVATIVES_EVERY,
  eightHours,
  FUNDING_INTERVAL_SERIES,
  fundingSeries,
  OPEN_INTEREST_SERIES,
  type PaidRate,
  paidRates,
} from '../derivative-series.ts';
import { availableWithin, NEVER, numeric, observationsAt } from '../answer-fields.ts';
import { type ContextSource, type Observation } from '../source.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const PAGE = 1000;

/** `lastFundingRate` is the running rate of the period under way, whatever its name. Delivery contracts have an empty one. */
const PremiumIndex = z.object({ symbol: z.string(), lastFundingRate: z.union([numeric, z.literal('')]), time: z.number() });
export const PremiumIndexes = z.array(PremiumIndex).min(1);
/** Only contracts whose interval is or was another than eight hours. */
export const FundingInfo = z.array(z.object({ symbol: z.string(), fundingIntervalHours: z.number().positive() }));
export const OpenInterest = z.object({ symbol: z.string(), openInterest: numeric, time: z.number() });
export const FundingHistory = z.array(z.object({ symbol: z.string(), fundingRate: numeric, fundingTime: z.number() }));

export function fundingObservations(
  indexes: z.infer<typeof PremiumIndexes>,
  info: z.infer<typeof FundingInfo>,
  assets: readonly string[],
): Observation[] {
  return assets.flatMap((asset) => {
    const index = indexes.find(({ symbol }) => symbol === `${asset}USDT`);
    if (index === undefined || index.lastFundingRate === '') return [];
    const hours = info.find(({ symbol }) => symbol === `${asset}USDT`)?.fundingIntervalHours ?? 8;
    return observationsAt(
      { observedAt: index.time, publishedAt: index.time },
      { [`funding_8h.${asset}`]: eightHours(index.lastFundingRate, hours), [`funding_interval.${asset}`]: hours },
    );
  });
}

export const binanceFutures: ContextSource = {
  id: 'binance-futures',
  title: 'Binance USD-margined futures',
  hosts: { api: { baseUrl: 'https://fapi.binance.com', ratePerSecond: 1, burst: 5 } },
  isDefault: false,
  terms: { plan: 'free, no key', redistribution: 'Market data of Binance: not to be passed on. Not offered in some countries.' },
  series: [fundingSeries(8), FUNDING_INTERVAL_SERIES, OPEN_INTEREST_SERIES],
  polls: ({ http, assets }) => [
    {
      name: 'funding',
      everyMs: DERIVATIVES_EVERY,
      calls: 2,
      run: async (signal) => {
        const indexes = await http['api']!.getJson('/fapi/v1/premiumIndex', {}, PremiumIndexes, signal);
        const info = await http['api']!.getJson('/fapi/v1/fundingInfo', {}, FundingInfo, signal);
        return fundingObservations(indexes, info, assets);
      },
    },
    ...assets.map((asset) => ({
      name: `open interest ${asset}`,
      everyMs: DERIVATIVES_EVERY,
      calls: 1,
      run: async (signal: AbortSignal) => {
        const query = { symbol: `${asset}USDT` };
        const { openInterest, time } = await http['api']!.getJson('/fapi/v1/openInterest', query, OpenInterest, signal);
        return observationsAt({ observedAt: time, publishedAt: time }, { [`open_interest.${asset}`]: openInterest });
      },
    })),
  ],
  history: async function* ({ http, assets }, range) {
    for (const asset of assets) {
      // The payment before the first tells its interval.
      let startTime = range.from - 9 * HOUR;
      let before: readonly PaidRate[] = [];
      while (startTime < range.to) {
        const query = { symbol: `${asset}USDT`, startTime, endTime: range.to, limit: PAGE };
        const rows = await http['api']!.getJson('/fapi/v1/fundingRate', query, FundingHistory, NEVER);
        const page = rows.map(({ fundingTime, fundingRate }) => ({ time: fundingTime, rate: fundingRate }));
        yield availableWithin(paidObservations([...before, ...page], asset), range);
        if (rows.length < PAGE) break;
        before = page.slice(-1);
        startTime = page.at(-1)!.time + 1;
      }
    }
  },
};

/** Known a minute after it was paid. */
function paidObservations(rows: readonly PaidRate[], asset: string): Observation[] {
  return paidRates(rows).map(({ time, rate }) => ({
    ...{ series: `funding_8h.${asset}`, value: rate, observedAt: time },
    ...{ publishedAt: time, availableAt: time + MINUTE },
  }));
}
