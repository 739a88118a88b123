/**
 * Binance and Binance.US: `/api/v3/klines`. Rows are [open time ms, open, high, low, close, volume, close time, quote volume, trades, …], oldest
 * first, at most 1,000; a minute without a trade is there, flat, with volume 0.
 * https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints
 */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { isUnknownSymbol } from '#services/ingest/venues/binance/rest.ts';
import { joinSymbol } from '#services/ingest/venues/events.ts';
import { type CandleSourceFactory, type RawCandle, toPage } from './source.ts';

const PAGE = 1000;
const Time = z.object({ serverTime: z.number().positive() });
const Rows = z.array(z.array(z.unknown()));

export const binanceCandles = candlesOf('binance', 'https://api.binance.com');
export const binanceusCandles = candlesOf('binanceus', 'https://api.binance.us');

function candlesOf(venue: string, publicUrl: string): CandleSourceFactory {
  return ({ baseUrl = publicUrl, ...dependencies }) => {
    // 2 weight a page of 6,000 a minute.
    const http = createHttpClient({ baseUrl, ...dependencies, ratePerSecond: 8, burst: 3, timeoutMs: 8000 });
    return {
      depthMinutes: Infinity,
      pageMinutes: PAGE,
      now: async (signal) => (await http.getJson('/api/v3/time', {}, Time, { signal })).serverTime,
      async page(instrument, range, signal) {
        const span = { startTime: range.from, endTime: range.to - 1, limit: PAGE };
        const query = { symbol: joinSymbol(instrument), interval: '1m', ...span };
        const rows = await http.getJson('/api/v3/klines', query, Rows, { signal }).catch((thrown: unknown) => {
          if (!isUnknownSymbol(thrown)) throw thrown;
          throw new TributaryError('TRB_UNKNOWN_SYMBOL', `${venue} does not list ${instrument}.`, { cause: thrown });
        });
        return toPage(rows.map(toCandle), venue, instrument, range);
      },
    };
  };
}

function toCandle([start, open, high, low, close, volume, , , trades]: readonly unknown[]): RawCandle {
  return { start, open, high, low, close, volume, trades };
}
