/**
 * Bitstamp: `/api/v2/ohlc/{pair}/`. Rows are objects of text, oldest first, at most 1,000, `timestamp` in seconds; a minute without a trade is
 * there, flat, with volume 0. https://www.bitstamp.net/api/#tag/Market-info/operation/GetOHLCData
 */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { joinSymbol } from '#services/ingest/venues/events.ts';
import { fetchDate } from '#services/ingest/venues/http-date.ts';
import { type CandleSourceFactory, MINUTE, toPage } from './source.ts';

const PAGE = 1000;
const Row = z.object({
  timestamp: z.coerce.number(),
  ...{ open: z.unknown(), high: z.unknown(), low: z.unknown(), close: z.unknown(), volume: z.unknown() },
});
const Answer = z.object({ data: z.object({ ohlc: z.array(Row) }) });

export const bitstampCandles: CandleSourceFactory = ({ baseUrl = 'https://www.bitstamp.net', ...dependencies }) => {
  const http = createHttpClient({ baseUrl, ...dependencies, ratePerSecond: 8, burst: 3, timeoutMs: 8000 });
  return {
    depthMinutes: Infinity,
    pageMinutes: PAGE,
    now: async (signal) => (await fetchDate(`${baseUrl}/api/v2/ticker/btcusd/`, signal)) / 1000,
    async page(instrument, range, signal) {
      const query = { step: 60, limit: PAGE, start: range.from / 1000, end: (range.to - MINUTE) / 1000 };
      const path = `/api/v2/ohlc/${joinSymbol(instrument).toLowerCase()}/`;
      const { data } = await http.getJson(path, query, Answer, { signal }).catch((thrown: unknown) => {
        if (!(thrown instanceof TributaryError && thrown.code === 'TRB_HTTP_NOT_FOUND')) throw thrown;
        throw new TributaryError('TRB_UNKNOWN_SYMBOL', `Bitstamp does not list ${instrument}.`, { cause: thrown });
      });
      const rows = data.ohlc.map(({ timestamp, ...row }) => ({ ...row, start: timestamp * 1000, trades: -1 }));
      return toPage(rows, 'bitstamp', instrument, range);
    },
  };
};
