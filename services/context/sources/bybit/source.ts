/** Bybit v5: funding and open interest of the linear USDT perpetuals. Refuses some countries with 403. */
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
import { refusal } from '../refusal.ts';
import { type SourceHttp } from '../http.ts';
import { type ContextSource, type Observation } from '../source.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const PAGE = 200;
const TITLE = 'Bybit';

/** An error has status 200, another retCode, and nothing in `result`. */
export const Envelope = z.object({
  retCode: z.number(),
  retMsg: z.string().optional(),
  time: z.number().optional(),
  result: z.object({ list: z.array(z.unknown()).optional() }).optional(),
});

const emptyOrNumber = z.union([numeric, z.literal('')]);
export const Ticker = z.object({ symbol: z.string(), fundingRate: emptyOrNumber, openInterest: emptyOrNumber });
export type Ticker = z.infer<typeof Ticker>;
/** `fundingInterval` in minutes. */
const Instrument = z.object({ symbol: z.string(), fundingInterval: z.number().positive() });
const Paid = z.object({ fundingRate: numeric, fundingRateTimestamp: numeric });

interface Rows<T> {
  /** Of the answer, milliseconds. */
  readonly time: number;
  readonly rows: readonly T[];
}

/** Throws `TRB_CONTEXT_REFUSED`. */
async function ask<T>(
  http: SourceHttp,
  path: string,
  query: Readonly<Record<string, string | number>>,
  row: z.ZodType<T>,
  signal: AbortSignal,
): Promise<Rows<T>> {
  const Answer = Envelope.extend({ result: z.object({ list: z.array(row).optional() }).optional() });
  const { retCode, retMsg = '', time, result } = await http.getJson(path, { category: 'linear', ...query }, Answer, signal);
  if (retCode === 0 && time !== undefined && result?.list !== undefined) return { time, rows: result.list };
  const isAboutRate = retCode === 10006 || retCode === 10016;
  throw refusal(TITLE, `${retCode} ${retMsg}${isAboutRate ? ' (rate limit)' : ''}`);
}

/** `hours`: interval of funding by symbol, 8 where it is not known. */
export function tickerObservations(
  { time, rows }: Rows<Ticker>,
  hours: ReadonlyMap<string, number>,
  assets: readonly string[],
): Observation[] {
  return assets.flatMap((asset) => {
    const ticker = rows.find(({ symbol }) => symbol === `${asset}USDT`);
    if (ticker === undefined) return [];
    const { symbol, fundingRate, openInterest } = ticker;
    const interval = hours.get(symbol) ?? 8;
    return observationsAt(
      { observedAt: time, publishedAt: time },
      {
        [`funding_8h.${asset}`]: fundingRate === '' ? undefined : eightHours(fundingRate, interval),
        [`funding_interval.${asset}`]: hours.get(symbol),
        [`open_interest.${asset}`]: openInterest === '' ? undefined : openInterest,
      },
    );
  });
}

export const bybit: ContextSource = {
  id: 'bybit',
  title: TITLE,
  hosts: { api: { baseUrl: 'https://api.bybit.com', ratePerSecond: 2, burst: 10 } },
  isDefault: false,
  terms: { plan: 'free, no key', redistribution: 'Market data of Bybit: not to be passed on. Not offered in some countries.' },
  series: [fundingSeries(8), FUNDING_INTERVAL_SERIES, OPEN_INTEREST_SERIES],
  polls: ({ http, assets }) => [
    {
      name: 'tickers',
      everyMs: DERIVATIVES_EVERY,
      calls: 1 + assets.length,
      run: async (signal) => {
        const api = http['api']!;
        const hours = new Map<string, number>();
        for (const asset of assets) {
          const query = { symbol: `${asset}USDT` };
          const { rows } = await ask(api, '/v5/market/instruments-info', query, Instrument, signal);
          for (const { symbol, fundingInterval } of rows) hours.set(symbol, fundingInterval / 60);
        }
        return tickerObservations(await ask(api, '/v5/market/tickers', {}, Ticker, signal), hours, assets);
      },
    },
  ],
  /** Pages go back from the end of the range, and one payment beyond its start, which tells the interval of the first. */
  history: async function* ({ http, assets }, range) {
    for (const asset of assets) {
      const startTime = range.from - 9 * HOUR;
      const paid: PaidRate[] = [];
      for (let endTime = range.to; endTime > startTime;) {
        const query = { symbol: `${asset}USDT`, startTime, endTime, limit: PAGE };
        const { rows } = await ask(http['api']!, '/v5/market/funding/history', query, Paid, NEVER);
        paid.push(...rows.map(({ fundingRate, fundingRateTimestamp }) => ({ time: fundingRateTimestamp, rate: fundingRate })));
        if (rows.length < PAGE) break;
        endTime = Math.min(...rows.map(({ fundingRateTimestamp }) => fundingRateTimestamp)) - 1;
      }
      yield availableWithin(
        paidRates(paid).map(({ time, rate }) => ({
          ...{ series: `funding_8h.${asset}`, value: rate, observedAt: time },
          ...{ publishedAt: time, availableAt: time + MINUTE },
        })),
        range,
      );
    }
  },
};
