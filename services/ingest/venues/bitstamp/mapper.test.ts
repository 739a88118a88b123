/** No session of Bitstamp is recorded: frames of the documented shape, made by hand. */
import { describe, expect, test } from '@jest/globals';
import { Side } from '#libs/wire/tributary/v1/market.ts';
import { gather } from '../../recording.test-tool.ts';
import { type BookEvent } from '../venue.ts';
import { bitstamp } from './feed.ts';
import { mapBitstampFrame } from './mapper.ts';

const map = (frame: object) => mapBitstampFrame(JSON.stringify(frame)).events;
const BTC = 'BTC-USD';
const TRADE = {
  ...{ id: 311_022_111, timestamp: '1700000000', amount: 0.015, amount_str: '0.01500000', price: 37_001, price_str: '37001' },
  ...{ type: 1, microtimestamp: '1700000000123456', buy_order_id: 1, sell_order_id: 2 },
};
const tradeFrame = (more: object = {}) => map({ event: 'trade', channel: 'live_trades_btcusd', data: { ...TRADE, ...more } });
const changes = (microtimestamp: string, bids: unknown, asks: unknown = []) =>
  map({ event: 'data', channel: 'diff_order_book_btcusd', data: { timestamp: '1', microtimestamp, bids, asks } });

describe('mapBitstampFrame', () => {
  test('gives a trade by its taker, from the text of its numbers', () => {
    expect(tradeFrame()).toEqual([
      {
        ...{ kind: 'trade', instrument: BTC, tradeId: 311_022_111, price: 37_001, size: 0.015, aggressor: Side.SIDE_SELL },
        ...{ exchangeTime: 1_700_000_000_123_456, isLate: false },
      },
    ]);
    expect(tradeFrame({ type: 0 })).toMatchObject([{ aggressor: Side.SIDE_BUY }]);
    expect(tradeFrame({ type: 2 })).toMatchObject([{ kind: 'malformed' }]);
  });

  test('knows its own words: reconnect, heartbeat, refusal, consent', () => {
    expect(map({ event: 'bts:request_reconnect', channel: '', data: '' })).toEqual([{ kind: 'reconnect' }]);
    expect(map({ event: 'bts:heartbeat', channel: '', data: { status: 'success' } })).toEqual([]);
    expect(map({ event: 'bts:subscription_succeeded', channel: 'live_trades_btcusd', data: {} })).toEqual([]);
    expect(map({ event: 'bts:error', channel: '', data: { code: null, message: 'Bad subscription string.' } })).toMatchObject([
      { kind: 'refused', message: 'Bad subscription string.' },
    ]);
  });

  test.each(['0', '-1', 'NaN', '1e12', '1e999', '', null, {}, '0x10'])('does not believe the price %p', (price) => {
    expect(tradeFrame({ price_str: price })).toMatchObject([{ kind: 'malformed', reason: 'price', instrument: BTC }]);
    expect(changes('5', [[price, '1']])).toMatchObject([
      { kind: 'malformed', reason: 'level' },
      { kind: 'book', bids: [] },
    ]);
  });

  test.each([
    '',
    '{',
    '[]',
    '{}',
    '{"event":"trade","channel":"live_trades_btcusd"}',
    '{"event":"trade","channel":"other","data":{}}',
    '{"event":"trade","channel":"live_trades_btcusd","data":{"id":"x"}}',
    '{"event":"data","channel":"diff_order_book_btcusd","data":{"bids":[],"asks":[]}}',
    '{"event":"data","channel":"diff_order_book_btcusd","data":{"microtimestamp":"1"}}',
    '{"event":"data","channel":7,"data":{"microtimestamp":"1","bids":[],"asks":[]}}',
  ])('calls %p malformed and never throws', (text) => {
    expect(mapBitstampFrame(text).events).toMatchObject([{ kind: 'malformed' }]);
  });
});

describe('the book', () => {
  const bookOf = (events: ReturnType<typeof map>) => events.find((event): event is BookEvent => event.kind === 'book')!;
  const begin = () => {
    const gathered = gather(BTC, bitstamp);
    gathered.stream.onListing({ instrument: BTC, status: 1, tickSize: 1, priceDecimals: 0, sizeDecimals: 8 }, 1);
    gathered.stream.connected(2);
    return gathered;
  };
  const snapshot = (last: number): BookEvent => ({
    ...{
      kind: 'book',
      instrument: BTC,
      isSnapshot: true,
      bids: [100, 1],
      asks: [105, 1],
      checksum: undefined,
      exchangeTime: last,
    },
    sequence: { previous: undefined, last },
  });

  test('takes the changes that came after the snapshot, and none twice', () => {
    const { stream, of, asked } = begin();
    stream.onBook(bookOf(changes('10', [['100', '7']])), 3);
    stream.onBook(bookOf(changes('20', [['101', '2']])), 4);
    expect(asked.resyncs).toBe(1);
    stream.onBook(snapshot(15), 5);
    stream.onBook(bookOf(changes('30', [['101', '0']], [['104', '3']])), 6);
    stream.onBook(bookOf(changes('25', [['103', '9']])), 7); // older than what is known
    expect(of('quote')).toEqual([
      { bid: 101, bidSize: 2, ask: 105, askSize: 1 },
      { bid: 100, bidSize: 1, ask: 104, askSize: 3 },
    ]);
  });

  test('is fetched anew after a frame that could not be read: nothing else would tell what it held', () => {
    const { stream, of, asked } = begin();
    stream.onBook(bookOf(changes('10', [])), 3);
    stream.onBook(snapshot(15), 4);
    stream.onMalformed('not-json', 11_000_000);
    expect(stream.quote).toBeUndefined();
    stream.onBook(bookOf(changes('30', [['101', '1']])), 11_000_001);
    expect(asked.resyncs).toBe(2);
    stream.onBook(snapshot(25), 11_000_002);
    expect(of('quote').at(-1)).toMatchObject({ bid: 101 });
  });
});

test('ids that are not dense make no hole, but after a cut the log names the range that may hold missed trades', () => {
  const { stream, of, asked } = gather(BTC, bitstamp);
  const trade = (id: number) => tradeFrame({ id })[0]!;
  const give = (id: number, now: number) => {
    const event = trade(id);
    if (event.kind === 'trade') stream.onTrade(event, now);
  };
  stream.connected(1);
  [5, 9, 9, 7, 20].forEach((id, at) => give(id, 2 + at));
  stream.disconnected(10, 1, 'cut');
  stream.connected(11);
  [30, 31].forEach((id, at) => give(id, 12 + at));
  expect(of('trade').map(({ tradeId }) => tradeId)).toEqual([5, 9, 20, 30, 31]);
  expect(asked.repairs).toEqual([]);
  expect(of('gap').map(({ kind, fromTradeId, toTradeId }) => [kind, fromTradeId, toTradeId])).toEqual([
    [1, 0, 0],
    [1, 0, 0],
    [2, 21, 29],
  ]);
});
