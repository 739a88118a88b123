/** Kraken's names: `BTC/USD` on WebSocket v2, `XBTUSD` and older ones such as `XXBTZUSD` in REST. */
import { type Instrument } from '#libs/market/instrument.ts';

/** REST says XBT and XDG where everyone says BTC and DOGE. */
const REST_NAMES: Record<string, string> = { BTC: 'XBT', DOGE: 'XDG' };
/** Currencies listed before 2018 carry a class letter in pairs with other such currencies. */
const OLD_CODES: Record<string, string> = {
  BTC: 'XXBT',
  ETH: 'XETH',
  LTC: 'XLTC',
  XRP: 'XXRP',
  USD: 'ZUSD',
  EUR: 'ZEUR',
  GBP: 'ZGBP',
};
/** Keys that follow no rule. */
const ODD_KEYS: Record<string, string> = { 'USDT-USD': 'USDTZUSD' };

export interface KrakenNames {
  /** WebSocket v2. */
  readonly symbol: string;
  readonly altname: string;
  /** The key under which REST answers. */
  readonly key: string;
  /** WebSocket v1's name, as AssetPairs tells it. */
  readonly wsname: string;
  readonly base: string;
  readonly quote: string;
}

export function krakenNames(instrument: Instrument): KrakenNames {
  const { name, base, quote } = instrument;
  const restBase = REST_NAMES[base] ?? base;
  const altname = `${restBase}${REST_NAMES[quote] ?? quote}`;
  const [oldBase, oldQuote] = [OLD_CODES[base], OLD_CODES[quote]];
  return {
    symbol: `${base}/${quote}`,
    altname,
    key: ODD_KEYS[name] ?? (oldBase !== undefined && oldQuote !== undefined ? oldBase + oldQuote : altname),
    wsname: `${restBase}/${REST_NAMES[quote] ?? quote}`,
    base: oldBase ?? restBase,
    quote: oldQuote ?? quote,
  };
}
