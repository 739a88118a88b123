/**
 * Gemini market data v2 frames -> events. Pure. https://docs.gemini.com/websocket/market-data/v2/about
 * The first `l2_updates` of a subscription holds the whole book, the last 50 trades and auctions; those that follow hold changes only.
 */
import { isRecord, toId } from '../numbers.ts';
import { type Fields, isBuy, malformed, mapJson, millisToMicros, pushLevel, refused, splitSymbol, toTrade } from '../events.ts';
import { type MappedFrame, type VenueEvent } from '../venue.ts';

const QUOTES = ['USDT', 'USDC', 'USD', 'EUR', 'GBP', 'SGD', 'BTC', 'ETH'];

export function mapGeminiFrame(text: string): MappedFrame {
  return mapJson(text, mapFrame);
}

function mapFrame(frame: Fields): MappedFrame {
  switch (frame['type']) {
    case 'l2_updates':
      return { channel: 'l2', events: [...mapBook(frame), ...mapPast(frame['trades'])] };
    case 'trade':
      return { channel: 'trade', events: [mapTrade(frame, false)] };
    case 'heartbeat':
      return { channel: 'heartbeat', events: [] };
    case undefined:
      return frame['result'] === 'error'
        ? { channel: 'error', events: [refused(frame['reason'], frame['message'])] }
        : { channel: 'unknown', events: [malformed('shape')] };
    default:
      return { channel: 'unknown', events: [] }; // auctions: their prices are not the book's
  }
}

/** Changes are [side, price, size] with the size that rests there now, 0 = none. */
function mapBook({ symbol, changes, trades }: Fields): VenueEvent[] {
  const instrument = instrumentOf(symbol);
  if (instrument === undefined || !Array.isArray(changes)) return [malformed('shape', instrument)];
  const [bids, asks]: [number[], number[]] = [[], []];
  let isSound = true;
  for (const change of changes as unknown[]) {
    const side = Array.isArray(change) ? isBuy((change as unknown[])[0]) : undefined;
    isSound = side !== undefined && pushLevel(side ? bids : asks, change, 1) && isSound;
  }
  const isSnapshot = Array.isArray(trades);
  const book: VenueEvent = { kind: 'book', instrument, isSnapshot, bids, asks, checksum: undefined, exchangeTime: 0 };
  return isSound ? [book] : [malformed('level', instrument), book];
}

/** Oldest first; the venue gives the newest first. */
function mapPast(trades: unknown): VenueEvent[] {
  if (!Array.isArray(trades)) return [];
  return (trades as unknown[])
    .map((trade) => (isRecord(trade) ? mapTrade(trade, true) : malformed('shape')))
    .sort((one, other) => idOf(one) - idOf(other));
}

function idOf(event: VenueEvent): number {
  return event.kind === 'trade' ? event.tradeId : 0;
}

/** `event_id` grows over all symbols and kinds of event. */
function mapTrade({ symbol, event_id: id, timestamp, price, quantity, side }: Fields, isLate: boolean): VenueEvent {
  const given = { instrument: instrumentOf(symbol), tradeId: toId(id), price, size: quantity, isBuy: isBuy(side) };
  return toTrade({ ...given, exchangeTime: millisToMicros(timestamp), isLate });
}

function instrumentOf(symbol: unknown): string | undefined {
  return splitSymbol(symbol, QUOTES);
}
