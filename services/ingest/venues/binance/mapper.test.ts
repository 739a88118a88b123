import { describe, expect, test } from '@jest/globals';
import { sharedData } from '#libs/history/shared-data.ts';
import { Side, TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { gather, readFrames } from '../../recording.test-tool.ts';
import { type BookEvent } from '../venue.ts';
import { binance } from './feed.ts';
import { mapBinanceFrame } from './mapper.ts';

const map = (data: object, stream = 'btcusdt@depth@100ms') => mapBinanceFrame(JSON.stringify({ stream, data })).events;
const BTC = 'BTC-USDT';
const LISTING = {
  instrument: BTC,
  status: TradingStatus.TRADING_STATUS_ONLINE,
  tickSize: 0.01,
  priceDecimals: 2,
  sizeDecimals: 5,
};

/** Of October 2021; the combined stream's shape is today's. It holds no snapshot by REST: the book here is what its changes say. */
describe('the recorded session', () => {
  const path = sharedData('frames/binance.ws.1.0.gz');
  if (path === undefined) {
    test.todo('frames/binance.ws.1.0.gz is absent');
    return;
  }
  const frames = readFrames(path).map(({ text, receiveTime }) => ({ text, receiveTime, ...mapBinanceFrame(text) }));
  const events = frames.flatMap((frame) => frame.events);

  test('is read frame by frame, and the ids of each book’s updates have no hole', () => {
    expect(
      Object.fromEntries(
        ['depth', 'aggTrade', 'bookTicker', 'unknown'].map((c) => [c, frames.filter((f) => f.channel === c).length]),
      ),
    ).toEqual(
      { depth: 177, aggTrade: 2, bookTicker: 84, unknown: 2 }, // the unknown ones are klines, which are not subscribed
    );
    expect(events.filter(({ kind }) => kind === 'malformed')).toEqual([]);
    const last = new Map<string, number>();
    for (const event of events) {
      if (event.kind !== 'book') continue;
      expect(event.sequence!.previous).toBe(last.get(event.instrument) ?? event.sequence!.previous);
      last.set(event.instrument, event.sequence!.last);
    }
    expect([...last.keys()].sort()).toEqual(['BLZ-ETH', 'LRC-BTC', 'NKN-USDT', 'RUNE-EUR']);
  });

  test('gives each trade by its taker', () => {
    expect(events.filter((event) => event.kind === 'trade')).toEqual([
      {
        kind: 'trade',
        instrument: 'NKN-USDT',
        tradeId: 15683430,
        price: 0.3528,
        size: 58,
        aggressor: Side.SIDE_BUY,
        exchangeTime: 1633998523963000,
        isLate: false,
      },
      {
        kind: 'trade',
        instrument: 'LRC-BTC',
        tradeId: 9213679,
        price: 0.00000638,
        size: 177,
        aggressor: Side.SIDE_BUY,
        exchangeTime: 1633998534486000,
        isLate: false,
      },
    ]);
  });

  const updates = events.filter((event): event is BookEvent => event.kind === 'book' && event.instrument === 'NKN-USDT');
  const snapshotOf = (first: BookEvent): BookEvent => ({
    ...{ ...first, isSnapshot: true, bids: [], asks: [] },
    sequence: { previous: undefined, last: first.sequence!.previous! },
  });

  test('makes a book that is never crossed, and whose best sizes are the ticker’s', () => {
    const { stream, of, asked } = gather('NKN-USDT', binance);
    stream.onListing({ ...LISTING, priceDecimals: 5 }, 1);
    stream.connected(2);
    stream.onBook(updates[0]!, 3);
    expect(asked.resyncs).toBe(1);
    stream.onBook(snapshotOf(updates[0]!), 4);
    // The ticker runs ahead: it names the update that it is of. Levels that no change has named yet are not in this book.
    const told = new Map<number, { bid: number; bidSize: number; ask: number; askSize: number }>();
    const sizes: [number, number][] = [];
    for (const { text, receiveTime, events: mapped } of frames) {
      const { data } = JSON.parse(text) as { data: { u: number; B: string; A: string } };
      for (const event of mapped) {
        if (event.kind === 'ticker') told.set(data.u, { ...event, bidSize: Number(data.B), askSize: Number(data.A) });
        if (event.kind !== 'book' || event.instrument !== 'NKN-USDT') continue;
        stream.onBook(event, receiveTime);
        const ticker = told.get(event.sequence!.last);
        const quote = of('quote').at(-1);
        if (ticker === undefined || quote === undefined) continue;
        if (ticker.bid === quote.bid) sizes.push([quote.bidSize, ticker.bidSize]);
        if (ticker.ask === quote.ask) sizes.push([quote.askSize, ticker.askSize]);
      }
    }
    expect(asked).toMatchObject({ resyncs: 1, malformed: [] });
    expect(of('gap').map(({ detail }) => detail)).toEqual(['start']);
    for (const { bid, ask } of of('quote')) expect(bid).toBeLessThan(ask);
    expect(sizes.length).toBeGreaterThan(5);
    for (const [own, theirs] of sizes) expect(own).toBe(theirs);
  });

  test('with one update missing is a gap at the next, and a new snapshot is asked for', () => {
    const { stream, of, asked } = gather('NKN-USDT', binance);
    stream.onListing({ ...LISTING, priceDecimals: 5 }, 1);
    stream.connected(2);
    stream.onBook(updates[0]!, 3);
    stream.onBook(snapshotOf(updates[0]!), 4);
    stream.onBook(updates[1]!, 5);
    stream.onBook(updates[3]!, 3_000_000);
    expect(of('gap').map(({ detail }) => detail)).toEqual(['start', 'updates of the book are missing']);
    expect(asked.resyncs).toBe(2);
    expect(stream.quote).toBeUndefined();
  });
});

describe('the book by snapshot and changes', () => {
  const change = (U: number, u: number, bid: string, size: string) =>
    map({ e: 'depthUpdate', E: 1, s: 'BTCUSDT', U, u, b: [[bid, size]], a: [] })[0] as BookEvent;
  const snapshot = (last: number): BookEvent => ({
    ...{ kind: 'book', instrument: BTC, isSnapshot: true, bids: [100, 1], asks: [102, 1], checksum: undefined, exchangeTime: 0 },
    sequence: { previous: undefined, last },
  });
  const begin = () => {
    const gathered = gather(BTC, binance);
    gathered.stream.onListing(LISTING, 1);
    gathered.stream.connected(2);
    return gathered;
  };

  test('drops held changes that the snapshot holds, and applies the one that overlaps it', () => {
    const { stream, of, asked } = begin();
    stream.onBook(change(5, 8, '100', '7'), 3);
    stream.onBook(change(9, 12, '101', '2'), 4);
    expect([asked.resyncs, of('quote').length]).toEqual([1, 0]);
    stream.onBook(snapshot(10), 5);
    expect(of('quote')).toEqual([{ bid: 101, bidSize: 2, ask: 102, askSize: 1 }]);
    stream.onBook(change(13, 13, '100', '0'), 6);
    stream.flush(1_000_000);
    expect(of('book').at(-1)!.bidPrices).toEqual([101]);
  });

  test('refuses a snapshot older than the changes held', () => {
    const { stream, asked } = begin();
    stream.onBook(change(20, 21, '101', '2'), 3);
    stream.onBook(snapshot(10), 4);
    expect(stream.quote).toBeUndefined();
    stream.onBook(change(22, 22, '101', '3'), 10_000_000);
    expect(asked.resyncs).toBe(2);
  });

  test('asks for nothing before the first change has come: a snapshot may not be older than the subscription', () => {
    const { stream, asked } = begin();
    stream.everySecond(30_000_000, 0);
    expect(asked.resyncs).toBe(0);
  });
});

describe('mapBinanceFrame', () => {
  test('takes consent for an answer and tells what was refused', () => {
    expect(mapBinanceFrame('{"result":null,"id":1}').events).toEqual([]);
    expect(mapBinanceFrame('{"error":{"code":2,"msg":"Invalid request"},"id":1}').events).toEqual([
      { kind: 'refused', instrument: undefined, message: 'Invalid request' },
    ]);
  });

  test.each(['0', '-1', 'NaN', '1e12', '1e999', '', null, {}, '0x10'])('does not believe the price %p', (price) => {
    expect(map({ s: 'BTCUSDT', a: 5, p: price, q: '1', m: false, T: 1 }, 'btcusdt@aggTrade')).toMatchObject([
      { kind: 'malformed', reason: 'price', instrument: BTC },
    ]);
    expect(map({ s: 'BTCUSDT', U: 1, u: 2, b: [[price, '1']], a: [] })).toMatchObject([
      { kind: 'malformed', reason: 'level', instrument: BTC },
      { kind: 'book', bids: [], asks: [] },
    ]);
  });

  test.each([
    '',
    '{',
    '[]',
    'null',
    '{}',
    '{"stream":"btcusdt@depth"}',
    '{"stream":"btcusdt@depth","data":{"s":"BTCUSDT","U":5,"u":4,"b":[],"a":[]}}',
    '{"stream":"btcusdt@depth","data":{"s":"BTCUSDT","U":1,"u":2}}',
    '{"stream":"btcusdt@depth","data":{"s":7,"U":1,"u":2,"b":[],"a":[]}}',
    '{"stream":"btcusdt@aggTrade","data":{"s":"BTCUSDT","a":1.5,"p":"1","q":"1","m":true}}',
    '{"stream":"btcusdt@aggTrade","data":{"s":"BTCUSDT","a":1,"p":"1","q":"1"}}',
  ])('calls %p malformed and never throws', (text) => {
    expect(mapBinanceFrame(text).events).toMatchObject([{ kind: 'malformed' }]);
  });
});
