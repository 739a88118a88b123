/**
 * Coinbase Exchange: `/products/{id}/candles`. Rows are [time s, low, high, open, close, volume], newest first, at most 300; a minute
 * without a trade is missing; both start and end must be given, and rows before start may come all the same.
 * https://docs.cdp.coinbase.com/exchange/reference/exchangerestapi_getproductcandles
 */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { type CandleSourceFactory, MINUTE, type RawCandle, toPage } from './source.ts';

const Time = z.object({ epoch: z.coerce.number().positive() });
const Rows = z.array(z.array(z.unknown()));

/** The limit is 10 requests a second and 15 at once, for all of this address: the live feed's repairs need some of it. */
const RATE = { ratePerSecond: 8, burst: 3 };

export const coinbaseCandles: CandleSourceFactory = ({ baseUrl = 'https://api.exchange.coinbase.com', ...dependencies }) => {
  const http = createHttpClient({ baseUrl, ...dependencies, ...RATE, timeoutMs: 8000 });
  return {
    depthMinutes: Infinity,
    pageMinutes: 300,
    now: async (signal) => (await http.getJson('/time', {}, Time, { signal })).epoch * 1000,
    async page(instrument, range, signal) {
      // `end` is inclusive.
      const query = { granularity: 60, start: iso(range.from), end: iso(range.to - MINUTE) };
      const rows = await http
        .getJson(`/products/${encodeURIComponent(instrument)}/candles`, query, Rows, { signal })
        .catch((thrown: unknown) => {
          if (!(thrown instanceof TributaryError && thrown.code === 'TRB_HTTP_NOT_FOUND')) throw thrown;
          throw new TributaryError('TRB_UNKNOWN_SYMBOL', `Coinbase does not list ${instrument}.`, { cause: thrown });
        });
      return toPage(rows.map(toCandle), 'coinbase', instrument, range);
    },
  };
};

function toCandle([time, low, high, open, close, volume]: readonly unknown[]): RawCandle {
  return { start: typeof time === 'number' ? time * 1000 : time, open, high, low, close, volume, trades: -1 };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
