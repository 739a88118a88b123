/** One instrument that goes over from one connection to the next, whichever of the two is ahead. */
import { describe, expect, test } from '@jest/globals';
import { Side, TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { type NextLine } from './next-line.ts';
import { gather } from './recording.test-tool.ts';
import { binance } from './venues/binance/feed.ts';
import { bybit } from './venues/bybit/feed.ts';
import { type BookEvent, type TradeEvent } from './venues/venue.ts';

const SECOND = 1_000_000;
const listing = {
  instrument: 'BTC-USD',
  status: TradingStatus.TRADING_STATUS_ONLINE,
  tickSize: 1,
  priceDecimals: 0,
  sizeDecimals: 2,
};

function trade(tradeId: number, more: Partial<TradeEvent> = {}): TradeEvent {
  const fixed = { kind: 'trade', instrument: 'BTC-USD', price: 100, size: 1, aggressor: Side.SIDE_BUY, isLate: false } as const;
  return { ...fixed, tradeId, exchangeTime: tradeId, ...more };
}

/** A bid, and an ask at 200. */
function book(bid: number, exchangeTime: number, more: Partial<BookEvent> = {}): BookEvent {
  const sides = { bids: [bid, 1], asks: [200, 1] };
  return { kind: 'book', instrument: 'BTC-USD', isSnapshot: false, ...sides, checksum: undefined, exchangeTime, ...more };
}

const snapshot = (bid: number, exchangeTime: number) => book(bid, exchangeTime, { isSnapshot: true });

/** A stream with a book of the bid 100 at time 10, and what the next connection tells. */
function rehearsing() {
  const gathered = gather('BTC-USD');
  const { stream, of } = gathered;
  stream.onListing(listing, 1);
  stream.connected(1);
  stream.onBook(snapshot(100, 10), 2);
  const next = stream.rehearse();
  return { ...gathered, next, bids: () => of('quote').map(({ bid }) => bid) };
}

describe('the book', () => {
  test('is missing until the next connection has one, and no longer than this one has one', () => {
    const { stream, next } = rehearsing();
    expect(stream.missingOf(next, 3)).toBe('the book');
    next.onBook(snapshot(100, 10), 3);
    expect(stream.missingOf(next, 3)).toBeUndefined();
    const without = gather('BTC-USD');
    expect(without.stream.missingOf(without.stream.rehearse(), 3)).toBeUndefined();
  });

  test('goes on without a word where both are equal', () => {
    const { stream, next, said } = rehearsing();
    next.onBook(snapshot(100, 10), 3);
    const before = said.length;
    stream.takeOver(next, 4);
    expect(said.slice(before)).toEqual([]);
    expect(stream.quote).toMatchObject({ quote: { bid: 100 } });
  });

  test('of a next connection that is ahead is published at once', () => {
    const { stream, next, bids } = rehearsing();
    next.onBook(snapshot(100, 10), 3);
    next.onBook(book(110, 20), 3);
    stream.takeOver(next, 4);
    expect(bids()).toEqual([100, 110]);
  });

  test('of a next connection that lags does not go back', () => {
    const { stream, next, bids } = rehearsing();
    next.onBook(snapshot(100, 10), 3);
    stream.onBook(book(110, 20), 3);
    stream.onBook(book(120, 30), 3);
    stream.takeOver(next, 4);
    stream.flush(5);
    stream.onBook(book(110, 20), 6);
    expect(bids()).toEqual([100, 110, 120]);
    stream.onBook(book(120, 30), 7);
    stream.onBook(book(130, 40), 8);
    expect(bids()).toEqual([100, 110, 120, 130]);
  });

  test('is waited for no longer than a second, whatever its times say', () => {
    const { stream, next, bids } = rehearsing();
    next.onBook(snapshot(100, 10), 3);
    stream.onBook(book(110, 9 * SECOND), 3);
    stream.takeOver(next, 4);
    stream.onBook(book(120, 20), 5);
    expect(bids()).toEqual([100, 110]);
    stream.flush(4 + SECOND);
    expect(bids()).toEqual([100, 110, 120]);
  });

  test('that is wrong fails the next connection only', () => {
    const { stream, said } = gather('BTC-USD', { checksum: () => 7 });
    stream.onListing(listing, 1);
    stream.connected(1);
    stream.onBook({ ...snapshot(100, 10), checksum: 7 }, 2);
    const next = stream.rehearse();
    const before = said.length;
    next.onBook({ ...snapshot(100, 10), checksum: 8 }, 3);
    expect(next.failure).toContain('bad-checksum');
    stream.endRehearsal();
    expect(said.slice(before)).toEqual([]);
    expect(stream.quote).toBeDefined();
  });
});

test('trades of both are published once, in order; the next connection serves once this one has come to its first', () => {
  const { stream, next, of } = rehearsing();
  for (const id of [1, 2, 3]) stream.onTrade(trade(id), 3);
  for (const id of [5, 6, 7]) next.onTrade(trade(id));
  next.onBook(snapshot(100, 10), 3);
  expect(stream.missingOf(next, 3)).toContain('trades');
  for (const id of [4, 5]) stream.onTrade(trade(id), 4);
  expect(stream.missingOf(next, 4)).toBeUndefined();
  stream.takeOver(next, 5);
  for (const id of [7, 8]) stream.onTrade(trade(id), 6);
  expect(of('trade').map(({ tradeId, repaired }) => [tradeId, repaired])).toEqual(
    [1, 2, 3, 4, 5, 6, 7, 8].map((id) => [id, false]),
  );
  expect(of('gap')).toHaveLength(1);
});

test('trades without ids are told apart by what they say', () => {
  const { stream, of } = gather('BTC-USD', bybit);
  stream.connected(1);
  const at = (exchangeTime: number, price: number) => trade(0, { exchangeTime, price });
  stream.onTrade(at(1, 100), 2);
  const next = stream.rehearse();
  // Two fills that say the same are two trades.
  for (const each of [at(2, 101), at(3, 102), at(3, 102)]) stream.onTrade(each, 3);
  for (const each of [at(2, 101), at(3, 102)]) next.onTrade(each);
  stream.takeOver(next, 4);
  for (const each of [at(3, 102), at(3, 102), at(4, 103)]) stream.onTrade(each, 5);
  expect(of('trade').map(({ price }) => price)).toEqual([100, 101, 102, 102, 102, 103]);
});

describe('a book whose snapshot came by REST', () => {
  const update = (previous: number, last: number, bid: number) => book(bid, last, { sequence: { previous, last } });

  function numbered(): { next: NextLine } & ReturnType<typeof gather> {
    const gathered = gather('BTC-USD', binance);
    const { stream } = gathered;
    stream.onListing(listing, 1);
    stream.connected(1);
    stream.onBook(update(99, 105, 101), 2);
    stream.onBook(book(100, 0, { isSnapshot: true, sequence: { previous: undefined, last: 100 } }), 3);
    return { ...gathered, next: stream.rehearse() };
  }

  test('is handed on: no other is fetched, and the numbers go on', () => {
    const { stream, next, of, asked } = numbered();
    const before = asked.resyncs;
    next.onBook(update(108, 112, 103), 4);
    expect(stream.missingOf(next, 4)).toBe('the book');
    stream.onBook(update(105, 110, 102), 4);
    expect(stream.missingOf(next, 4)).toBe('the book');
    stream.onBook(update(110, 112, 103), 5);
    expect(stream.missingOf(next, 5)).toBeUndefined();
    stream.takeOver(next, 6);
    stream.onBook(update(112, 115, 104), 7);
    expect(of('quote').map(({ bid }) => bid)).toEqual([101, 102, 103, 104]);
    expect([asked.resyncs - before, of('gap').length]).toEqual([0, 1]);
  });

  test('is handed on of a quiet instrument too, and a missing link is still seen', () => {
    const { stream, next, of } = numbered();
    expect(stream.missingOf(next, 4)).toBeUndefined();
    stream.takeOver(next, 5);
    stream.onBook(update(105, 106, 102), 6);
    stream.onBook(update(107, 108, 103), 7);
    expect(of('quote').map(({ bid }) => bid)).toEqual([101, 102]);
    expect(of('gap').at(-1)).toMatchObject({ detail: 'updates of the book are missing' });
  });
});
