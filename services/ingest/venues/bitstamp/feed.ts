/** Bitstamp, WebSocket v2. No key is needed. The feed has the book's changes, REST the book they are applied to. */
import { joinSymbol } from '../events.ts';
import { type Venue } from '../venue.ts';
import { CHANGES, mapBitstampFrame } from './mapper.ts';
import { createBitstampRest } from './rest.ts';

export const bitstamp: Venue = {
  id: 'bitstamp',
  endpoints: { ws: 'wss://ws.bitstamp.net', rest: 'https://www.bitstamp.net' },
  bookDepth: Infinity,
  mapFrame: mapBitstampFrame,
  subscribe: (instruments) =>
    instruments
      .map((instrument) => joinSymbol(instrument).toLowerCase())
      .flatMap((pair) => [`live_trades_${pair}`, `${CHANGES}${pair}`])
      .map((channel) => JSON.stringify({ event: 'bts:subscribe', data: { channel } })),
  resyncBook: () => [],
  hasInstrumentHeartbeats: false,
  tradeIds: 'increasing',
  bookSnapshots: 'rest',
  hasListings: false,
  keepAlive: { everyMs: 2_000, text: '{"event":"bts:heartbeat"}' },
  dollar: 'USD',
  rates: ['USDT-USD', 'USDC-USD', 'EUR-USD'],
  createRest: createBitstampRest,
};
