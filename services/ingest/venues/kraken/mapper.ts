/**
 * Kraken WebSocket v2 frames -> events. Pure. https://docs.kraken.com/api/docs/websocket-v2
 * Symbols are BASE/QUOTE here and BASE-QUOTE outside.
 */
import { parseRfc3339Micros } from '#libs/market/rfc3339.ts';
import { Side, TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { isRecord, toId, toPrice, toSize } from '../numbers.ts';
import { type Listing, type MalformedReason, type MappedFrame, type VenueEvent } from '../venue.ts';

type Fields = Readonly<Record<string, unknown>>;

export function mapKrakenFrame(text: string): MappedFrame {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return { channel: 'unknown', events: [malformed('not-json', undefined)] };
  }
  if (!isRecord(frame)) return { channel: 'unknown', events: [malformed('shape', undefined)] };
  if (typeof frame['method'] === 'string') return { channel: 'ack', events: mapAnswer(frame) };
  if (frame['channel'] === undefined) return { channel: 'error', events: mapAnswer({ ...frame, success: false }) };
  const isSnapshot = frame['type'] === 'snapshot';
  switch (frame['channel']) {
    case 'book':
      return { channel: 'book', events: rowsOf(frame).flatMap((row) => mapBook(row, isSnapshot)) };
    case 'trade':
      return { channel: 'trade', events: rowsOf(frame).map((row) => mapTrade(row, isSnapshot)) };
    case 'ticker':
      return { channel: 'ticker', events: rowsOf(frame).flatMap(mapTicker) };
    case 'instrument':
      return { channel: 'instrument', events: [mapInstruments(frame['data'], isSnapshot)] };
    case 'status':
      return { channel: 'status', events: rowsOf(frame).map(mapSystem) };
    case 'heartbeat':
      return { channel: 'heartbeat', events: [] };
    default:
      return { channel: 'unknown', events: [] };
  }
}

export function toSymbol(instrument: string): string {
  return instrument.replace('-', '/');
}

function instrumentOf(symbol: unknown): string | undefined {
  return typeof symbol === 'string' && symbol.length <= 40 ? symbol.replace('/', '-') : undefined;
}

/** What is no row becomes an empty one, which each mapper counts as malformed. */
function rowsOf(frame: Fields): Fields[] {
  const rows = Array.isArray(frame['data']) ? (frame['data'] as unknown[]) : [undefined];
  return rows.map((row) => (isRecord(row) ? row : {}));
}

/** `side` is the taker's. */
function mapTrade(row: Fields, isLate: boolean): VenueEvent {
  const instrument = instrumentOf(row['symbol']);
  if (instrument === undefined) return malformed('shape', undefined);
  const tradeId = toId(row['trade_id']);
  const price = toPrice(row['price']);
  const size = toSize(row['qty']);
  const side = row['side'];
  if (Number.isNaN(tradeId)) return malformed('trade-id', instrument);
  if (Number.isNaN(price)) return malformed('price', instrument);
  if (!(size > 0)) return malformed('size', instrument);
  if (side !== 'buy' && side !== 'sell') return malformed('shape', instrument);
  const aggressor = side === 'buy' ? Side.SIDE_BUY : Side.SIDE_SELL;
  return { kind: 'trade', instrument, tradeId, price, size, aggressor, exchangeTime: timeOf(row), isLate };
}

function mapBook(row: Fields, isSnapshot: boolean): VenueEvent[] {
  const instrument = instrumentOf(row['symbol']);
  if (instrument === undefined) return [malformed('shape', undefined)];
  const bids: number[] = [];
  const asks: number[] = [];
  const isSound = [pushLevels(bids, row['bids']), pushLevels(asks, row['asks'])].every(Boolean);
  const given = row['checksum'];
  const checksum = typeof given === 'number' && Number.isInteger(given) ? given : undefined;
  const event: VenueEvent = { kind: 'book', instrument, isSnapshot, bids, asks, checksum, exchangeTime: timeOf(row) };
  return isSound ? [event] : [malformed('level', instrument), event];
}

