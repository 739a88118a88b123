import { describe, expect, test } from '@jest/globals';
import { sharedData } from '#libs/history/shared-data.ts';
import { Side, TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { gather, readFrames } from '../../recording.test-tool.ts';
import { okx } from './feed.ts';
import { mapOkxFrame } from './mapper.ts';

const map = (frame: object) => mapOkxFrame(JSON.stringify(frame)).events;
const BTC = 'BTC-USDT';
const LISTING = {
  instrument: BTC,
  status: TradingStatus.TRADING_STATUS_ONLINE,
  tickSize: 0.1,
  priceDecimals: 1,
  sizeDecimals: 8,
};

/** Of May 2022, v5: with checksums, which today's feed gives as 0, and without the sequence ids of today. */
describe('the recorded session', () => {
  const path = sharedData('frames/okx.ws.1.0.gz');
  if (path === undefined) {
    test.todo('frames/okx.ws.1.0.gz is absent');
    return;
  }
  const frames = readFrames(path).map(({ text, receiveTime }) => ({ text, receiveTime, ...mapOkxFrame(text) }));
  const decimals = { 'BTC-USD-220527': 1, 'UNI-USD-SWAP': 3, 'BTC-USDT': 1 };

  test.each(Object.entries(decimals))('verifies every checksum of %s, is never crossed', (name, priceDecimals) => {
    const { stream, of, asked } = gather(BTC, okx);
    stream.onListing({ ...LISTING, priceDecimals }, 1);
    stream.connected(2);
    let checksums = 0;
    for (const { events, receiveTime } of frames) {
      for (const event of events) {
        if (event.kind !== 'book' || event.instrument !== name) continue;
        expect(event.checksum).toBeDefined();
        checksums++;
        stream.onBook(event, receiveTime);
      }
    }
    expect(checksums).toBeGreaterThan(90);
    expect(asked).toEqual({ resyncs: 0, repairs: [], malformed: [], badChecksums: 0 });
    // The venue also removes levels that came and went between two frames, or lie beyond the 400: missed deletes say nothing here.
    expect(of('quote').length).toBeGreaterThan(0);
    for (const { bid, ask } of of('quote')) expect(bid).toBeLessThan(ask);
  });

  test('has a wrong checksum noticed at once', () => {
    const { stream, asked } = gather(BTC, okx);
    stream.onListing(LISTING, 1);
    stream.connected(2);
    const books = frames.flatMap(({ events }) => events).filter((event) => event.kind === 'book' && event.instrument === BTC);
    books.slice(0, 3).forEach((event, at) => {
      if (event.kind === 'book') stream.onBook(at === 2 ? { ...event, checksum: 12345 } : event, 3 + at);
    });
    expect(asked.badChecksums).toBe(1);
  });

  test('gives every trade, with ids that grow', () => {
    const trades = frames
      .flatMap(({ events }) => events)
      .flatMap((event) => (event.kind === 'trade' && event.instrument === BTC ? [event] : []));
    expect(trades[0]).toEqual({
      ...{ kind: 'trade', instrument: BTC, tradeId: 338476307, price: 30236, size: 0.0002, aggressor: Side.SIDE_BUY },
      ...{ exchangeTime: 1652459224818000, isLate: false },
    });
    const { stream, of, asked } = gather(BTC, okx);
    stream.connected(2);
    for (const trade of [...trades, ...trades]) stream.onTrade(trade, 3);
    const ids = of('trade').map(({ tradeId }) => tradeId);
    expect(ids).toEqual([...new Set(trades.map(({ tradeId }) => tradeId))]);
    expect(ids).toEqual([...ids].sort((one, other) => one - other));
    expect(asked.repairs).toEqual([]);
  });
});

describe('the sequence of today’s feed', () => {
  const book = (prevSeqId: number, seqId: number, bids: string[][], action = 'update') =>
    map({
      arg: { channel: 'books', instId: BTC },
      action,
      data: [{ bids, asks: action === 'snapshot' ? [['102', '1', '0', '1']] : [], ts: '1', checksum: 0, seqId, prevSeqId }],
    }).find((event) => event.kind === 'book')!;
  const begin = () => {
    const gathered = gather(BTC, okx);
    gathered.stream.onListing(LISTING, 1);
    gathered.stream.connected(2);
    gathered.stream.onBook(book(-1, 10, [['100', '1', '0', '1']], 'snapshot'), 3);
    return gathered;
  };

  test('links each update to the one before; a checksum of 0 is none', () => {
    const { stream, asked, of } = begin();
    stream.onBook(book(10, 17, [['100.5', '2', '0', '1']]), 4);
    stream.onBook(book(17, 17, []), 5); // nothing happened for a minute
    stream.onBook(book(17, 3, [['101', '3', '0', '1']]), 6); // numbered anew after maintenance
    stream.onBook(book(3, 9, [['101', '4', '0', '1']]), 7);
    expect(asked).toMatchObject({ resyncs: 0, badChecksums: 0 });
    expect(of('quote').map(({ bid, bidSize }) => [bid, bidSize])).toEqual([
      [100, 1],
      [100.5, 2],
      [101, 3],
      [101, 4],
    ]);
  });

  test('a broken link drops the book and asks for a new one', () => {
    const { stream, asked, of } = begin();
    stream.onBook(book(10, 17, []), 4);
    stream.onBook(book(20, 30, [['101', '3', '0', '1']]), 11_000_000);
    expect(of('gap').map(({ detail }) => detail)).toEqual(['start', 'updates of the book are missing']);
    expect([asked.resyncs, stream.quote]).toEqual([1, undefined]);
  });
});

describe('mapOkxFrame', () => {
  const trade = { instId: BTC, tradeId: '7', px: '1', sz: '1', side: 'sell', ts: '1' };
  const trades = (row: object) => map({ arg: { channel: 'trades', instId: BTC }, data: [row] });

  test('knows pong, consent, refusal, and that the connection is about to be closed', () => {
    expect(mapOkxFrame('pong')).toEqual({ channel: 'pong', events: [] });
    expect(map({ event: 'subscribe', arg: { channel: 'books', instId: BTC } })).toEqual([]);
    expect(map({ event: 'error', code: '60018', msg: 'no such channel' })).toMatchObject([
      { kind: 'refused', message: 'no such channel: 60018' },
    ]);
    expect(map({ event: 'notice', code: '64008', msg: 'upgrade' })).toEqual([{ kind: 'reconnect' }]);
  });

  test.each(['0', '-1', 'NaN', '1e12', '1e999', '', null, {}, '0x10'])('does not believe the price %p', (px) => {
    expect(trades({ ...trade, px })).toMatchObject([{ kind: 'malformed', reason: 'price', instrument: BTC }]);
    const row = { bids: [[px, '1', '0', '1']], asks: [], ts: '1', checksum: 5 };
    expect(map({ arg: { channel: 'books', instId: BTC }, action: 'update', data: [row] })).toMatchObject([
      { kind: 'malformed', reason: 'level' },
      { kind: 'book', bids: [] },
    ]);
  });

  test.each([
    '',
    '{',
    '[]',
    'ping',
    '{}',
    '{"arg":{"channel":"books","instId":"BTC-USDT"},"data":[{}]}',
    '{"arg":{"channel":"books"},"data":[{"bids":[],"asks":[]}]}',
    '{"arg":{"channel":"trades","instId":"BTC-USDT"}}',
    '{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"tradeId":"x","px":"1","sz":"1","side":"buy"}]}',
    '{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"tradeId":"1","px":"1","sz":"1","side":"up"}]}',
  ])('calls %p malformed and never throws', (text) => {
    expect(mapOkxFrame(text).events).toMatchObject([{ kind: 'malformed' }]);
  });
});
