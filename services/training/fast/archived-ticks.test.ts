/** Ticks out of the archive train as the recording that they came from does: the same vectors, mids and silences. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { generateTickRows } from '#libs/features/checks/tick-market.ts';
import { tickFileToTicks } from '#libs/history/tick-events.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { openStore } from '#libs/store/open.ts';
import { type Store } from '#libs/store/port.ts';
import { BookSlice, GapKind, Heartbeat, Tick } from '#libs/wire/tributary/v1/market.ts';
import { archiveTicks } from '#services/archive/testing/archive-all.ts';
import { runTraining } from '../main.ts';
import { openTickArchive } from './archived-ticks.ts';
import { foldArchivedTicks, foldTickRows } from './history.ts';

const START = Date.UTC(2024, 4, 1);
const LISTINGS = [
  { venue: 'coinbase', quote: 'USD' },
  { venue: 'okx', quote: 'USDT' },
];
/** With a minute in which nothing was heard. */
const ROWS = [
  ...generateTickRows({ start: START, seconds: 400, listings: LISTINGS, seed: 5 }),
  ...generateTickRows({ start: START + 460_000, seconds: 400, listings: LISTINGS, seed: 6 }),
];

let folder: string;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-archived-ticks-'));
  const log = await openEmbeddedLog({ path: join(folder, 'log'), partitions: 2 });
  const encode = (tick: Tick, partition: number) => ({
    ...{ topic: 'ticks' as const, key: tick.asset, partition },
    value: Tick.encode(tick).finish(),
  });
  // Before the fold has a clock, and of another asset, so that they change nothing of this one.
  const value = (event: Tick['event'], at: number): Tick =>
    Tick.fromPartial({
      asset: 'ETH',
      venue: 'kraken',
      instrument: 'ETH-USD',
      receiveTime: (START + at) * 1000,
      sequence: at,
      event,
    });
  const others = [
    value({ $case: 'book', value: BookSlice.fromPartial({ bidPrices: [1], bidSizes: [1] }) }, 1),
    value({ $case: 'heartbeat', value: Heartbeat.fromPartial({ healthy: true, lastFrameTime: (START + 2) * 1000 }) }, 2),
    value({ $case: 'gap', value: { kind: GapKind.GAP_KIND_STALE, fromTradeId: 0, toTradeId: 0, detail: 'x' } }, 3),
  ];
  await log.append(others.map((tick) => encode(tick, 1)));
  await log.append([...tickFileToTicks(ROWS)].map((tick) => encode(tick, 0)));
  store = await openStore({ path: join(folder, 'store') });
  await archiveTicks(log, store);
  await log.close();
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

test('the archive gives what the recording gives', async () => {
  const recorded = await foldTickRows(ROWS);
  const steps: number[] = [];
  const archived = await foldArchivedTicks(await openTickArchive(store), {
    onProgress: (done, total) => steps.push(done / total),
  });
  expect(recorded.targets.map(({ table }) => table.t.length)).toEqual([expect.any(Number), expect.any(Number)]);
  expect(archived.targets).toEqual(recorded.targets);
  expect(recorded.stalls.some((to, i) => i % 2 === 1 && to - recorded.stalls[i - 1]! > 59_000)).toBe(true);
  expect(archived.stalls).toEqual(recorded.stalls);
  expect(archived.to).toBe(recorded.to);
  expect(steps.at(-1)).toBe(1);
});

test('a time without quotes and a venue without any are refused', async () => {
  await expect(openTickArchive(store, { until: START })).rejects.toMatchObject({ code: 'TRB_HISTORY_EMPTY' });
  const archive = await openTickArchive(store, { days: 1 });
  await expect(foldArchivedTicks(archive, { venues: ['kraken'] })).rejects.toMatchObject({ code: 'TRB_UNKNOWN_VENUE' });
});

test('`train --lane fast --from clickhouse` makes a bundle of them', async () => {
  await store.close();
  const raw = {
    ...{
      lane: 'fast',
      from: 'clickhouse',
      store: join(folder, 'store'),
      out: join(folder, 'b.json'),
      key: join(folder, 'k.pem'),
    },
    ...{ horizons: '1s', venues: ['okx'], target: 'entry', seed: '1', workers: '0' },
  };
  const bundle = await runTraining(raw, new AbortController().signal);
  expect(bundle).toMatchObject({ lane: 'fast', target: 'mid', heads: [{ venue: 'okx', instrument: 'BTC-USDT', horizon: '1s' }] });
  expect(bundle.heads[0]!.members.length).toBeGreaterThan(0);
});
