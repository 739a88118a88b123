/**
 * Coinbase Exchange frames -> events. Pure.
 * https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
 */
import { parseRfc3339Micros } from '#libs/market/rfc3339.ts';
import { Side, TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { decimalsOf, isRecord, toId, toNumber, toPrice, toSize } from '../numbers.ts';
import { type Listing, type MalformedReason, type MappedFrame, type TradeEvent, type VenueEvent } from '../venue.ts';

type Fields = Readonly<Record<string, unknown>>;

export function mapCoinbaseFrame(text: string): MappedFrame {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return { channel: 'unknown', events: [malformed('not-json', undefined)] };
  }
  if (!isRecord(frame)) return { channel: 'unknown', events: [malformed('shape', undefined)] };
  switch (frame['type']) {
    case 'l2update':
      return { channel: 'level2', events: mapChanges(frame) };
    case 'snapshot':
      return { channel: 'level2', events: mapSnapshot(frame) };
    case 'match':
      return { channel: 'matches', events: [mapMatch(frame, false)] };
    case 'last_match':
      return { channel: 'matches', events: [mapMatch(frame, true)] };
    case 'ticker':
      return { channel: 'ticker', events: mapTicker(frame) };
    case 'heartbeat':
      return { channel: 'heartbeat', events: [mapLastTrade(frame, frame['last_trade_id'])] };
    case 'status':
      return { channel: 'status', events: [mapStatus(frame)] };
    case 'error':
      return { channel: 'error', events: [mapError(frame)] };
    case 'subscriptions':
      return { channel: 'subscriptions', events: [] };
    default:
      return { channel: 'unknown', events: [] }; // the venue asks clients to ignore types they do not know
  }
}

/** A product as the status channel and GET /products/{id} give it; undefined if it is not one. */
export function mapProduct(product: unknown): Listing | undefined {
  if (!isRecord(product)) return undefined;
  const instrument = product['id'];
  const tickSize = toPrice(product['quote_increment']);
  const sizeStep = toPrice(product['base_increment']);
  if (typeof instrument !== 'string' || Number.isNaN(tickSize)) return undefined;
  const sizeDecimals = Number.isNaN(sizeStep) ? 8 : decimalsOf(sizeStep);
  return { instrument, status: statusOf(product), tickSize, priceDecimals: decimalsOf(tickSize), sizeDecimals };
}

/** The `side` of a match is the maker's, so the aggressor's is the other (checked against ticker.side of the same sequence). */
export function mapMatch(frame: Fields, isLate: boolean, instrument = frame['product_id']): VenueEvent | TradeEvent {
  if (typeof instrument !== 'string') return malformed('shape', undefined);
  const price = toPrice(frame['price']);
  const size = toSize(frame['size']);
  const tradeId = toId(frame['trade_id']);
  const side = frame['side'];
  if (Number.isNaN(tradeId)) return malformed('trade-id', instrument);
  if (Number.isNaN(price)) return malformed('price', instrument);
  if (!(size > 0)) return malformed('size', instrument);
  if (side !== 'buy' && side !== 'sell') return malformed('shape', instrument);
  const aggressor = side === 'sell' ? Side.SIDE_BUY : Side.SIDE_SELL;
  return { kind: 'trade', instrument, tradeId, price, size, aggressor, exchangeTime: timeOf(frame), isLate };
}

function mapChanges(frame: Fields): VenueEvent[] {
  const instrument = frame['product_id'];
  const changes = frame['changes'];
  if (typeof instrument !== 'string' || !Array.isArray(changes)) return [malformed('shape', undefined)];
  const bids: number[] = [];
  const asks: number[] = [];
  let isSound = true;
  for (const change of changes as unknown[]) {
    const side = Array.isArray(change) ? (change as unknown[])[0] : undefined;
    isSound = (side === 'buy' || side === 'sell') && pushLevel(side === 'buy' ? bids : asks, change, 1) && isSound;
  }
  const exchangeTime = timeOf(frame);
  return withLevelCheck({ kind: 'book', instrument, isSnapshot: false, bids, asks, checksum: undefined, exchangeTime }, isSound);
}

