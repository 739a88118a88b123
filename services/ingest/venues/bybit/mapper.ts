/**
 * Bybit v5 public spot frames -> events. Pure. https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook
 * Trade ids are UUIDs or numbers beyond what a double holds: none is taken from them.
 */
import {
  type Fields,
  isBuy,
  malformed,
  mapJson,
  millisToMicros,
  refused,
  splitSymbol,
  toBook,
  toTrade,
  toWhole,
} from '../events.ts';
import { isRecord } from '../numbers.ts';
import { type MappedFrame, type VenueEvent } from '../venue.ts';

const QUOTES = ['USDT', 'USDC', 'USDE', 'EUR', 'BRL', 'PLN', 'TRY', 'BTC', 'ETH', 'USD'];

export function mapBybitFrame(text: string): MappedFrame {
  return mapJson(text, mapFrame);
}

function mapFrame(frame: Fields): MappedFrame {
  const { topic, type, data, ts } = frame;
  if (typeof topic !== 'string') return { channel: 'ack', events: mapAnswer(frame) };
  if (topic.startsWith('orderbook.')) return { channel: 'orderbook', events: mapBook(data, type, frame['cts'] ?? ts) };
  if (topic.startsWith('publicTrade.')) {
    const rows = Array.isArray(data) ? (data as unknown[]) : [undefined];
    return { channel: 'publicTrade', events: rows.flatMap(mapTrade) };
  }
  return { channel: 'unknown', events: [] };
}

/** `u` grows by one with each frame of a book; a restart of the service begins with a snapshot of 1. */
function mapBook(data: unknown, type: unknown, time: unknown): VenueEvent[] {
  if (!isRecord(data)) return [malformed('shape')];
  const instrument = instrumentOf(data['s']);
  const last = toWhole(data['u']);
  if (instrument === undefined || Number.isNaN(last)) return [malformed('shape', instrument)];
  const isSnapshot = type === 'snapshot';
  const sequence = { previous: isSnapshot ? undefined : last - 1, last };
  return toBook({ instrument, isSnapshot, bids: data['b'], asks: data['a'], sequence, exchangeTime: millisToMicros(time) });
}

/** `S` is the taker's side. A block trade (`BT`) was made outside the book and says nothing of it. */
function mapTrade(row: unknown): VenueEvent[] {
  if (!isRecord(row)) return [malformed('shape')];
  const { s, S, p, v, T, BT } = row;
  if (BT === true) return [];
  const given = { instrument: instrumentOf(s), tradeId: 0, price: p, size: v, isBuy: isBuy(S) };
  return [toTrade({ ...given, exchangeTime: millisToMicros(T), isLate: false })];
}

function mapAnswer({ success, ret_msg: message, op }: Fields): VenueEvent[] {
  if (success === false) return [refused(message)];
  return typeof op === 'string' ? [] : [malformed('shape')];
}

function instrumentOf(symbol: unknown): string | undefined {
  return splitSymbol(symbol, QUOTES);
}
