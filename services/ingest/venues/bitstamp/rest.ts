/** Bitstamp REST v2, keyless: 400 requests a second, 10,000 in ten minutes per address. https://www.bitstamp.net/api/ */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { joinSymbol, toBook, toWhole } from '../events.ts';
import { fetchDate } from '../http-date.ts';
import { type BookEvent, type Listing, type RestDependencies, type VenueRest } from '../venue.ts';

/** One question serves all instruments of a round. */
const LIST_AGE_MS = 60_000;

const Pair = z.object({
  name: z.string(),
  base_decimals: z.number().int().min(0).max(15),
  counter_decimals: z.number().int().min(0).max(15),
  trading: z.string(),
});
const Pairs = z.array(Pair);
const Book = z.object({ microtimestamp: z.string(), bids: z.array(z.unknown()), asks: z.array(z.unknown()) });

export function createBitstampRest(dependencies: RestDependencies): VenueRest {
  const http = createHttpClient({ ...dependencies, ratePerSecond: 4, burst: 4 });
  /** The whole list: there is no answer for one pair alone. */
  let pairs: Promise<ReadonlyMap<string, Listing>> | undefined;
  let askedAt = -Infinity;

  function listings(signal: AbortSignal): Promise<ReadonlyMap<string, Listing>> {
    const now = dependencies.clock.now();
    if (now - askedAt > LIST_AGE_MS) pairs = undefined;
    if (pairs === undefined) askedAt = now;
    pairs ??= http
      .getJson('/api/v2/trading-pairs-info/', {}, Pairs, { signal })
      .then((found) => new Map(found.map(toListing).map((listing) => [listing.instrument, listing])))
      .catch((error: unknown) => {
        pairs = undefined;
        throw error;
      });
    return pairs;
  }

  return {
    timeResolution: 1_000_000,
    time: (signal) => fetchDate(`${dependencies.baseUrl}/api/v2/ticker/btcusd/`, signal),
    listing: async (instrument, signal) => (await listings(signal)).get(instrument),

    async book(instrument, signal) {
      const path = `/api/v2/order_book/${joinSymbol(instrument).toLowerCase()}/`;
      const { microtimestamp, bids, asks } = await http.getJson(path, {}, Book, { signal });
      const last = toWhole(microtimestamp);
      if (Number.isNaN(last))
        throw new TributaryError('TRB_HTTP_SHAPE', `Bitstamp does not say of when the book of ${instrument} is.`);
      const sequence = { previous: undefined, last };
      const events = toBook({ instrument, isSnapshot: true, bids, asks, sequence, exchangeTime: last });
      return events.find((event): event is BookEvent => event.kind === 'book')!;
    },
  };
}

function toListing({
  name,
  base_decimals: sizeDecimals,
  counter_decimals: priceDecimals,
  trading,
}: z.output<typeof Pair>): Listing {
  return {
    instrument: name.replace('/', '-'),
    status: trading === 'Enabled' ? TradingStatus.TRADING_STATUS_ONLINE : TradingStatus.TRADING_STATUS_HALTED,
    tickSize: 10 ** -priceDecimals,
    priceDecimals,
    sizeDecimals,
  };
}
