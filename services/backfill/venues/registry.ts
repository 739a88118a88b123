/** Every venue with history by REST: a new one adds its file and its line here. */
import { TributaryError } from '#libs/errors/errors.ts';
import { binanceCandles, binanceusCandles } from './binance.ts';
import { bitstampCandles } from './bitstamp.ts';
import { bybitCandles } from './bybit.ts';
import { coinbaseCandles } from './coinbase.ts';
import { geminiCandles } from './gemini.ts';
import { krakenCandles } from './kraken.ts';
import { okxCandles } from './okx.ts';
import { type CandleSourceFactory } from './source.ts';

export const CANDLE_SOURCES: Readonly<Record<string, CandleSourceFactory>> = {
  coinbase: coinbaseCandles,
  kraken: krakenCandles,
  binance: binanceCandles,
  binanceus: binanceusCandles,
  bitstamp: bitstampCandles,
  bybit: bybitCandles,
  gemini: geminiCandles,
  okx: okxCandles,
};

/** Throws `TRB_UNKNOWN_VENUE`. */
export function findCandleSource(venue: string): CandleSourceFactory {
  const factory = Object.hasOwn(CANDLE_SOURCES, venue) ? CANDLE_SOURCES[venue] : undefined;
  if (factory !== undefined) return factory;
  throw new TributaryError('TRB_UNKNOWN_VENUE', `"${venue}" has no history by REST.`, {
    hint: `Known are: ${Object.keys(CANDLE_SOURCES).join(', ')}.`,
  });
}
