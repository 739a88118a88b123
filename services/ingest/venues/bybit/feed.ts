/** Bybit spot, v5. No key is needed; where it is not offered it answers 403 and switches itself off. */
import { joinSymbol } from '../events.ts';
import { type Venue } from '../venue.ts';
import { mapBybitFrame } from './mapper.ts';
import { createBybitRest } from './rest.ts';

const DEPTH = 200;
/** Topics that one request on a spot connection may name. */
const MOST_TOPICS = 10;

export const bybit: Venue = {
  id: 'bybit',
  endpoints: { ws: 'wss://stream.bybit.com/v5/public/spot', rest: 'https://api.bybit.com' },
  bookDepth: DEPTH,
  mapFrame: mapBybitFrame,
  subscribe: (instruments) => {
    const topics = instruments.flatMap((instrument) => [`publicTrade.${joinSymbol(instrument)}`, bookTopic(instrument)]);
    const requests = Math.ceil(topics.length / MOST_TOPICS);
    return Array.from({ length: requests }, (_, at) =>
      frameOf('subscribe', topics.slice(at * MOST_TOPICS, (at + 1) * MOST_TOPICS)),
    );
  },
  resyncBook: (instrument) => ['unsubscribe', 'subscribe'].map((op) => frameOf(op, [bookTopic(instrument)])),
  hasInstrumentHeartbeats: false,
  tradeIds: 'none',
  bookSnapshots: 'feed',
  hasListings: false,
  keepAlive: { everyMs: 2_000, text: '{"op":"ping"}' },
  dollar: 'USDT',
  rates: [],
  createRest: createBybitRest,
};

function bookTopic(instrument: string): string {
  return `orderbook.${DEPTH}.${joinSymbol(instrument)}`;
}

function frameOf(op: string, args: readonly string[]): string {
  return JSON.stringify({ op, args });
}
