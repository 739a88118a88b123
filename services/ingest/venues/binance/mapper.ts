/**
 * Binance spot stream frames -> events. Pure. https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
 * Trades are the aggregate ones (fills of one taker order at one price), whose ids are dense and can be asked for without a key.
 */
import { toId } from '../numbers.ts';
import { type Fields, malformed, mapJson, millisToMicros, refused, splitSymbol, toBook, toTrade, toWhole } from '../events.ts';
import { type MappedFrame, type VenueEvent } from '../venue.ts';
import { isRecord, toPrice } from '../numbers.ts';

const QUOTES = ['USDT', 'USDC', 'FDUSD', 'USD', 'EUR', 'GBP', 'TRY', 'BTC', 'ETH', 'BNB'];

export function mapBinanceFrame(text: string): MappedFrame {
  return mapJson(text, mapFrame);
}

function mapFrame(frame: Fields): MappedFrame {
  const { stream, data } = frame;
  if (typeof stream !== 'string') return { channel: 'ack', events: mapAnswer(frame) };
  if (!isRecord(data)) return { channel: 'unknown', events: [malformed('shape')] };
  switch (stream.split('@')[1]) {
    case 'depth':
      return { channel: 'depth', events: mapDepth(data) };
    case 'aggTrade':
      return { channel: 'aggTrade', events: [mapAggregateTrade(data, false)] };
    case 'bookTicker':
      return { channel: 'bookTicker', events: mapTicker(data) };
    default:
      return { channel: 'unknown', events: [] };
  }
}

function mapDepth({ s, U, u, b, a, E }: Fields): VenueEvent[] {
  const instrument = instrumentOf(s);
  const [first, last] = [toWhole(U), toWhole(u)];
  if (instrument === undefined || !(first <= last)) return [malformed('shape', instrument)];
  const sequence = { previous: first - 1, last };
  return toBook({ instrument, isSnapshot: false, bids: b, asks: a, sequence, exchangeTime: millisToMicros(E) });
}

/** `m`: the buyer was the maker. The REST answer names no symbol. */
export function mapAggregateTrade({ s, a, p, q, m, T }: Fields, isLate: boolean, instrument = instrumentOf(s)): VenueEvent {
  const side = typeof m === 'boolean' ? !m : undefined;
  const exchangeTime = millisToMicros(T);
  return toTrade({ instrument, tradeId: toId(a), price: p, size: q, isBuy: side, exchangeTime, isLate });
}

function mapTicker({ s, b, a }: Fields): VenueEvent[] {
  const instrument = instrumentOf(s);
  if (instrument === undefined) return [malformed('shape')];
  const [bid, ask] = [toPrice(b), toPrice(a)];
  return Number.isNaN(bid + ask) ? [] : [{ kind: 'ticker', instrument, bid, ask, exchangeTime: 0 }];
}

/** `{"result":null,"id":1}` is consent. */
function mapAnswer(frame: Fields): VenueEvent[] {
  const error = isRecord(frame['error']) ? frame['error'] : frame;
  if (error['msg'] !== undefined) return [refused(error['msg'])];
  return 'result' in frame ? [] : [malformed('shape')];
}

function instrumentOf(symbol: unknown): string | undefined {
  return splitSymbol(symbol, QUOTES);
}
