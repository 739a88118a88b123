/**
 * Binance spot. No key is needed; it answers 451 in the United States and in some other countries, where it switches itself off.
 * The book is made as the venue says: changes are held, a snapshot comes by REST, the changes that follow it are applied.
 */
import { joinSymbol } from '../events.ts';
import { type Venue, type VenueEndpoints } from '../venue.ts';
import { mapBinanceFrame } from './mapper.ts';
import { createBinanceRest } from './rest.ts';

export const binance = binanceVenue({
  id: 'binance',
  endpoints: { ws: 'wss://stream.binance.com:9443/stream', rest: 'https://api.binance.com' },
  dollar: 'USDT',
  rates: ['EUR-USDT'],
});

/** A venue that speaks Binance's protocol. */
export function binanceVenue(venue: {
  readonly id: string;
  readonly endpoints: VenueEndpoints;
  readonly dollar: Venue['dollar'];
  readonly rates: readonly string[];
}): Venue {
  return {
    ...venue,
    bookDepth: Infinity,
    mapFrame: mapBinanceFrame,
    subscribe: (instruments) => {
      const streams = instruments.map((instrument) => joinSymbol(instrument).toLowerCase());
      const params = streams.flatMap((stream) => [`${stream}@aggTrade`, `${stream}@depth@100ms`]);
      return [JSON.stringify({ method: 'SUBSCRIBE', params, id: 1 })];
    },
    resyncBook: () => [],
    hasInstrumentHeartbeats: false,
    tradeIds: 'dense',
    bookSnapshots: 'rest',
    hasListings: false,
    keepAlive: { everyMs: 2_000 },
    connectionLifeMs: 24 * 3_600_000,
    createRest: createBinanceRest,
  };
}
