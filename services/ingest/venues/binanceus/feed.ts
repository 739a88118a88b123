/** Binance.US: Binance's protocol at its own addresses, with dollar markets. No key is needed. */
import { binanceVenue } from '../binance/feed.ts';

export const binanceus = binanceVenue({
  id: 'binanceus',
  endpoints: { ws: 'wss://stream.binance.us:9443/stream', rest: 'https://api.binance.us' },
  dollar: 'USD',
  rates: ['USDC-USDT'],
});
