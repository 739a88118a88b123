/**
 * Bitstamp WebSocket v2 frames -> events. Pure. https://www.bitstamp.net/websocket/v2/
 * Trade ids grow over all markets: within one they are not dense.
 */
import { isRecord, toId, toNumber } from '../numbers.ts';
import { type Fields, malformed, mapJson, refused, splitSymbol, toBook, toTrade, toWhole } from '../events.ts';
import { type MappedFrame, type VenueEvent } from '../venue.ts';

const QUOTES = ['USDT', 'USDC', 'USD', 'EUR', 'GBP', 'BTC', 'ETH'];
const TRADES = 'live_trades_';
export const CHANGES = 'diff_order_book_';

export function mapBitstampFrame(text: string): MappedFrame {
  return mapJson(text, mapFrame);
}

function mapFrame({ event, channel, data }: Fields): MappedFrame {
  switch (event) {
    case 'trade':
      return { channel: 'live_trades', events: [mapTrade(data, instrumentOf(channel, TRADES))] };
    case 'data':
      return { channel: 'diff_order_book', events: mapChanges(data, instrumentOf(channel, CHANGES)) };
    case 'bts:request_reconnect':
      return { channel: 'request_reconnect', events: [{ kind: 'reconnect' }] };
    case 'bts:error':
      return { channel: 'error', events: [refused(isRecord(data) ? data['message'] : data)] };
    case 'bts:heartbeat':
      return { channel: 'heartbeat', events: [] };
    case undefined:
      return { channel: 'unknown', events: [malformed('shape')] };
    default:
      return { channel: 'unknown', events: [] };
  }
}

/** `type` is the taker's side: 0 bought, 1 sold. Numbers stand beside their text, which keeps every digit. */
function mapTrade(data: unknown, instrument: string | undefined): VenueEvent {
  if (!isRecord(data)) return malformed('shape', instrument);
  const { id, type, price_str: price, amount_str: size, microtimestamp } = data;
  const isBuy = type === 0 ? true : type === 1 ? false : undefined;
  return toTrade({ instrument, tradeId: toId(id), price, size, isBuy, exchangeTime: toTime(microtimestamp), isLate: false });
}

/** The venue numbers nothing; its microseconds order what it says, so that changes older than the snapshot are told. */
function mapChanges(data: unknown, instrument: string | undefined): VenueEvent[] {
  if (!isRecord(data)) return [malformed('shape', instrument)];
  const last = toWhole(data['microtimestamp']);
  if (Number.isNaN(last)) return [malformed('shape', instrument)];
  const sequence = { previous: undefined, last };
  return toBook({ instrument, isSnapshot: false, bids: data['bids'], asks: data['asks'], sequence, exchangeTime: last });
}

function toTime(micros: unknown): number {
  const time = toNumber(micros);
  return Number.isFinite(time) ? time : 0;
}

function instrumentOf(channel: unknown, prefix: string): string | undefined {
  return typeof channel === 'string' && channel.startsWith(prefix)
    ? splitSymbol(channel.slice(prefix.length), QUOTES)
    : undefined;
}
