import { describe, expect, test } from '@jest/globals';
import { sharedData } from '#libs/history/shared-data.ts';
import { Side, TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { gather, readFrames, type RecordedFrame } from '../../recording.test-tool.ts';
import { kraken } from './feed.ts';
import { mapKrakenFrame } from './mapper.ts';
import { toV2 } from './v1-to-v2.test-tool.ts';

const map = (frame: unknown) => mapKrakenFrame(JSON.stringify(frame)).events;

/** A book frame of one level a side, written as Kraken does. */
const WORKED_EXAMPLE = {
  snapshot: {
    channel: 'book',
    type: 'snapshot',
    data: [
      {
        symbol: 'BTC/USD',
        bids: [
          63299.4, 0.00209987, 63298.7, 0.000051, 63298.1, 0.05742569, 63298.0, 0.01534518, 63297.8, 0.504238, 63297.7,
          0.78991808, 63296.7, 1.27336513, 63295.8, 0.56593064, 63295.7, 0.78994295, 63295.5, 0.000051,
        ],
        asks: [
          63299.5, 0.4388201, 63303.3, 0.05742569, 63303.4, 0.78984756, 63305.0, 0.000051, 63305.4, 0.03159716, 63305.5, 0.789821,
          63306.0, 0.0789929, 63307.0, 0.31581476, 63307.8, 0.06, 63308.0, 0.00650419,
        ],
        checksum: 1490766955,
      },
    ],
  },
  update: {
    channel: 'book',
    type: 'update',
    data: [{ symbol: 'BTC/USD', bids: [63296.7, 0, 63294.6, 0.31581476], asks: [], checksum: 1153589921 }],
  },
};
const levelled = ({ data, ...frame }: (typeof WORKED_EXAMPLE)['snapshot']) => {
  const levels = (flat: number[]) =>
    Array.from({ length: flat.length / 2 }, (_, at) => ({ price: flat[2 * at], qty: flat[2 * at + 1] }));
  return { ...frame, data: data.map((row) => ({ ...row, bids: levels(row.bids), asks: levels(row.asks) })) };
};
const BTC_USD = {
  instrument: 'BTC-USD',
  status: TradingStatus.TRADING_STATUS_ONLINE,
  tickSize: 0.1,
  priceDecimals: 1,
  sizeDecimals: 8,
};

function play(symbols: readonly string[], frames: readonly RecordedFrame[]) {
  const streams = new Map(
    symbols.map((symbol) => [
      symbol.replace('/', '-'),
      gather(symbol.replace('/', '-'), { bookDepth: 1000, checksum: kraken.checksum! }),
    ]),
  );
  for (const { stream } of streams.values()) stream.connected(1);
  for (const { text, receiveTime } of frames) {
    for (const event of mapKrakenFrame(text).events) {
      if (event.kind === 'book') streams.get(event.instrument)!.stream.onBook(event, receiveTime);
      else if (event.kind === 'listings')
        for (const listing of event.listings) streams.get(listing.instrument)?.stream.onListing(listing, receiveTime);
      else throw new Error(event.kind);
    }
  }
  return streams;
}

describe('the book', () => {
  test('has the checksums of the worked example, before and after the update', () => {
    const { stream, of, asked } = gather('BTC-USD', { bookDepth: 1000, checksum: kraken.checksum! });
    stream.onListing(BTC_USD, 1);
    stream.connected(1);
    for (const frame of [WORKED_EXAMPLE.snapshot, WORKED_EXAMPLE.update]) {
      for (const event of map(levelled(frame))) if (event.kind === 'book') stream.onBook(event, 2);
    }
    expect(asked.badChecksums).toBe(0);
    expect(of('quote')).toEqual([{ bid: 63299.4, bidSize: 0.00209987, ask: 63299.5, askSize: 0.4388201 }]);
  });

  test('is dropped and asked for anew when a checksum fails, and believed without after three failures in a minute', () => {
    const { stream, of, asked } = gather('BTC-USD', { bookDepth: 1000, checksum: kraken.checksum! });
    stream.onListing(BTC_USD, 1);
    const second = 1_000_000;
    stream.connected(100 * second);
    const [good] = map(levelled(WORKED_EXAMPLE.snapshot));
    if (good?.kind !== 'book') throw new Error();
    const bad = { ...good, checksum: 1 };
    stream.onBook(good, 100 * second);
    stream.onBook(bad, 101 * second);
    expect([asked.resyncs, stream.quote]).toEqual([1, undefined]);
    stream.onBook({ ...good, isSnapshot: false }, 101 * second); // an update of the lost book
    expect(of('quote').length).toBe(1);
    stream.onBook(bad, 110 * second);
    stream.onBook(bad, 120 * second);
    expect(asked.resyncs).toBe(3);
    stream.onBook(bad, 130 * second);
    expect([asked.resyncs, asked.badChecksums, stream.quote === undefined]).toEqual([3, 3, false]);
    stream.onBook(bad, 121 * second + 600 * second);
    expect(asked.resyncs).toBe(4);
    expect(of('gap').map(({ detail }) => detail)).toEqual([
      'start',
      ...Array<string>(4).fill('the book does not match its checksum'),
    ]);
  });

  const frames = sharedData('responses/exchanges/kraken-v2-book-frames.jsonl');
  if (frames !== undefined) {
    test('has the checksum of a recorded snapshot of small prices and large sizes', () => {
      const [snapshot] = readFrames(frames);
      const { stream, asked } = gather('GST-USD', { bookDepth: 1000, checksum: kraken.checksum! });
      stream.onListing({ ...BTC_USD, instrument: 'GST-USD', priceDecimals: 3 }, 1);
      for (const event of mapKrakenFrame(snapshot!.text).events) if (event.kind === 'book') stream.onBook(event, 1);
      expect([asked.badChecksums, stream.missedDeletes]).toEqual([0, 0]);
    });
  }

  const v1 = sharedData('frames/kraken.ws.50.0.gz');
  if (v1 !== undefined) {
    test('at depth 1000 verifies every checksum of the recorded v1 session, is never crossed, deletes nothing absent', () => {
      const session = toV2(readFrames(v1));
      expect([session.symbols.length, session.checksums]).toEqual([10, 4269]);
      const streams = play(session.symbols, session.frames);
      for (const { stream, asked, of } of streams.values()) {
        expect(asked).toEqual({ resyncs: 0, repairs: [], malformed: [], badChecksums: 0 });
        expect(stream.missedDeletes).toBe(0);
        expect(of('gap').map(({ detail }) => detail)).toEqual(['start']);
        expect(of('quote').length).toBeGreaterThan(0);
        for (const { bid, ask } of of('quote')) expect(bid).toBeLessThan(ask);
      }
      // One digit changed in one update is noticed at once.
      const at = session.frames.findIndex(({ text }) => text.includes('"update"') && text.includes('"qty":0.'));
      const text = session.frames[at]!.text.replace(/"checksum":\d+/, '"checksum":12345');
      const broken = play(session.symbols, [...session.frames.slice(0, at), { ...session.frames[at]!, text }]);
      expect([...broken.values()].map(({ asked }) => asked.badChecksums).reduce((sum, one) => sum + one)).toBe(1);
    });
  }
});

describe('mapKrakenFrame', () => {
  const recorded = sharedData('../sources/samples/kraken-ws-v2-recorded-2026-08-12.jsonl');
  if (recorded !== undefined) {
    test('reads every recorded frame', () => {
      const mapped = readFrames(recorded).map(({ text }) => mapKrakenFrame(text));
      expect(mapped.flatMap(({ events }) => events.map(({ kind }) => kind))).toEqual([
        'system',
        'ticker',
        'ticker',
        'book',
        'book',
      ]);
      expect(mapped.map(({ channel }) => channel)).toEqual([
        'status',
        'ack',
        'ticker',
        'heartbeat',
        'ticker',
        'ack',
        'unknown',
        'book',
        'book',
      ]);
    });
  }

  const instruments = sharedData('responses/exchanges/kraken-v2-instrument-snapshot.json');
  if (instruments !== undefined) {
    test('reads the recorded instruments', async () => {
      const { readFile } = await import('node:fs/promises');
      const [event] = mapKrakenFrame(await readFile(instruments, 'utf8')).events;
      if (event?.kind !== 'listings') throw new Error(event?.kind);
      expect(event.isComplete).toBe(true);
      expect(event.listings.find(({ instrument }) => instrument === 'BTC-USD')).toEqual(BTC_USD);
    });
  }

  test('gives a trade by its taker', () => {
    const trade = {
      symbol: 'BTC/USD',
      side: 'buy',
      price: 105944.2,
      qty: 0.00027625,
      ord_type: 'limit',
      trade_id: 10218208,
      timestamp: '2023-10-06T17:35:55.440295Z',
    };
    expect(map({ channel: 'trade', type: 'update', data: [trade, { ...trade, side: 'sell', price: -1 }] })).toEqual([
      {
        kind: 'trade',
        instrument: 'BTC-USD',
        tradeId: 10218208,
        price: 105944.2,
        size: 0.00027625,
        aggressor: Side.SIDE_BUY,
        exchangeTime: Date.UTC(2023, 9, 6, 17, 35, 55) * 1000 + 440295,
        isLate: false,
      },
      { kind: 'malformed', reason: 'price', instrument: 'BTC-USD' },
    ]);
  });

  test('tells what was refused, but not that something is subscribed already', () => {
    const refusal = { method: 'subscribe', success: false, symbol: 'FOO/BAR', error: 'Currency pair not supported FOO/BAR' };
    expect(map(refusal)).toEqual([{ kind: 'refused', instrument: 'FOO-BAR', message: refusal.error }]);
    expect(map({ ...refusal, error: 'Already subscribed' })).toEqual([]);
    expect(map({ Error: 'Exceeded msg rate' })).toMatchObject([{ kind: 'refused', message: 'Exceeded msg rate' }]);
  });

  test.each([
    '',
    '{',
    '7',
    '{"channel":"book","data":[{}]}',
    '{"channel":"trade","data":{}}',
    '{"channel":"instrument","data":[]}',
    '{"channel":"ticker","data":[null]}',
    '{"channel":"status"}',
  ])('calls %p malformed and never throws', (text) => {
    expect(mapKrakenFrame(text).events).toMatchObject([{ kind: 'malformed' }]);
  });
});
