import { describe, expect, test } from '@jest/globals';
import { sharedData } from '#libs/history/shared-data.ts';
import { Side } from '#libs/wire/tributary/v1/market.ts';
import { gather, readFrames } from '../../recording.test-tool.ts';
import { bybit } from './feed.ts';
import { mapBybitFrame } from './mapper.ts';
import { toV5 } from './v2-to-v5.test-tool.ts';

const map = (frame: object) => mapBybitFrame(JSON.stringify(frame)).events;
const BTC = 'BTC-USDT';

/** Of April 2021 and the old inverse API: turned into v5 frames. */
describe('the recorded session', () => {
  const path = sharedData('frames/bybit.ws.26.0.gz');
  if (path === undefined) {
    test.todo('frames/bybit.ws.26.0.gz is absent');
    return;
  }
  const recorded = readFrames(path);
  const frames = toV5(recorded).map(({ text, receiveTime }) => ({ receiveTime, ...mapBybitFrame(text) }));
  const traded = recorded.flatMap(({ text }) => {
    const { topic, data } = JSON.parse(text) as { topic?: string; data: { side: string; price: number; size: number }[] };
    return topic === 'trade.BTCUSD' ? data : [];
  });

  test.each([
    ['BTC-USD', 2],
    ['EOS-USD', 3],
  ])('makes of %s a book that is never crossed, misses nothing and deletes nothing absent', (instrument, priceDecimals) => {
    const { stream, of, asked } = gather(instrument, bybit);
    stream.onListing({ instrument, status: 1, tickSize: 0.5, priceDecimals, sizeDecimals: 0 }, 1);
    stream.connected(2);
    for (const { events, receiveTime } of frames) {
      for (const event of events) {
        if (event.kind === 'book' && event.instrument === instrument) stream.onBook(event, receiveTime);
        else if (event.kind === 'trade' && event.instrument === instrument) stream.onTrade(event, receiveTime);
      }
    }
    expect(asked).toEqual({ resyncs: 0, repairs: [], malformed: [], badChecksums: 0 });
    expect(stream.missedDeletes).toBe(0);
    expect(of('gap').map(({ detail }) => detail)).toEqual(['start']);
    expect(of('quote').length).toBeGreaterThan(20);
    for (const { bid, ask } of of('quote')) expect(bid).toBeLessThan(ask);
    if (instrument !== 'BTC-USD') return;
    expect(of('trade').map(({ price, size, aggressor }) => [price, size, aggressor])).toEqual(
      traded.map(({ price, size, side }) => [price, size, side === 'Buy' ? Side.SIDE_BUY : Side.SIDE_SELL]),
    );
  });

  test('is not read without being turned: the old frames are nothing v5 knows', () => {
    const kinds = new Set(recorded.flatMap(({ text }) => mapBybitFrame(text).events.map(({ kind }) => kind)));
    expect([...kinds]).toEqual(['malformed']); // the old consent names no operation
  });
});

describe('the sequence', () => {
  const book = (u: number, type: string, bid: string) =>
    map({
      ...{ topic: 'orderbook.200.BTCUSDT', type, ts: 1_672_304_484_978, cts: 1_672_304_484_976 },
      data: { s: 'BTCUSDT', b: [[bid, '1']], a: type === 'snapshot' ? [['110', '1']] : [], u, seq: 7_961_638_724 },
    }).find((event) => event.kind === 'book')!;
  const begin = () => {
    const gathered = gather(BTC, bybit);
    gathered.stream.onListing({ instrument: BTC, status: 1, tickSize: 0.01, priceDecimals: 2, sizeDecimals: 6 }, 1);
    gathered.stream.connected(2);
    gathered.stream.onBook(book(100, 'snapshot', '100'), 3);
    return gathered;
  };

  test('grows by one; a snapshot of 1 after a restart begins it anew', () => {
    const { stream, asked, of } = begin();
    for (const event of [book(101, 'delta', '101'), book(1, 'snapshot', '102'), book(2, 'delta', '103')]) stream.onBook(event, 4);
    expect(asked.resyncs).toBe(0);
    expect(of('quote').map(({ bid }) => bid)).toEqual([100, 101, 102, 103]);
  });

  test('with a hole in it drops the book and asks for a new one', () => {
    const { stream, asked, of } = begin();
    stream.onBook(book(102, 'delta', '101'), 11_000_000);
    expect(of('gap').map(({ detail }) => detail)).toEqual(['start', 'updates of the book are missing']);
    expect([asked.resyncs, stream.quote]).toEqual([1, undefined]);
  });
});

