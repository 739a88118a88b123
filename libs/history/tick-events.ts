/**
 * Recorded ticks as the events of a log, as live ingest would have published them: a quote when the best prices or their sizes changed, a
 * trade when the last trade changed, and at each whole second of the recorder's clock heartbeats, reference rates, then the clock.
 */
import { isConversionRate, parseInstrument } from '../market/instrument.ts';
import { Heartbeat, Side, type Tick } from '../wire/tributary/v1/market.ts';
import { clockEvent, LONGEST_HOLE, referenceEvent, REFERENCE_INSTRUMENTS } from './events.ts';
import { type TickRow } from './rows.ts';

const SECOND = 1000;
/** A venue that was heard of within this time counts as connected, milliseconds: thin books are quiet for seconds. */
const QUIET = 30 * SECOND;
/** References take effect this much later, so that their place within a second cannot matter, milliseconds. */
const REFERENCE_DELAY = 2 * SECOND;

interface Feed {
  readonly asset: string;
  readonly isReference: boolean;
  last: TickRow;
  /** Ids are receive times in microseconds, raised where two fall together: increasing within a file and from file to file. */
  tradeId: number;
  quoteId: number;
}

/**
 * `rows` by receive time, as `loadTicks` gives them. The first row of an instrument gives its quote; its last trade is older and gives none.
 * A trade whose size was not given has size 0. A whole silent second is the recorder's own stall and has a clock and nothing else.
 */
export function* tickFileToTicks(rows: Iterable<TickRow>): Generator<Tick> {
  const feeds = new Map<string, Feed>();
  let second: number | undefined;
  let heard = 0;
  for (const row of rows) {
    second ??= endOfSecond(row.receiveTime);
    if (row.receiveTime - second > LONGEST_HOLE + SECOND) {
      yield* secondEvents(feeds, second, heard);
      second = endOfSecond(row.receiveTime) - SECOND;
    }
    for (; second <= row.receiveTime; second += SECOND) yield* secondEvents(feeds, second, heard);
    heard = row.receiveTime;
    const key = `${row.venue}:${row.instrument}`;
    let feed = feeds.get(key);
    const before = feed?.last;
    if (feed === undefined) feeds.set(key, (feed = createFeed(row)));
    feed.last = row;
    // The trade first: it met the quote before, and what it took away is what the new quote shows.
    const isTrade = before !== undefined && isNewTrade(before, row);
    if (isTrade) yield tradeEvent(feed);
    if (isNewQuote(before, row) || (!isTrade && isSizeHidden(row))) yield quoteEvent(feed);
  }
  if (second !== undefined) yield* secondEvents(feeds, second, heard);
}

function endOfSecond(time: number): number {
  return (Math.floor(time / SECOND) + 1) * SECOND;
}

/** Recorders with a finer clock write fractions of a millisecond. */
function micros(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}

function createFeed(row: TickRow): Feed {
  const instrument = parseInstrument(row.instrument);
  const isReference = isConversionRate(instrument) || REFERENCE_INSTRUMENTS.includes(row.instrument);
  return { asset: instrument.base, isReference, last: row, tradeId: 0, quoteId: 0 };
}

function isNewQuote(before: TickRow | undefined, row: TickRow): boolean {
  if (row.bid === 0 || row.ask === 0) return false;
  return before?.bid !== row.bid || before.ask !== row.ask || before.bidSize !== row.bidSize || before.askSize !== row.askSize;
}

/** The venue said something and nothing that the file shows is new: the sizes changed. */
function isSizeHidden({ bid, ask, bidSize, askSize }: TickRow): boolean {
  return bid !== 0 && ask !== 0 && bidSize === 0 && askSize === 0;
}

function isNewTrade(before: TickRow, row: TickRow): boolean {
  if (row.tradePrice === 0) return false;
  return before.tradePrice !== row.tradePrice || (row.tradeSize !== 0 && before.tradeSize !== row.tradeSize);
}

function quoteEvent(feed: Feed): Tick {
  const { bid, bidSize, ask, askSize, receiveTime } = feed.last;
  feed.quoteId = Math.max(feed.quoteId + 1, micros(receiveTime));
  return feedEvent(feed, feed.quoteId, { $case: 'quote', value: { bid, bidSize, ask, askSize } });
}

function tradeEvent(feed: Feed): Tick {
  const { tradePrice: price, tradeSize: size, side, receiveTime } = feed.last;
  feed.tradeId = Math.max(feed.tradeId + 1, micros(receiveTime));
  const aggressor = side === 'buy' ? Side.SIDE_BUY : side === 'sell' ? Side.SIDE_SELL : Side.SIDE_UNSPECIFIED;
  const value = { tradeId: feed.tradeId, price, size, aggressor, repaired: false };
  return feedEvent(feed, feed.tradeId, { $case: 'trade', value });
}

function feedEvent(feed: Feed, sequence: number, event: NonNullable<Tick['event']>): Tick {
  const { venue, instrument, exchangeTime, receiveTime } = feed.last;
  return {
    asset: feed.asset,
    venue,
    instrument,
    exchangeTime: micros(exchangeTime),
    receiveTime: micros(receiveTime),
    sequence,
    event,
  };
}

/** What ends a second; `heard` is when any venue was last heard of. */
function* secondEvents(feeds: ReadonlyMap<string, Feed>, t: number, heard: number): Generator<Tick> {
  const isStalled = heard < t - SECOND;
  for (const feed of feeds.values()) {
    const { last } = feed;
    if (isStalled || last.receiveTime < t - QUIET) continue;
    yield heartbeatEvent(feed, t);
    if (feed.isReference && last.bid !== 0 && last.ask !== 0) {
      yield referenceEvent(last.venue, last.instrument, t / SECOND, (last.bid + last.ask) / 2, t, t + REFERENCE_DELAY);
    }
  }
  yield clockEvent(t);
}

function heartbeatEvent(feed: Feed, t: number): Tick {
  const value = Heartbeat.create({ healthy: true, lastFrameTime: micros(feed.last.receiveTime) });
  return { ...feedEvent(feed, t / SECOND, { $case: 'heartbeat', value }), exchangeTime: 0, receiveTime: t * 1000 };
}
