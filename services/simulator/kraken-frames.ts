/** Kraken WebSocket v2 frames as text: prices and quantities are JSON numbers, `side` is the taker's. */
import { crc32 } from 'node:zlib';
import { type SideChanges } from './book.ts';
import { type Candle } from './candles.ts';
import { fixed, isoMicros, trimmed } from './decimal.ts';
import { type Pit } from './floor.ts';
import { krakenNames } from './kraken-names.ts';
import { type Trade } from './ledger.ts';
import { type Listing } from './listing.ts';

export const HEARTBEAT = '{"channel":"heartbeat"}';
const CHECKED_LEVELS = 10;

/** The id exceeds what a double holds, as the venue's do; so it is text until it is on the wire. */
export function systemStatusFrame(connection: number): string {
  return (
    `{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2",` +
    `"connection_id":${8_423_536_080_466_635_000n + BigInt(connection)},"upcoming_maintenance":[],"emergency":[]}]}`
  );
}

export interface Times {
  /** µs. */
  readonly in: number;
  readonly out: number;
}

export function ackFrame(
  method: 'subscribe' | 'unsubscribe',
  requestId: number | undefined,
  result: Record<string, unknown>,
  times: Times,
): string {
  return JSON.stringify({
    method,
    ...(requestId === undefined ? {} : { req_id: requestId }),
    result,
    success: true,
    time_in: isoMicros(times.in),
    time_out: isoMicros(times.out),
  });
}

export function refusalFrame(
  error: string,
  method: string | undefined,
  requestId: number | undefined,
  symbol: string | undefined,
  times: Times,
): string {
  return JSON.stringify({
    error,
    ...(method === undefined ? {} : { method }),
    ...(requestId === undefined ? {} : { req_id: requestId }),
    success: false,
    ...(symbol === undefined ? {} : { symbol }),
    time_in: isoMicros(times.in),
    time_out: isoMicros(times.out),
  });
}

export function pongFrame(requestId: number | undefined, times: Times): string {
  const id = requestId === undefined ? {} : { req_id: requestId };
  return JSON.stringify({ method: 'pong', ...id, time_in: isoMicros(times.in), time_out: isoMicros(times.out) });
}

export function tradeFrame(
  pit: Pit,
  trades: readonly Trade[],
  type: 'snapshot' | 'update',
  skew: number,
  price?: string,
): string {
  const { priceDigits, sizeDigits } = pit.listing;
  const { symbol } = krakenNames(pit.listing.instrument);
  const rows = trades.map(
    (trade) =>
      `{"symbol":"${symbol}","side":"${trade.takerBuys ? 'buy' : 'sell'}","price":${price ?? trimmed(trade.price, priceDigits)},` +
      `"qty":${trimmed(trade.size, sizeDigits)},"ord_type":"${trade.id % 3 === 0 ? 'limit' : 'market'}","trade_id":${trade.id},` +
      `"timestamp":"${isoMicros(trade.time + skew)}"}`,
  );
  return `{"channel":"trade","type":"${type}","data":[${rows.join(',')}]}`;
}

export function tickerFrame(pit: Pit, type: 'snapshot' | 'update', time: number): string {
  const { book, lastTrade } = pit;
  const { priceDigits, sizeDigits } = pit.listing;
  const day = pit.candles.last24h();
  const last = lastTrade?.price ?? book.bestBid;
  const change = last - (day?.open ?? last);
  const price = (ticks: number): string => trimmed(ticks, priceDigits);
  return (
    `{"channel":"ticker","type":"${type}","data":[{"symbol":"${krakenNames(pit.listing.instrument).symbol}",` +
    `"bid":${price(book.bestBid)},"bid_qty":${trimmed(book.bestBidSize, sizeDigits)},` +
    `"ask":${price(book.bestAsk)},"ask_qty":${trimmed(book.bestAskSize, sizeDigits)},"last":${price(last)},` +
    `"volume":${trimmed(Math.round(day?.volume ?? 0), sizeDigits)},"vwap":${price(vwapOf(day, last))},` +
    `"low":${price(day?.low ?? last)},"high":${price(day?.high ?? last)},"change":${price(change)},` +
    `"change_pct":${Math.round((change / (last - change)) * 1e4) / 1e2},"trades":${day?.trades ?? 0},"timestamp":"${isoMicros(time)}"}]}`
  );
}