function mapSnapshot(frame: Fields): VenueEvent[] {
  const instrument = frame['product_id'];
  const sides = [frame['bids'], frame['asks']];
  if (typeof instrument !== 'string' || !sides.every(Array.isArray)) return [malformed('shape', undefined)];
  let isSound = true;
  const [bids, asks] = sides.map((side) => {
    const levels: number[] = [];
    for (const level of side as unknown[]) isSound = pushLevel(levels, level, 0) && isSound;
    return levels;
  }) as [number[], number[]];
  const exchangeTime = timeOf(frame);
  return withLevelCheck({ kind: 'book', instrument, isSnapshot: true, bids, asks, checksum: undefined, exchangeTime }, isSound);
}

/** False: it was no level and is left out. A recorded snapshot holds the size "0.-10000". */
function pushLevel(levels: number[], level: unknown, first: number): boolean {
  if (!Array.isArray(level)) return false;
  const price = toPrice((level as unknown[])[first]);
  const size = toSize((level as unknown[])[first + 1]);
  if (Number.isNaN(price) || Number.isNaN(size)) return false;
  levels.push(price, size);
  return true;
}

function withLevelCheck(event: VenueEvent & { readonly kind: 'book' }, isSound: boolean): VenueEvent[] {
  return isSound ? [event] : [malformed('level', event.instrument), event];
}

function mapTicker(frame: Fields): VenueEvent[] {
  const instrument = frame['product_id'];
  if (typeof instrument !== 'string') return [malformed('shape', undefined)];
  const lastTrade = mapLastTrade(frame, frame['trade_id']);
  const bid = toPrice(frame['best_bid']);
  const ask = toPrice(frame['best_ask']);
  // One side is "0" on a product without orders there.
  if (Number.isNaN(bid) || Number.isNaN(ask)) return [lastTrade];
  return [{ kind: 'ticker', instrument, bid, ask, exchangeTime: timeOf(frame) }, lastTrade];
}

function mapLastTrade(frame: Fields, id: unknown): VenueEvent {
  const instrument = frame['product_id'];
  if (typeof instrument !== 'string') return malformed('shape', undefined);
  const tradeId = id === 0 ? 0 : toId(id); // 0: a product that has never traded
  if (Number.isNaN(tradeId)) return malformed('trade-id', instrument);
  return { kind: 'last-trade', instrument, tradeId, exchangeTime: timeOf(frame) };
}

function mapStatus(frame: Fields): VenueEvent {
  const products = frame['products'];
  if (!Array.isArray(products)) return malformed('shape', undefined);
  const listings = products.map(mapProduct).filter((listing) => listing !== undefined);
  return { kind: 'listings', listings, isComplete: listings.length === products.length };
}

function statusOf(product: Fields): TradingStatus {
  if (product['status'] === 'delisted') return TradingStatus.TRADING_STATUS_DELISTED;
  if (product['status'] !== 'online' || product['trading_disabled'] === true) return TradingStatus.TRADING_STATUS_HALTED;
  if (product['auction_mode'] === true) return TradingStatus.TRADING_STATUS_AUCTION;
  if (product['cancel_only'] === true) return TradingStatus.TRADING_STATUS_CANCEL_ONLY;
  if (product['post_only'] === true) return TradingStatus.TRADING_STATUS_POST_ONLY;
  if (product['limit_only'] === true) return TradingStatus.TRADING_STATUS_LIMIT_ONLY;
  return TradingStatus.TRADING_STATUS_ONLINE;
}

function mapError(frame: Fields): VenueEvent {
  const words = [frame['message'], frame['reason']].filter((word) => typeof word === 'string');
  return { kind: 'refused', instrument: undefined, message: words.join(': ').slice(0, 300) };
}

function timeOf(frame: Fields): number {
  return parseRfc3339Micros(frame['time']);
}

function malformed(reason: MalformedReason, instrument: string | undefined): VenueEvent {
  return { kind: 'malformed', reason, instrument };
}

/** Numbers of GET /time: seconds with a fraction. */
export function mapTime(answer: { readonly epoch: number | string }): number {
  return Math.round(toNumber(answer.epoch) * 1e6);
}
