/**
 * Gemini: `/v2/candles/{symbol}/1m`. Rows are [ms, open, high, low, close, volume], newest first: the last day and no further back, the
 * running minute included. https://docs.gemini.com/rest/market-data#list-candles
 */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { joinSymbol } from '#services/ingest/venues/events.ts';
import { isUnknownSymbol } from '#services/ingest/venues/gemini/rest.ts';
import { fetchDate } from '#services/ingest/venues/http-date.ts';
import { type CandleSourceFactory, type RawCandle, toPage } from './source.ts';

const DAY_MINUTES = 1440;
const Rows = z.array(z.array(z.unknown()));

export const geminiCandles: CandleSourceFactory = ({ baseUrl = 'https://api.gemini.com', ...dependencies }) => {
  // 120 requests a minute.
  const http = createHttpClient({ baseUrl, ...dependencies, ratePerSecond: 1, burst: 3, timeoutMs: 8000 });
  return {
    depthMinutes: DAY_MINUTES,
    pageMinutes: DAY_MINUTES,
    now: async (signal) => (await fetchDate(`${baseUrl}/v1/symbols`, signal)) / 1000,
    async page(instrument, range, signal) {
      const path = `/v2/candles/${joinSymbol(instrument).toLowerCase()}/1m`;
      const rows = await http.getJson(path, {}, Rows, { signal }).catch((thrown: unknown) => {
        if (!isUnknownSymbol(thrown)) throw thrown;
        throw new TributaryError('TRB_UNKNOWN_SYMBOL', `Gemini does not list ${instrument}.`, { cause: thrown });
      });
      return toPage(rows.map(toCandle), 'gemini', instrument, range);
    },
  };
};

function toCandle([start, open, high, low, close, volume]: readonly unknown[]): RawCandle {
  return { start, open, high, low, close, volume, trades: -1 };
}
