/** Deribit: options, DVOL, and the futures of Bitcoin and Ether. */
import { type z } from 'zod';
import { availableWithin, NEVER } from '../answer-fields.ts';
import { BASIS_SERIES, DERIVATIVES_EVERY, fundingSeries, OPEN_INTEREST_SERIES } from '../derivative-series.ts';
import { refusal } from '../refusal.ts';
import { type SourceHttp } from '../http.ts';
import { type ContextSource, type Poll, type SeriesDeclaration } from '../source.ts';
import { dvolObservations, fundingObservations, futureObservations, optionObservations, volumeObservations } from './mapping.ts';
import { FundingHistory, Summaries, VolatilityIndex, Volumes } from './schema.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TITLE = 'Deribit';
/** Coins with inverse options and a DVOL. */
const COINS = ['BTC', 'ETH'];
/** Rows that one question may bring: hourly candles of DVOL, hourly funding. */
const DVOL_SPAN = 40 * DAY;
const FUNDING_SPAN = 30 * DAY;

const ratio = { unit: 'ratio', validFor: HOUR };
const volatility = { unit: 'per year', validFor: HOUR };

const SERIES: readonly SeriesDeclaration[] = [
  fundingSeries(1),
  OPEN_INTEREST_SERIES,
  BASIS_SERIES,
  { ...ratio, name: 'put_call_volume.{asset}', meaning: 'puts over calls traded in 24 h, base units, block trades included' },
  { ...ratio, name: 'put_call_oi.{asset}', meaning: 'puts over calls of the open interest' },
  { ...volatility, name: 'atm_iv_7d.{asset}', meaning: 'implied volatility at the forward, 7 days out' },
  {
    ...volatility,
    name: 'skew_25d_7d.{asset}',
    meaning: 'implied volatility of the 25-delta put less that of the call, 7 days out',
  },
  { unit: 'percent per year', name: 'dvol.{asset}', meaning: '30-day implied volatility index', validFor: 3 * HOUR },
];

interface Told<T> {
  readonly result: T;
  /** When the answer left, milliseconds. */
  readonly time: number;
}

/** Throws `TRB_CONTEXT_REFUSED`. */
async function ask<T>(
  http: SourceHttp,
  method: string,
  query: Readonly<Record<string, string | number>>,
  schema: z.ZodType<{
    readonly result?: T | undefined;
    readonly usOut?: number | undefined;
    readonly error?: { readonly code: number; readonly message: string } | undefined;
  }>,
  signal: AbortSignal,
): Promise<Told<T>> {
  const { result, usOut, error } = await http.getJson(`/${method}`, query, schema, signal);
  if (result !== undefined && usOut !== undefined) return { result, time: Math.floor(usOut / 1000) };
  throw refusal(TITLE, error === undefined ? 'no result' : `${error.code} ${error.message.replaceAll('_', ' ')}`);
}

export const deribit: ContextSource = {
  id: 'deribit',
  title: TITLE,
  hosts: { api: { baseUrl: 'https://www.deribit.com/api/v2/public', ratePerSecond: 5, burst: 10 } },
  isDefault: true,
  terms: {
    plan: 'free, no key',
    redistribution: 'Market data of Deribit: for use under its terms of service, not to be passed on.',
  },
  series: SERIES,
  polls: ({ http, assets, clock }) => {
    const api = http['api']!;
    const coins = COINS.filter((coin) => assets.includes(coin));
    const each = (name: string, everyMs: number, run: (coin: string, signal: AbortSignal) => ReturnType<Poll['run']>): Poll[] =>
      coins.map((coin) => ({ name: `${name} ${coin}`, everyMs, calls: 1, run: (signal) => run(coin, signal) }));
    const volumes: Poll = {
      name: 'volumes',
      everyMs: DERIVATIVES_EVERY,
      calls: 1,
      run: async (signal) => {
        const { result, time } = await ask(api, 'get_trade_volumes', {}, Volumes, signal);
        return volumeObservations(result, coins, time);
      },
    };
    return [
      ...each('futures', DERIVATIVES_EVERY, async (coin, signal) => {
        const query = { currency: coin, kind: 'future' };
        return futureObservations((await ask(api, 'get_book_summary_by_currency', query, Summaries, signal)).result, coin);
      }),
      // 400 kB for Bitcoin.
      ...each('options', 2 * DERIVATIVES_EVERY, async (coin, signal) => {
        const query = { currency: coin, kind: 'option' };
        return optionObservations((await ask(api, 'get_book_summary_by_currency', query, Summaries, signal)).result, coin);
      }),
      ...each('dvol', DERIVATIVES_EVERY, async (coin, signal) => {
        const now = clock.now();
        const query = { currency: coin, start_timestamp: now - 30 * MINUTE, end_timestamp: now, resolution: 60 };
        const { result } = await ask(api, 'get_volatility_index_data', query, VolatilityIndex, signal);
        return dvolObservations(result, coin, MINUTE, now)
          .slice(-1)
          .map(({ series, value, observedAt }) => ({ series, value, observedAt, publishedAt: observedAt }));
      }),
      ...(coins.length > 0 ? [volumes] : []),
    ];
  },
  history: async function* ({ http, assets, clock }, range) {
    for (const coin of COINS.filter((each) => assets.includes(each))) {
      for (let from = range.from; from < range.to; from += DVOL_SPAN) {
        const window = { start_timestamp: from - HOUR, end_timestamp: Math.min(range.to, from + DVOL_SPAN) };
        const query = { currency: coin, ...window, resolution: 3600 };
        const { result } = await ask(http['api']!, 'get_volatility_index_data', query, VolatilityIndex, NEVER);
        const until = { from, to: window.end_timestamp };
        yield availableWithin(dvolObservations(result, coin, HOUR, clock.now()), until);
      }
      for (let from = range.from; from < range.to; from += FUNDING_SPAN) {
        const window = { start_timestamp: from - HOUR, end_timestamp: Math.min(range.to, from + FUNDING_SPAN) };
        const query = { instrument_name: `${coin}-PERPETUAL`, ...window };
        const { result } = await ask(http['api']!, 'get_funding_rate_history', query, FundingHistory, NEVER);
        yield availableWithin(fundingObservations(result, coin), { from, to: window.end_timestamp });
      }
    }
  },
};