function pushLevels(levels: number[], given: unknown): boolean {
  if (given === undefined) return true;
  if (!Array.isArray(given)) return false;
  let isSound = true;
  for (const level of given as unknown[]) {
    const price = isRecord(level) ? toPrice(level['price']) : NaN;
    const size = isRecord(level) ? toSize(level['qty']) : NaN;
    if (Number.isNaN(price) || Number.isNaN(size)) isSound = false;
    else levels.push(price, size);
  }
  return isSound;
}

function mapTicker(row: Fields): VenueEvent[] {
  const instrument = instrumentOf(row['symbol']);
  if (instrument === undefined) return [malformed('shape', undefined)];
  const bid = toPrice(row['bid']);
  const ask = toPrice(row['ask']);
  // A halted market shows 0 and 0.
  if (Number.isNaN(bid) || Number.isNaN(ask)) return [];
  return [{ kind: 'ticker', instrument, bid, ask, exchangeTime: timeOf(row) }];
}

function mapInstruments(data: unknown, isComplete: boolean): VenueEvent {
  const pairs = isRecord(data) ? data['pairs'] : undefined;
  if (!Array.isArray(pairs)) return malformed('shape', undefined);
  const listings = pairs.map(mapPair).filter((listing) => listing !== undefined);
  return { kind: 'listings', listings, isComplete: isComplete && listings.length === pairs.length };
}

function mapPair(pair: unknown): Listing | undefined {
  if (!isRecord(pair)) return undefined;
  const instrument = instrumentOf(pair['symbol']);
  const tickSize = toPrice(pair['price_increment'] ?? pair['tick_size']);
  const priceDecimals = decimalsIn(pair['price_precision']);
  const sizeDecimals = decimalsIn(pair['qty_precision']);
  if (instrument === undefined || Number.isNaN(tickSize) || Number.isNaN(priceDecimals + sizeDecimals)) return undefined;
  return { instrument, status: krakenStatus(pair['status']), tickSize, priceDecimals, sizeDecimals };
}

function decimalsIn(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 15 ? value : NaN;
}

function mapSystem(row: Fields): VenueEvent {
  return typeof row['system'] === 'string'
    ? { kind: 'system', status: krakenStatus(row['system']) }
    : malformed('shape', undefined);
}

/** Of the system, of a pair on the instrument channel, or of a pair in REST's AssetPairs. */
export function krakenStatus(status: unknown): TradingStatus {
  switch (status) {
    case 'online':
      return TradingStatus.TRADING_STATUS_ONLINE;
    case 'cancel_only':
    case 'reduce_only': // nothing new can be opened
      return TradingStatus.TRADING_STATUS_CANCEL_ONLY;
    case 'post_only':
      return TradingStatus.TRADING_STATUS_POST_ONLY;
    case 'limit_only':
      return TradingStatus.TRADING_STATUS_LIMIT_ONLY;
    case 'delisted':
      return TradingStatus.TRADING_STATUS_DELISTED;
    default:
      return TradingStatus.TRADING_STATUS_HALTED; // maintenance, work_in_progress, and what is not known yet
  }
}

function mapAnswer(frame: Fields): VenueEvent[] {
  if (frame['success'] !== false) return [];
  const message = frame['error'] ?? frame['Error'];
  if (typeof message !== 'string' || message.startsWith('Already subscribed')) return [];
  return [{ kind: 'refused', instrument: instrumentOf(frame['symbol']), message: message.slice(0, 300) }];
}

function timeOf(row: Fields): number {
  return parseRfc3339Micros(row['timestamp']);
}

function malformed(reason: MalformedReason, instrument: string | undefined): VenueEvent {
  return { kind: 'malformed', reason, instrument };
}
