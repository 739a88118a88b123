/** Kraken spot, WebSocket v2. No key is needed. */
import { type Venue } from '../venue.ts';
import { mapKrakenFrame, toSymbol } from './mapper.ts';
import { createKrakenRest } from './rest.ts';

const DEPTH = 1000;

export const kraken: Venue = {
  id: 'kraken',
  endpoints: { ws: 'wss://ws.kraken.com/v2', rest: 'https://api.kraken.com/0/public' },
  bookDepth: DEPTH,
  mapFrame: mapKrakenFrame,
  // The instrument channel goes first: the checksum needs its precisions.
  subscribe: (instruments) => {
    const symbol = instruments.map(toSymbol);
    return [
      { channel: 'instrument', snapshot: true },
      { channel: 'trade', symbol, snapshot: true },
      { channel: 'book', symbol, depth: DEPTH, snapshot: true },
      { channel: 'ticker', symbol, event_trigger: 'trades', snapshot: true },
    ].map((params, at) => JSON.stringify({ method: 'subscribe', params, req_id: at + 1 }));
  },
  resyncBook: (instrument) => {
    const params = { channel: 'book', symbol: [toSymbol(instrument)], depth: DEPTH };
    return [
      JSON.stringify({ method: 'unsubscribe', params }),
      JSON.stringify({ method: 'subscribe', params: { ...params, snapshot: true } }),
    ];
  },
  hasInstrumentHeartbeats: false,
  checksum: (book, { sizeDecimals }) => book.checksum(sizeDecimals),
  hasListings: true,
  tradeIds: 'dense',
  bookSnapshots: 'feed',
  dollar: 'USD',
  rates: ['USDT-USD', 'USDC-USD', 'EUR-USD'],
  createRest: createKrakenRest,
};