export function bookFrame(
  listing: Listing,
  type: 'snapshot' | 'update',
  bids: SideChanges,
  asks: SideChanges,
  checksum: number,
  time: number,
): string {
  const side = ({ prices, sizes }: SideChanges): string =>
    prices
      .map((price, i) => `{"price":${fixed(price, listing.priceDigits)},"qty":${trimmed(sizes[i]!, listing.sizeDigits)}}`)
      .join(',');
  return (
    `{"channel":"book","type":"${type}","data":[{"symbol":"${krakenNames(listing.instrument).symbol}","bids":[${side(bids)}],` +
    `"asks":[${side(asks)}],"checksum":${checksum},"timestamp":"${isoMicros(time)}"}]}`
  );
}

/**
 * CRC-32 over the ten best asks, then bids, each as price and quantity without point or leading zeros: exactly what the integers are
 * in decimal. Sides best first.
 */
export function checksum(bids: SideChanges, asks: SideChanges): number {
  let text = '';
  for (const { prices, sizes } of [asks, bids]) {
    const levels = Math.min(CHECKED_LEVELS, prices.length);
    for (let i = 0; i < levels; i++) text += `${prices[i]!}${sizes[i]!}`;
  }
  return crc32(text);
}

/** `begin` in seconds; the deprecated `timestamp` of a row is the end of its interval. */
export function ohlcRow(pit: Pit, interval: number, begin: number, candle: Candle): string {
  const price = (ticks: number): string => trimmed(ticks, pit.listing.priceDigits);
  return (
    `{"symbol":"${krakenNames(pit.listing.instrument).symbol}","open":${price(candle.open)},"high":${price(candle.high)},` +
    `"low":${price(candle.low)},"close":${price(candle.close)},"trades":${candle.trades},` +
    `"volume":${trimmed(Math.round(candle.volume), pit.listing.sizeDigits)},"vwap":${price(vwapOf(candle, candle.close))},` +
    `"interval_begin":"${isoMicros(begin * 1e6).slice(0, -1)}000Z","interval":${interval},` +
    `"timestamp":"${isoMicros((begin + interval * 60) * 1e6)}"}`
  );
}

export function ohlcFrame(type: 'snapshot' | 'update', rows: readonly string[], time: number): string {
  return `{"channel":"ohlc","type":"${type}","timestamp":"${isoMicros(time).slice(0, -1)}000Z","data":[${rows.join(',')}]}`;
}

export function instrumentFrame(pits: readonly Pit[], type: 'snapshot' | 'update'): string {
  const currencies = [...new Set(pits.flatMap(({ listing }) => [listing.instrument.base, listing.instrument.quote]))];
  const assets = currencies.map((id) => ({
    id,
    status: 'enabled',
    precision: id === 'USD' || id === 'EUR' ? 4 : 10,
    precision_display: id === 'USD' || id === 'EUR' ? 2 : 5,
    borrowable: true,
    collateral_value: 1,
    margin_rate: 0.025,
  }));
  return JSON.stringify({
    channel: 'instrument',
    type,
    data: { assets: type === 'update' ? [] : assets, pairs: pits.map(pairRow) },
  });
}

function pairRow({ listing, halted }: Pit): Record<string, unknown> {
  const increment = 10 ** -listing.priceDigits;
  return {
    symbol: krakenNames(listing.instrument).symbol,
    base: listing.instrument.base,
    quote: listing.instrument.quote,
    status: halted ? 'cancel_only' : 'online',
    qty_precision: listing.sizeDigits,
    qty_increment: 10 ** -listing.sizeDigits,
    price_precision: listing.priceDigits,
    cost_precision: 5,
    marginable: true,
    has_index: true,
    cost_min: 0.5,
    margin_initial: 0.2,
    position_limit_long: 300,
    position_limit_short: 240,
    tick_size: increment,
    price_increment: increment,
    qty_min: 0.00005,
  };
}

function vwapOf(candle: Candle | undefined, otherwise: number): number {
  return candle === undefined || candle.volume === 0 ? otherwise : Math.round(candle.turnover / candle.volume);
}
