/** Training from a store: the same candles and context values as in files give the same bundle, and what is in the way is said. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CandleRow } from '#libs/history/rows.ts';
import { createRandom } from '#libs/models/random.ts';
import { insertCandles } from '#libs/store/candles.ts';
import { insertContextValues } from '#libs/store/context-values.ts';
import { migrate } from '#libs/store/migrate.ts';
import { openStore } from '#libs/store/open.ts';
import { startHttpFront } from '#libs/store/testing/http-front.ts';
import { exportContext } from '#services/backfill/export-context.ts';
import { exportCandles } from '#services/backfill/service.ts';
import { openSource, type SourceRange, sourceSchema } from './candle-source.ts';
import { runTraining } from './main.ts';
import { sourceOptions } from './source-options.ts';

const MINUTE = 60_000;
/** Over a day, so that the store is read in more than one window. */
const MINUTES = 1_500;
const START = Date.parse('2024-05-01T06:00:00Z');
const END = START + MINUTES * MINUTE;
const signal = new AbortController().signal;

let folder: string;
let path: string;
let candles: string;
let context: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-train-store-'));
  path = join(folder, 'store');
  candles = join(folder, 'candles.csv.gz');
  context = join(folder, 'context.csv.gz');
  const store = await openStore({ path });
  await migrate(store);
  for (const [venue, instrument, drift] of [
    ['coinbase', 'BTC-USD', 0],
    ['kraken', 'BTC-USD', 1],
    ['kraken', 'USDT-USD', 2],
  ] as const)
    await insertCandles(store, venue, instrument, { from: START, to: END }, walk(venue, instrument, drift), 'rest');
  const value = (seq: number, minute: number) => ({
    ...{ source: 'alternative-me', series: 'fear_greed', seq, value: 20 + 10 * seq, observedAt: START - 120 * MINUTE },
    ...{ publishedAt: START - 90 * MINUTE, availableAt: START + minute * MINUTE, validFor: 86_400_000 },
  });
  // The first is known before the first candle, the last comes with the second day.
  const values = [value(1, -60), value(2, 700), value(3, 1_450)];
  await insertContextValues(store, 'alternative-me', ['BTC'], { from: START - 3_600_000, to: END }, values);
  await exportCandles(store, candles);
  await exportContext(store, context);
  await store.close();
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

const train = (choice: object) =>
  runTraining(
    {
      ...{ out: join(folder, 'bundle.json'), horizons: '5m', target: 'entry', seed: '1', workers: '0', quick: true },
      ...{ key: join(folder, 'operator.pem'), venues: ['kraken'] },
      ...choice,
    },
    signal,
  );

test('the same rows give the same bundle: from files, an embedded store, a server; nothing is left beside it', async () => {
  const files = await train({ history: candles, context });
  expect(files.heads.map(({ metrics }) => metrics.trained)).toEqual([expect.any(Number)]);
  const embedded = await train({ from: 'clickhouse', store: path });
  expect(embedded.id).toBe(files.id);
  const front = await startHttpFront(path);
  try {
    const server = await train({ from: 'clickhouse', clickhouse: front.url, clickhouseDatabase: 'default' });
    expect(server.id).toBe(files.id);
    // A day a statement, none for all.
    expect(front.statements.filter((sql) => sql.includes('FROM candles FINAL'))).toHaveLength(2);
  } finally {
    await front.stop();
  }
  expect((await readdir(folder)).sort()).toEqual([
    'bundle.json',
    'candles.csv.gz',
    'context.csv.gz',
    'operator.pem',
    'operator.pem.pub',
    'store',
  ]);
});

test.each<readonly [string, SourceRange]>([
  ['all', {}],
  ['since, until', { since: START + 100 * MINUTE, until: START + 1_460 * MINUTE }],
  ['the last day before', { days: 1, until: START + 1_460 * MINUTE }],
])('both read the same candles: %s', async (_name, range) => {
  const read = async (choice: object) => {
    const { source, close } = await openSource(sourceSchema.parse({ ...choice, ...range }));
    const rows: CandleRow[] = [];
    for await (const block of source.candles()) rows.push(...block);
    await close();
    return { ...source, rows, starts: [rows[0]!.start, rows.at(-1)!.start + MINUTE] };
  };
  const [file, stored] = [await read({ history: candles }), await read({ from: 'clickhouse', store: path })];
  expect([stored.rows, stored.instruments]).toEqual([file.rows, file.instruments]);
  expect([stored.from, stored.to]).toEqual(stored.starts);
  expect([file.from, file.to]).toEqual(file.starts);
  if (range.until !== undefined) expect(file.to).toBeLessThanOrEqual(range.until);
  if (range.days !== undefined) expect(file.from).toBeGreaterThanOrEqual(file.to - 86_400_000);
});

test('every option of a source is known to what reads it', () => {
  const names = sourceOptions().map((option) => option.attributeName());
  expect(names.filter((name) => !Object.hasOwn(sourceSchema.shape, name))).toEqual([]);
});

describe('it says what is in the way', () => {
  test.each([
    ['TRB_USAGE', {}],
    ['TRB_USAGE', { from: 'clickhouse', history: 'x.csv' }],
    ['TRB_USAGE', { from: 'clickhouse' }],
    ['TRB_USAGE', { history: 'x.csv', since: START, days: 1 }],
    ['TRB_USAGE', { from: 'clickhouse', store: 'x', context: 'x.csv' }],
    ['TRB_TRAINING_OPTIONS', { history: 'x.csv', lane: 'fast' }],
    ['TRB_STORE_UNAVAILABLE', { from: 'clickhouse', clickhouse: 'http://127.0.0.1:1' }],
  ])('%s %j', async (code, choice) => {
    await expect(train(choice)).rejects.toMatchObject({ code });
  });

  test.each([
    ['TRB_HISTORY_EMPTY', { since: END }],
    ['TRB_HISTORY_SHORT', { since: END - 100 * MINUTE }],
    ['TRB_UNKNOWN_SYMBOL', { symbols: ['ETH-USD'] }],
    ['TRB_UNKNOWN_VENUE', { venues: ['okx'] }],
  ])('of a store, %s', async (code, choice) => {
    await expect(train({ from: 'clickhouse', store: path, ...choice })).rejects.toMatchObject({ code });
  });
});

/** A random walk with minutes that nobody traded in. */
function walk(venue: string, instrument: string, seed: number): CandleRow[] {
  const random = createRandom(seed);
  const rows: CandleRow[] = [];
  let last = instrument === 'USDT-USD' ? 1 : 30_000;
  for (let minute = 0; minute < MINUTES; minute++) {
    const open = last;
    last *= 1 + 1e-3 * (random.next() - 0.5);
    if (random.next() < 0.05) continue;
    const [high, low] = [Math.max(open, last) * 1.0001, Math.min(open, last) * 0.9999];
    rows.push({
      venue,
      instrument,
      start: START + minute * MINUTE,
      open,
      high,
      low,
      close: last,
      volume: random.next(),
      trades: 5,
    });
  }
  return rows;
}
