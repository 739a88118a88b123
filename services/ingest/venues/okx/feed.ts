/** OKX spot, v5. No key is needed; where it is not offered it answers 403 or 451 and switches itself off. */
import { type Venue } from '../venue.ts';
import { okxChecksum } from './checksum.ts';
import { mapOkxFrame } from './mapper.ts';
import { createOkxRest } from './rest.ts';

/** Levels of a side of the channel `books`. */
const DEPTH = 400;

export const okx: Venue = {
  id: 'okx',
  endpoints: { ws: 'wss://ws.okx.com:8443/ws/v5/public', rest: 'https://www.okx.com' },
  bookDepth: DEPTH,
  mapFrame: mapOkxFrame,
  subscribe: (instruments) => {
    const args = instruments.flatMap((instId) => ['trades', 'books'].map((channel) => ({ channel, instId })));
    return [JSON.stringify({ op: 'subscribe', args })];
  },
  resyncBook: (instId) => ['unsubscribe', 'subscribe'].map((op) => JSON.stringify({ op, args: [{ channel: 'books', instId }] })),
  hasInstrumentHeartbeats: false,
  tradeIds: 'increasing',
  bookSnapshots: 'feed',
  checksum: okxChecksum,
  hasListings: false,
  keepAlive: { everyMs: 2_000, text: 'ping' },
  dollar: 'USDT',
  rates: [],
  createRest: createOkxRest,
};
