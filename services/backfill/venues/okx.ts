/**
 * OKX: `/api/v5/market/history-candles`. Rows are [ms, open, high, low, close, volume in base, …], newest first, at most 100; `after` and
 * `before` name times that the rows are older and newer than. https://www.okx.com/docs-v5/en/#order-book-trading-market-data
 */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { isOkxThrottled, OkxAnswer, okxRows } from '#services/ingest/venues/okx/rest.ts';
import { type CandleSourceFactory, MINUTE, type RawCandle, toPage } from './source.ts';

const PAGE = 100;
const Time = z.object({ ts: z.coerce.number().positive() });
const Rows = z.array(z.array(z.unknown()));

export const okxCandles: CandleSourceFactory = ({ baseUrl = 'https://www.okx.com', ...dependencies }) => {
  // 20 requests in 2 s.
  const limits = { ratePerSecond: 8, burst: 3, timeoutMs: 8000, isThrottled: isOkxThrottled };
  const http = createHttpClient({ baseUrl, ...dependencies, ...limits });
  const get = async (path: string, query: Record<string, string | number>, signal: AbortSignal) =>
    okxRows(await http.getJson(path, query, OkxAnswer, { signal }), path);
  return {
    depthMinutes: Infinity,
    pageMinutes: PAGE,
    now: async (signal) => Time.parse((await get('/api/v5/public/time', {}, signal))?.[0]).ts,
    async page(instrument, range, signal) {
      const span = { before: range.from - MINUTE, after: range.to, limit: PAGE };
      const rows = await get('/api/v5/market/history-candles', { instId: instrument, bar: '1m', ...span }, signal);
      if (rows === undefined) throw new TributaryError('TRB_UNKNOWN_SYMBOL', `OKX does not list ${instrument}.`);
      return toPage(Rows.parse(rows).map(toCandle), 'okx', instrument, range);
    },
  };
};

function toCandle([start, open, high, low, close, volume]: readonly unknown[]): RawCandle {
  return { start, open, high, low, close, volume, trades: -1 };
}
