/**
 * Building blocks of the mappers: each takes what a frame holds, believes none of it, and gives an event or a `malformed` one. Pure.
 */
import { Side } from '#libs/wire/tributary/v1/market.ts';
import { isRecord, toNumber, toPrice, toSize } from './numbers.ts';
import { type BookSequence, type MalformedReason, type MappedFrame, type VenueEvent } from './venue.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Hands the object that a frame is to `map`; what is none is malformed. */
export function mapJson(text: string, map: (frame: Fields) => MappedFrame): MappedFrame {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return { channel: 'unknown', events: [malformed('not-json')] };
  }
  return isRecord(frame) ? map(frame) : { channel: 'unknown', events: [malformed('shape')] };
}

export function malformed(reason: MalformedReason, instrument?: string): VenueEvent {
  return { kind: 'malformed', reason, instrument };
}

/** What of `words` is text or a number: an object may have a toString that throws. */
export function refused(...words: readonly unknown[]): VenueEvent {
  const said = words.filter((word) => typeof word === 'string' || typeof word === 'number');
  return { kind: 'refused', instrument: undefined, message: said.join(': ').slice(0, 300) };
}

/** The trade as given; `tradeId` NaN = not readable, `isBuy` undefined = the side was not. */
export interface GivenTrade {
  readonly instrument: string | undefined;
  readonly tradeId: number;
  readonly price: unknown;
  readonly size: unknown;
  readonly isBuy: boolean | undefined;
  readonly exchangeTime: number;
  readonly isLate: boolean;
}

export function toTrade(given: GivenTrade): VenueEvent {
  const { instrument, tradeId, isBuy, exchangeTime, isLate } = given;
  if (instrument === undefined) return malformed('shape');
  const price = toPrice(given.price);
  const size = toSize(given.size);
  if (Number.isNaN(tradeId)) return malformed('trade-id', instrument);
  if (Number.isNaN(price)) return malformed('price', instrument);
  if (!(size > 0)) return malformed('size', instrument);
  if (isBuy === undefined) return malformed('shape', instrument);
  const aggressor = isBuy ? Side.SIDE_BUY : Side.SIDE_SELL;
  return { kind: 'trade', instrument, tradeId, price, size, aggressor, exchangeTime, isLate };
}

/** `buy` and `sell`, in any case, by the taker. */
export function isBuy(side: unknown): boolean | undefined {
  if (side === 'buy' || side === 'Buy') return true;
  return side === 'sell' || side === 'Sell' ? false : undefined;
}

export interface GivenBook {
  readonly instrument: string | undefined;
  readonly isSnapshot: boolean;
  /** Lists of [price, size, …]. */
  readonly bids: unknown;
  readonly asks: unknown;
  readonly checksum?: number | undefined;
  readonly sequence?: BookSequence | undefined;
  readonly exchangeTime: number;
}

/** What is no level is left out and told before the book. */
export function toBook({ bids, asks, checksum, instrument, ...rest }: GivenBook): VenueEvent[] {
  if (instrument === undefined || !Array.isArray(bids) || !Array.isArray(asks)) return [malformed('shape', instrument)];
  const [bidLevels, askLevels]: [number[], number[]] = [[], []];
  const isSound = [pushLevels(bidLevels, bids), pushLevels(askLevels, asks)].every(Boolean);
  const event: VenueEvent = { kind: 'book', instrument, ...rest, bids: bidLevels, asks: askLevels, checksum };
  return isSound ? [event] : [malformed('level', instrument), event];
}

function pushLevels(levels: number[], given: readonly unknown[]): boolean {
  let isSound = true;
  for (const level of given) isSound = pushLevel(levels, level, 0) && isSound;
  return isSound;
}

/** Price and size from place `first` of a list on. False: it was no level and is left out. */
export function pushLevel(levels: number[], level: unknown, first: number): boolean {
  if (!Array.isArray(level)) return false;
  const price = toPrice((level as unknown[])[first]);
  const size = toSize((level as unknown[])[first + 1]);
  if (Number.isNaN(price) || Number.isNaN(size)) return false;
  levels.push(price, size);
  return true;
}

/** Milliseconds, a number or its digits, as microseconds; 0 = not given. */
export function millisToMicros(value: unknown): number {
  const millis = toNumber(value);
  return Number.isFinite(millis) ? Math.round(millis * 1000) : 0;
}

/** A number or its digits as an id that a double holds exactly, else NaN. */
export function toWhole(value: unknown): number {
  const number = toNumber(value);
  return Number.isSafeInteger(number) && number >= 0 ? number : NaN;
}

/** BASE-QUOTE of a symbol written without anything between, `BTCUSDT`; `quotes` in the order in which they are tried. */
export function splitSymbol(symbol: unknown, quotes: readonly string[]): string | undefined {
  if (typeof symbol !== 'string' || symbol.length > 40) return undefined;
  const name = symbol.toUpperCase();
  for (const quote of quotes) {
    if (name.length > quote.length && name.endsWith(quote)) return `${name.slice(0, -quote.length)}-${quote}`;
  }
  return undefined;
}

export function joinSymbol(instrument: string): string {
  return instrument.replace('-', '');
}
