/**
 * OKX v5 public frames -> events. Pure. https://www.okx.com/docs-v5/en/#order-book-trading-market-data
 * Instruments are BASE-QUOTE as here. One trade row may stand for several fills (`count`) under the id of the last: ids are not dense.
 */
import { toNumber, toPrice, isRecord } from '../numbers.ts';
import { type Fields, isBuy, malformed, mapJson, millisToMicros, refused, toBook, toTrade, toWhole } from '../events.ts';
import { type BookSequence, type MappedFrame, type VenueEvent } from '../venue.ts';

export function mapOkxFrame(text: string): MappedFrame {
  return text === 'pong' ? { channel: 'pong', events: [] } : mapJson(text, mapFrame);
}

function mapFrame(frame: Fields): MappedFrame {
  if (frame['event'] !== undefined) return { channel: 'ack', events: mapAnswer(frame) };
  const arg = isRecord(frame['arg']) ? frame['arg'] : {};
  const rows = Array.isArray(frame['data']) ? (frame['data'] as unknown[]) : [undefined];
  const instrument = typeof arg['instId'] === 'string' && arg['instId'].length <= 40 ? arg['instId'] : undefined;
  const mapped = (channel: string, map: (row: Fields) => VenueEvent[]): MappedFrame => ({
    channel,
    events: rows.flatMap((row) => (isRecord(row) && instrument !== undefined ? map(row) : [malformed('shape', instrument)])),
  });
  switch (arg['channel']) {
    case 'books':
      return mapped('books', (row) => mapBook(row, instrument, frame['action'] === 'snapshot'));
    case 'trades':
      return mapped('trades', (row) => [mapTrade(row, instrument)]);
    case 'tickers':
      return mapped('tickers', (row) => mapTicker(row, instrument!));
    case undefined:
      return { channel: 'unknown', events: [malformed('shape')] };
    default:
      return { channel: 'unknown', events: [] };
  }
}

function mapBook({ bids, asks, checksum, seqId, prevSeqId, ts }: Fields, instrument: string | undefined, isSnapshot: boolean) {
  return toBook({
    instrument,
    isSnapshot,
    bids,
    asks,
    // 0 where the venue makes none any more.
    checksum: typeof checksum === 'number' && Number.isInteger(checksum) && checksum !== 0 ? checksum : undefined,
    sequence: sequenceOf(seqId, prevSeqId, isSnapshot),
    exchangeTime: millisToMicros(ts),
  });
}

/** A snapshot names -1 before it. After maintenance the numbers may begin anew, below those before. */
function sequenceOf(seqId: unknown, prevSeqId: unknown, isSnapshot: boolean): BookSequence | undefined {
  const last = toWhole(seqId);
  const previous = toWhole(prevSeqId);
  if (Number.isNaN(last) || (!isSnapshot && Number.isNaN(previous))) return undefined;
  return { previous: isSnapshot ? undefined : previous, last };
}

function mapTrade({ tradeId, px, sz, side, ts }: Fields, instrument: string | undefined): VenueEvent {
  const id = toWhole(tradeId);
  const given = { instrument, tradeId: id > 0 ? id : NaN, price: px, size: sz, isBuy: isBuy(side) };
  return toTrade({ ...given, exchangeTime: millisToMicros(ts), isLate: false });
}

function mapTicker({ bidPx, askPx, ts }: Fields, instrument: string): VenueEvent[] {
  const [bid, ask] = [toPrice(bidPx), toPrice(askPx)];
  return Number.isNaN(bid + ask) ? [] : [{ kind: 'ticker', instrument, bid, ask, exchangeTime: millisToMicros(ts) }];
}

/** 64008: the connection is about to be closed for an upgrade. */
const CLOSING = 64008;

function mapAnswer({ event, code, msg }: Fields): VenueEvent[] {
  if (event === 'error') return [refused(msg, code)];
  return event === 'notice' && toNumber(code) === CLOSING ? [{ kind: 'reconnect' }] : [];
}
