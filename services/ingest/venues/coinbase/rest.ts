/** Coinbase Exchange REST, keyless: 10 requests/s per address. https://docs.cdp.coinbase.com/exchange/rest-api */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { type RestDependencies, type TradeEvent, type TradeHole, type VenueRest } from '../venue.ts';
import { mapMatch, mapProduct, mapTime } from './mapper.ts';

const PAGE = 1000;

const Time = z.object({ epoch: z.union([z.number(), z.string()]) });
const Rows = z.array(z.record(z.string(), z.unknown()));

export function createCoinbaseRest(dependencies: RestDependencies): VenueRest {
  // Half of the venue's limit: other programs may run on this address.
  const http = createHttpClient({ ...dependencies, ratePerSecond: 5, burst: 5 });
  return {
    timeResolution: 1_000,
    time: async (signal) => mapTime(await http.getJson('/time', {}, Time, { signal })),

    async listing(instrument, signal) {
      try {
        return mapProduct(await http.getJson(`/products/${encodeURIComponent(instrument)}`, {}, z.unknown(), { signal }));
      } catch (error) {
        if (error instanceof TributaryError && error.code === 'TRB_HTTP_NOT_FOUND') return undefined;
        throw error;
      }
    },

    /** Pages lead from the newest to the oldest: they are gathered first and given in the order of the trades. */
    async *trades(hole: TradeHole, signal: AbortSignal) {
      const pages: TradeEvent[][] = [];
      for (let after = hole.to + 1; after > hole.from;) {
        const path = `/products/${encodeURIComponent(hole.instrument)}/trades`;
        const rows = await http.getJson(path, { after, limit: PAGE }, Rows, { signal });
        const trades = rows.map((row) => mapMatch(row, true, hole.instrument)).filter((event) => event.kind === 'trade');
        const wanted = trades.filter(({ tradeId }) => tradeId >= hole.from && tradeId < after);
        if (wanted.length === 0) break;
        pages.push(wanted.sort((one, other) => one.tradeId - other.tradeId));
        after = wanted[0]!.tradeId;
      }
      yield* pages.reverse();
    },
  };
}