describe('trades without ids', () => {
  const trade = map({
    topic: 'publicTrade.BTCUSDT',
    type: 'snapshot',
    ts: 1_672_304_486_868,
    data: [
      {
        T: 1_672_304_486_865,
        s: 'BTCUSDT',
        S: 'Buy',
        v: '0.001',
        p: '16578.50',
        L: 'PlusTick',
        i: '2290000000007764263',
        BT: false,
      },
    ],
  })[0]!;

  test('are each published; after a cut the log says that some may be missing, once', () => {
    expect(trade).toMatchObject({ kind: 'trade', tradeId: 0, price: 16578.5, size: 0.001, aggressor: Side.SIDE_BUY });
    if (trade.kind !== 'trade') return;
    const { stream, of, asked, said } = gather(BTC, bybit);
    stream.connected(1);
    stream.onTrade(trade, 2);
    stream.onTrade(trade, 3);
    stream.disconnected(4, 1, 'cut');
    stream.connected(5);
    stream.onTrade(trade, 6);
    stream.onTrade(trade, 7);
    expect(of('trade').length).toBe(4);
    expect(of('gap').map(({ detail, toTradeId }) => [detail, toTradeId])).toEqual([
      ['start', 0],
      ['cut', 0],
      ['trades may be missing: the ids of the venue do not tell', -1],
    ]);
    expect(new Set(said.map(({ sequence }) => sequence)).size).toBe(said.length);
    expect(asked.repairs).toEqual([]);
  });
});

describe('mapBybitFrame', () => {
  const trade = { T: 1, s: 'BTCUSDT', S: 'Sell', v: '1', p: '1', i: 'x', BT: false };
  const trades = (row: object) => map({ topic: 'publicTrade.BTCUSDT', data: [row] });

  test('leaves block trades out, and knows consent, pong and refusal', () => {
    expect(trades({ ...trade, BT: true })).toEqual([]);
    expect(map({ success: true, ret_msg: 'pong', conn_id: 'x', op: 'ping' })).toEqual([]);
    expect(map({ success: false, ret_msg: 'Invalid topic', conn_id: 'x', op: 'subscribe' })).toMatchObject([
      { kind: 'refused', message: 'Invalid topic' },
    ]);
  });

  test('asks for ten topics at most in one request', () => {
    const frames = bybit
      .subscribe(Array.from({ length: 7 }, (_, at) => `C${at}-USDT`))
      .map((text) => JSON.parse(text) as { args: string[] });
    expect(frames.map(({ args }) => args.length)).toEqual([10, 4]);
  });

  test.each(['0', '-1', 'NaN', '1e12', '1e999', '', null, {}, '0x10'])('does not believe the price %p', (p) => {
    expect(trades({ ...trade, p })).toMatchObject([{ kind: 'malformed', reason: 'price', instrument: BTC }]);
    const data = { s: 'BTCUSDT', b: [[p, '1']], a: [], u: 5 };
    expect(map({ topic: 'orderbook.200.BTCUSDT', type: 'delta', data })).toMatchObject([
      { kind: 'malformed', reason: 'level' },
      { kind: 'book', bids: [] },
    ]);
  });

  test.each([
    '',
    '{',
    '[]',
    '{}',
    '{"topic":"orderbook.200.BTCUSDT","type":"delta"}',
    '{"topic":"orderbook.200.BTCUSDT","type":"delta","data":{"s":"BTCUSDT","b":[],"a":[]}}',
    '{"topic":"orderbook.200.BTCUSDT","type":"delta","data":{"s":"BTCUSDT","u":4}}',
    '{"topic":"publicTrade.BTCUSDT","data":{}}',
    '{"topic":"publicTrade.BTCUSDT","data":[null]}',
    '{"topic":"publicTrade.BTCUSDT","data":[{"s":"BTCUSDT","p":"1","v":"1"}]}',
  ])('calls %p malformed and never throws', (text) => {
    expect(mapBybitFrame(text).events).toMatchObject([{ kind: 'malformed' }]);
  });
});
