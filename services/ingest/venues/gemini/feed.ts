/** Gemini, market data v2. No key is needed. The feed numbers nothing: a crossed book is the only sign that it lost something. */
import { joinSymbol } from '../events.ts';
import { type Venue } from '../venue.ts';
import { mapGeminiFrame } from './mapper.ts';
import { createGeminiRest } from './rest.ts';

export const gemini: Venue = {
  id: 'gemini',
  endpoints: { ws: 'wss://api.gemini.com/v2/marketdata', rest: 'https://api.gemini.com' },
  bookDepth: Infinity,
  mapFrame: mapGeminiFrame,
  subscribe: (instruments) => [frameOf('subscribe', instruments)],
  resyncBook: (instrument) => ['unsubscribe', 'subscribe'].map((type) => frameOf(type, [instrument])),
  hasInstrumentHeartbeats: false,
  tradeIds: 'increasing',
  bookSnapshots: 'feed',
  hasListings: false,
  keepAlive: { everyMs: 2_000 },
  dollar: 'USD',
  rates: ['USDT-USD', 'USDC-USD'],
  createRest: createGeminiRest,
};

function frameOf(type: string, instruments: readonly string[]): string {
  return JSON.stringify({ type, subscriptions: [{ name: 'l2', symbols: instruments.map(joinSymbol) }] });
}
