/** What the archive gives back of `ticks` is, byte for byte, what the log held. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { openStore } from '#libs/store/open.ts';
import { type Store } from '#libs/store/port.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { archiveTicks } from './testing/archive-all.ts';
import { readTicks, type TickQuery } from './ticks.ts';

/** Each field another value, among them those that JSON, SQL or a rounding could spoil. */
const EVENTS: readonly NonNullable<Tick['event']>[] = [
  { $case: 'trade', value: { tradeId: Number.MAX_SAFE_INTEGER, price: 0.1 + 0.2, size: 5e-324, aggressor: 2, repaired: true } },
  { $case: 'quote', value: { bid: NaN, bidSize: Infinity, ask: -Infinity, askSize: 1.7976931348623157e308 } },
  {
    $case: 'book',
    value: {
      ...{ bidPrices: [3, 2.5, NaN], bidSizes: [1, 2, 3], askPrices: [], askSizes: [Infinity], orderFlow: [-1, 0, 1e-9] },
      ...{ bidValue10bps: 1, askValue10bps: 2, bidValue50bps: 3, askValue50bps: 4, updates: 5 },
    },
  },
  { $case: 'status', value: { status: 5, tickSize: 0.01, renamedTo: 'XBT-USD' } },
  {
    $case: 'heartbeat',
    value: {
      ...{ healthy: true, lastFrameTime: 1_767_000_000_000_001, clockSkew: -2, gaps: 3, checksumFailures: 4, reconnects: 5 },
      ...{ conflatedQuotes: 6, completeThroughTradeId: 7, completeThroughTime: 8 },
    },
  },
  { $case: 'gap', value: { kind: 3, fromTradeId: 1, toTradeId: 2, detail: `it's "quoted" \\ \t\n\0 ✓` } },
  {
    $case: 'reference',
    value: {
      ...{ source: 'kraken', series: 'USDT-USD', seq: 1, value: -2.5, publishedAt: 3, effectiveT: 4, observedAt: 5, validFor: 6 },
    },
  },
  { $case: 'clock', value: { t: 1_767_000_001_000, writerEpoch: 2 } },
  { $case: 'candle', value: { start: 1_767_000_000_000, open: 1, high: 2, low: 3, close: 4, volume: 5, trades: -1 } },
];
const TICKS = EVENTS.map((event, n): Tick => ({
  ...{ asset: n === 7 ? '' : 'BTC', venue: 'kraken', instrument: 'BTC-USD', event },
  ...{ exchangeTime: n === 3 ? 0 : 1_767_000_000_123_456 + n, receiveTime: 1_767_000_000_223_457 + n, sequence: n - 1 },
}));
/** Of a record that nobody can read. */
const UNREADABLE = 4;

let folder: string;
let store: Store;
const held = new Map<number, Uint8Array>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-ticks-'));
  const log = await openEmbeddedLog({ path: join(folder, 'log'), partitions: 2 });
  const values = TICKS.map((tick) => Tick.encode(tick).finish());
  values.splice(UNREADABLE, 0, Uint8Array.of(0x0a, 0x7f, 0xff));
  await log.append(values.map((value) => ({ topic: 'ticks', key: 'BTC', partition: 1, value })));
  for await (const { records } of log.read('ticks', 1)) for (const { offset, value } of records) held.set(offset, value);
  held.delete(UNREADABLE);
  store = await openStore({ path: join(folder, 'store') });
  await archiveTicks(log, store);
  await log.close();
}, 60_000);
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const read = async (query: Partial<TickQuery> = {}) => {
  const ticks = [];
  for await (const some of readTicks(store, { partition: 1, from: 0, end: 1_000_000, ...query })) ticks.push(...some);
  return ticks;
};

test('every kind comes back as it was, at its offset', async () => {
  const ticks = await read();
  expect(new Map(ticks.map(({ offset, tick }) => [offset, Buffer.from(Tick.encode(tick).finish()).toString('hex')]))).toEqual(
    new Map([...held].map(([offset, value]) => [offset, Buffer.from(value).toString('hex')])),
  );
  expect(new Set(ticks.map(({ tick }) => tick.event?.$case)).size).toBe(EVENTS.length);
  expect(Math.abs(ticks[0]!.timestamp - Date.now())).toBeLessThan(600_000);
});

test('parts of it: by offset, time, partition and kind, books without what is in them', async () => {
  expect((await read({ from: 2, end: 6 })).map(({ offset }) => offset)).toEqual([2, 3, 5]);
  expect(await read({ span: { since: 0, until: 1 } })).toEqual([]);
  expect(await read({ partition: 0 })).toEqual([]);
  const [book, ...others] = await read({ kinds: ['book'], withoutBooks: true });
  expect(others).toEqual([]);
  expect(book!.tick.event).toMatchObject({ $case: 'book', value: { bidPrices: [], orderFlow: [], updates: 5 } });
});

test('a row that was inserted twice is one; two ticks at one offset are refused', async () => {
  const whole = await read();
  await store.execute('SYSTEM STOP MERGES ticks');
  await store.execute('INSERT INTO ticks SELECT * FROM ticks');
  expect(await read()).toEqual(whole);
  await store.execute(
    'INSERT INTO ticks SELECT * REPLACE (log_time + INTERVAL 1 DAY AS log_time) FROM ticks WHERE log_offset = 5',
  );
  await expect(read()).rejects.toMatchObject({ code: 'TRB_ARCHIVE_MIXED', hint: expect.stringContaining('database') });
});
