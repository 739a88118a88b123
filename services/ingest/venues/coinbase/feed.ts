/**
 * Coinbase Exchange ("Coinbase Pro"), the keyless market data feed. `level2` wants a key, `level2_batch` (50 ms batches) does not.
 */
import { type Venue } from '../venue.ts';
import { mapCoinbaseFrame } from './mapper.ts';
import { createCoinbaseRest } from './rest.ts';

const CHANNELS = ['ticker', 'matches', 'level2_batch', 'heartbeat'];

export const coinbase: Venue = {
  id: 'coinbase',
  endpoints: { ws: 'wss://ws-feed.exchange.coinbase.com', rest: 'https://api.exchange.coinbase.com' },
  bookDepth: Infinity,
  mapFrame: mapCoinbaseFrame,
  // One bad channel makes the venue refuse a whole subscribe: status goes by itself.
  subscribe: (instruments) => [
    JSON.stringify({ type: 'subscribe', product_ids: instruments, channels: CHANNELS }),
    JSON.stringify({ type: 'subscribe', channels: [{ name: 'status' }] }),
  ],
  resyncBook: (instrument) =>
    ['unsubscribe', 'subscribe'].map((type) => JSON.stringify({ type, product_ids: [instrument], channels: ['level2_batch'] })),
  hasInstrumentHeartbeats: true,
  hasListings: true,
  tradeIds: 'dense',
  bookSnapshots: 'feed',
  dollar: 'USD',
  rates: ['USDT-USD', 'USDC-USD', 'USDT-EUR'],
  createRest: createCoinbaseRest,
};
