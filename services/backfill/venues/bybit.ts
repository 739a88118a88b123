/**
 * Bybit: `/v5/market/kline`. Rows are [ms, open, high, low, close, volume in base, turnover], newest first, at most 1,000; a minute
 * without a trade is there, flat, with volume 0. https://bybit-exchange.github.io/docs/v5/market/kline
 */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { BybitAnswer, bybitResult, isBybitThrottled } from '#services/ingest/venues/bybit/rest.ts';
import { joinSymbol } from '#services/ingest/venues/events.ts';
import { type CandleSourceFactory, MINUTE, type RawCandle, toPage } from './source.ts';

const PAGE = 1000;
const Time = z.object({ timeSecond: z.coerce.number().positive() });
const Result = z.object({ list: z.array(z.array(z.unknown())) });

export const bybitCandles: CandleSourceFactory = ({ baseUrl = 'https://api.bybit.com', ...dependencies }) => {
  // Far below the 600 requests in 5 s: beyond them the address is shut out for ten minutes.
  const limits = { ratePerSecond: 8, burst: 3, timeoutMs: 8000, isThrottled: isBybitThrottled };
  const http = createHttpClient({ baseUrl, ...dependencies, ...limits });
  return {
    depthMinutes: Infinity,
    pageMinutes: PAGE,
    async now(signal) {
      const path = '/v5/market/time';
      const time = bybitResult(await http.getJson(path, {}, BybitAnswer, { signal }), path, Time);
      return (time?.timeSecond ?? NaN) * 1000;
    },
    async page(instrument, range, signal) {
      const path = '/v5/market/kline';
      const span = { start: range.from, end: range.to - MINUTE, limit: PAGE };
      const query = { category: 'spot', symbol: joinSymbol(instrument), interval: '1', ...span };
      const result = bybitResult(await http.getJson(path, query, BybitAnswer, { signal }), path, Result);
      if (result === undefined) throw new TributaryError('TRB_UNKNOWN_SYMBOL', `Bybit does not list ${instrument}.`);
      return toPage(result.list.map(toCandle), 'bybit', instrument, range);
    },
  };
};

function toCandle([start, open, high, low, close, volume]: readonly unknown[]): RawCandle {
  return { start, open, high, low, close, volume, trades: -1 };
}
