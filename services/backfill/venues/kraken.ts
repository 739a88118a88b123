/**
 * Kraken: `/0/public/OHLC`. Rows are [time s, open, high, low, close, vwap, volume, count], oldest first: the last 720 closed minutes and
 * the running one; `since` cannot page further back. A minute without a trade is there, flat, with volume 0. Errors come with status
 * 200 in `error[]`; the answer stands under the only key that is not `last`.
 * https://docs.kraken.com/api/docs/rest-api/get-ohlc-data
 */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { parseInstrument } from '#libs/market/instrument.ts';
import { type CandleSourceFactory, type RawCandle, toPage } from './source.ts';

const Errors = z.object({ error: z.array(z.string()).default([]) });
const Time = z.object({ unixtime: z.number().positive() });
const Rows = z.array(z.array(z.unknown()));
const Result = z.record(z.string(), z.unknown());

const THROTTLED = /EGeneral:Too many requests|EAPI:Rate limit exceeded|EService:(Unavailable|Busy)/;
/** REST's own names of currencies. */
const REST_NAMES: Readonly<Record<string, string>> = { BTC: 'XBT', DOGE: 'XDG' };

export const krakenCandles: CandleSourceFactory = ({ baseUrl = 'https://api.kraken.com/0/public', ...dependencies }) => {
  const http = createHttpClient({
    ...{ baseUrl, ...dependencies, ratePerSecond: 1, burst: 3, timeoutMs: 8000 },
    isThrottled: (body) => errorsOf(body).some((error) => THROTTLED.test(error)),
  });

  async function get<T>(
    path: string,
    query: Record<string, string | number>,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const body = await http.getJson(path, query, z.looseObject({ result: z.unknown().optional() }), { signal });
    const errors = errorsOf(body);
    if (errors.some((error) => error.startsWith('EQuery:Unknown asset pair'))) {
      throw new TributaryError('TRB_UNKNOWN_SYMBOL', `Kraken does not list ${query['pair'] ?? 'this pair'}.`);
    }
    if (errors.length > 0)
      throw new TributaryError('TRB_HTTP_REFUSED', `Kraken refused ${path}: ${errors.join(', ').slice(0, 200)}`);
    const parsed = schema.safeParse(body.result);
    if (parsed.success) return parsed.data;
    throw new TributaryError('TRB_HTTP_SHAPE', `Kraken answered ${path} in a form that is not known.`, { cause: parsed.error });
  }

  return {
    depthMinutes: 720,
    pageMinutes: 720,
    now: async (signal) => (await get('/Time', {}, Time, signal)).unixtime * 1000,
    async page(instrument, range, signal) {
      const { base, quote } = parseInstrument(instrument);
      const pair = `${REST_NAMES[base] ?? base}${REST_NAMES[quote] ?? quote}`;
      const result = await get('/OHLC', { pair, interval: 1, since: range.from / 1000 - 60 }, Result, signal);
      const rows = Rows.parse(Object.entries(result).find(([key]) => key !== 'last')?.[1] ?? []);
      // The last row is the minute that still runs.
      return toPage(rows.slice(0, -1).map(toCandle), 'kraken', instrument, range);
    },
  };
};

function toCandle([time, open, high, low, close, , volume, trades]: readonly unknown[]): RawCandle {
  return { start: typeof time === 'number' ? time * 1000 : time, open, high, low, close, volume, trades };
}

function errorsOf(body: unknown): string[] {
  const parsed = Errors.safeParse(body);
  return parsed.success ? parsed.data.error : [];
}
