import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { ARCHIVED_TOPICS } from '#libs/log/topics.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { openStore } from '#libs/store/open.ts';
import { type Store } from '#libs/store/port.ts';
import { startHttpFront } from '#libs/store/testing/http-front.ts';
import { Health } from '#libs/telemetry/health.ts';
import { gauged } from '#libs/telemetry/testing/gauged.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { ContextState, FeatureState, FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Side, Tick } from '#libs/wire/tributary/v1/market.ts';
import { PaperEvent, PaperState } from '#libs/wire/tributary/v1/paper.ts';
import { ModelSlot } from '#libs/wire/tributary/v1/models.ts';
import { Direction, Outcome, OutcomeStatus, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { auditArchive } from '#services/archive/audit.ts';
import { ARCHIVE_GROUP, archivedRows, runArchive, type ArchiveOptions } from '#services/archive/service.ts';

const PARTITIONS = 3;
const ASSETS = ['BTC', 'ETH', 'SOL', 'XRP'];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-archive-'));
});
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** Closed after the test, the last one first. */
async function opened<T>(opening: Promise<T>, close: (thing: T) => Promise<void>): Promise<T> {
  const thing = await opening;
  closers.push(() => close(thing));
  return thing;
}

const openLog = () => opened(openEmbeddedLog({ path: join(folder, 'log'), partitions: PARTITIONS }), (log) => log.close());
const openHere = () => opened(openStore({ path: join(folder, 'store') }), (store) => store.close());
const openFront = () => opened(startHttpFront(join(folder, 'server')), (front) => front.stop());

function contextOf(log: EventLog): ServiceContext {
  const logger = createLogger({ level: 'silent' });
  return { log, clock: systemClock, logger, metrics: new Registry(), health: new Health(), source: 'sim' };
}

function tick(asset: string, index: number, event: Tick['event']): OutRecord {
  const instrument = `${asset}-USD`;
  const time = 1_767_000_000_000_000 + index * 1000;
  const value = Tick.fromPartial({
    asset,
    venue: 'coinbase',
    instrument,
    exchangeTime: time,
    receiveTime: time + 5,
    sequence: index,
    event,
  });
  return { topic: 'ticks', key: asset, value: Tick.encode(value).finish() };
}

function trades(from: number, to: number): OutRecord[] {
  return Array.from({ length: to - from }, (_, index) => {
    const tradeId = from + index;
    const value = { tradeId, price: 100 + tradeId / 8, size: 0.1, aggressor: Side.SIDE_BUY, repaired: false };
    return tick(ASSETS[tradeId % ASSETS.length]!, tradeId, { $case: 'trade', value });
  });
}

/** Runs the archive until it has committed everything, or until `until`. */
async function archive(
  log: EventLog,
  options: ArchiveOptions,
  until: () => Promise<boolean> = () => isArchived(log),
): Promise<ServiceContext> {
  const context = contextOf(log);
  const stop = new AbortController();
  const running = runArchive(context, { flushMs: 0, maxBackoffMs: 50, ...options }, stop.signal);
  const ended = running.then(() => true);
  while (!(await until())) {
    if ((await Promise.race([ended, systemClock.sleep(10).then(() => false)])) && !(await until()))
      throw new Error('archive ended early');
  }
  stop.abort();
  await running;
  return context;
}

async function isArchived(log: EventLog): Promise<boolean> {
  for (const topic of ARCHIVED_TOPICS) {
    for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
      const { end } = await log.bounds(topic, partition);
      if (end > 0 && ((await log.committed(ARCHIVE_GROUP, topic, partition)) ?? 0) < end) return false;
    }
  }
  return true;
}

const numbers = async (store: Store, sql: string) => (await store.query(sql, z.record(z.string(), z.number())))[0]!;

describe('archive', () => {
  test('every topic and every kind of tick arrives, and what cannot be read goes to dead-letter', async () => {
    const log = await openLog();
    const store = await openHere();
    const { value: signal } = {
      value: Signal.fromPartial({
        asset: 'BTC',
        instrument: 'BTC-USD',
        horizon: '1m',
        t: 1_767_000_000_000,
        direction: Direction.DIRECTION_UP,
      }),
    };
    await log.append([
      ...trades(0, 5),
      tick('BTC', 0, { $case: 'quote', value: { bid: 1.5, bidSize: 2, ask: 3, askSize: 4 } }),
      tick('BTC', 1, {
        $case: 'book',
        value: {
          bidPrices: [1.5, 1],
          bidSizes: [2, 3],
          askPrices: [4],
          askSizes: [5],
          bidValue10bps: 1,
          askValue10bps: 2,
          bidValue50bps: 3,
          askValue50bps: 4,
          orderFlow: [-0.5, 0, 1],
          updates: 9,
        },
      }),
      tick('BTC', 2, { $case: 'status', value: { status: 2, tickSize: 0.01, renamedTo: '' } }),
      tick('BTC', 3, {
        $case: 'heartbeat',
        value: {
          healthy: true,
          lastFrameTime: 1,
          clockSkew: -7,
          gaps: 0,
          checksumFailures: 0,
          reconnects: 1,
          conflatedQuotes: 2,
          completeThroughTradeId: 0,
          completeThroughTime: 0,
        },
      }),
      tick('BTC', 4, { $case: 'gap', value: { kind: 2, fromTradeId: 5, toTradeId: 8, detail: 'it’s a hole' } }),
      tick('BTC', 5, {
        $case: 'reference',
        value: {
          source: 'kraken',
          series: 'USDT-USD',
          seq: 1,
          value: 0.9999,
          publishedAt: 1,
          effectiveT: 2,
          observedAt: 0,
          validFor: 0,
        },
      }),
      tick('BTC', 6, { $case: 'clock', value: { t: 1_767_000_001_000, writerEpoch: 3 } }),
      tick('BTC', 7, {
        $case: 'candle',
        value: { start: 1_767_000_000_000, open: 1, high: 2, low: 0.5, close: 1.5, volume: 8, trades: -1 },
      }),
      { topic: 'ticks', key: 'BTC', value: Uint8Array.of(0x0a, 0x7f, 0xff) },
      { topic: 'ticks', key: 'BTC', value: Tick.encode(Tick.fromPartial({ asset: 'BTC' })).finish() },
      {
        topic: 'features',
        key: 'BTC',
        value: FeatureVector.encode(
          FeatureVector.fromPartial({ asset: 'BTC', t: 1_767_000_000_000, values: [0.5, Number.NaN] }),
        ).finish(),
      },
      { topic: 'signals', key: 'BTC', value: Signal.encode(signal).finish() },
      {
        topic: 'outcomes',
        key: 'BTC',
        value: Outcome.encode(Outcome.fromPartial({ signal, status: OutcomeStatus.OUTCOME_STATUS_UP, logReturn: 0.25 })).finish(),
      },
      {
        topic: 'feature-state',
        key: '0/0',
        value: FeatureState.encode(FeatureState.fromPartial({ stateVersion: '1', payload: new Uint8Array(99) })).finish(),
      },
      {
        topic: 'context-state',
        key: 'coingecko',
        value: ContextState.encode(ContextState.fromPartial({ source: 'coingecko', month: '2026-11', calls: 12 })).finish(),
      },
      {
        topic: 'paper',
        key: 'BTC',
        value: PaperEvent.encode(
          PaperEvent.fromPartial({ asset: 'BTC', event: { $case: 'fill', value: { id: 'x|1', position: -0.5, netBps: -81 } } }),
        ).finish(),
      },
      {
        topic: 'paper',
        key: 'BTC',
        value: PaperEvent.encode(
          PaperEvent.fromPartial({ asset: 'BTC', event: { $case: 'equity', value: { equity: 99_990, trades: 2, stop: 'off' } } }),
        ).finish(),
      },
      {
        topic: 'paper-state',
        key: 'kraken:BTC-USD',
        value: PaperState.encode(PaperState.fromPartial({ account: 'kraken:BTC-USD', payload: new Uint8Array(7) })).finish(),
      },
      {
        topic: 'models',
        key: 'champion',
        value: ModelSlot.encode(ModelSlot.fromPartial({ slot: 'champion', bundle: Uint8Array.of(0, 200, 255) })).finish(),
      },
    ]);
    const context = await archive(
      log,
      { store },
      async () => (await log.bounds('dead-letter', 0)).end === 2 && (await isArchived(log)),
    );
    expect((await auditArchive(log, store)).filter(({ isEqual }) => !isEqual)).toEqual([]);
    expect(
      await numbers(store, "SELECT count() AS n, countIf(kind = 'trade') AS trades, uniq(kind) AS kinds FROM ticks"),
    ).toEqual({ n: 13, trades: 5, kinds: 9 });
    expect(await numbers(store, 'SELECT order_flow[1] AS flow, length(bid_prices) AS levels, updates FROM book_slices')).toEqual({
      flow: -0.5,
      levels: 2,
      updates: 9,
    });
    expect(await numbers(store, 'SELECT clock_skew FROM heartbeats WHERE healthy')).toEqual({ clock_skew: -7 });
    expect(await numbers(store, "SELECT to_trade_id FROM gaps WHERE detail = 'it’s a hole' AND gap_kind = 'trades'")).toEqual({
      to_trade_id: 8,
    });
    expect(await numbers(store, 'SELECT value FROM reference_values')).toEqual({ value: 0.9999 });
    expect(await numbers(store, "SELECT close, volume FROM ticks WHERE kind = 'candle'")).toEqual({ close: 1.5, volume: 8 });
    expect(await numbers(store, 'SELECT isNaN(values[2]) AS missing, toUnixTimestamp64Milli(t) AS t FROM features')).toEqual({
      missing: 1,
      t: 1_767_000_000_000,
    });
    expect(await numbers(store, 'SELECT status, log_return, direction FROM outcomes')).toEqual({
      status: 1,
      log_return: 0.25,
      direction: 1,
    });
    expect(await numbers(store, 'SELECT bytes FROM feature_states')).toEqual({ bytes: 99 });
    expect(
      await numbers(
        store,
        "SELECT sumIf(net_bps, kind = 'fill' AND id = 'x|1' AND position < 0) AS net, sumIf(equity, stop = 'off') AS equity, sum(trades) AS trades FROM paper",
      ),
    ).toEqual({ net: -81, equity: 99_990, trades: 2 });
    expect(await numbers(store, "SELECT bytes FROM paper_states WHERE account = 'kraken:BTC-USD'")).toEqual({ bytes: 7 });
    expect(await numbers(store, "SELECT hex(bundle) = '00C8FF' AS same FROM models")).toEqual({ same: 1 });
    expect(
      await numbers(
        store,
        "SELECT count() AS n, countIf(hex(value) = '0A7FFF') AS original, countIf(code = 'TRB_WIRE_UNKNOWN_EVENT') AS unknown FROM dead_letter",
      ),
    ).toEqual({ n: 2, original: 1, unknown: 1 });
    expect(await archivedRows(store)).toBe(13 + 9 + 2);
    expect(await context.metrics.metrics()).toMatch(/tributary_archive_rows_total\{topic="ticks"\} 13/);
  });

  test('kill -9 between insert and commit, again and again, with other batch sizes: no row lost, none doubled', async () => {
    const total = 9000;
    let log = await openLog();
    await log.append(trades(0, total));
    await log.close();
    for (const [commits, batchRows] of [
      [1, 700],
      [2, 1000],
    ] as const)
      await crash(commits, batchRows);
    log = await openLog();
    await log.append(trades(total, total + 500));
    const store = await openHere();
    await archive(log, { store, batchRows: 1500 });
    const sums = await numbers(store, 'SELECT count() AS n, uniqExact(trade_id) AS ids, max(trade_id) AS last FROM trades');
    expect(sums).toEqual({ n: total + 500, ids: total + 500, last: total + 499 });
    expect((await auditArchive(log, store)).filter(({ isEqual }) => !isEqual)).toEqual([]);
  }, 120_000);

  test('the lag of a partition is what the log holds beyond its last insert', async () => {
    const log = await openLog();
    const store = await openHere();
    await log.append(trades(0, 400).map((each) => ({ ...each, partition: 1 })));
    const lags = gauged('tributary_archive_lag_records');
    await archive(log, { store, batchRows: 150 });
    expect(lags()).toEqual([250, 100, 0].map((lag) => [{ topic: 'ticks', partition: '1' }, lag]));
  });

  test('a server that goes away and comes back: the log waits, nothing is lost or doubled', async () => {
    const front = await openFront();
    const log = await openLog();
    const store = await opened(openStore({ url: front.url }), (store) => store.close());
    await log.append(trades(0, 3000));
    const context = contextOf(log);
    const stop = new AbortController();
    const running = runArchive(context, { store, flushMs: 0, batchRows: 500, maxBackoffMs: 50 }, stop.signal);
    await when(() => front.statements.some((sql) => sql.includes('INTO ticks')));
    for (let outage = 0; outage < 3; outage++) {
      await front.down();
      await log.append(trades(3000 + outage * 1000, 4000 + outage * 1000));
      await when(() => !context.health.ready);
      await front.up();
      await when(() => context.health.ready);
    }
    await when(() => isArchived(log));
    stop.abort();
    await running;
    const sums = await numbers(store, 'SELECT count() AS n, uniqExact(trade_id) AS ids FROM trades');
    expect(sums).toEqual({ n: 6000, ids: 6000 });
    expect((await auditArchive(log, store)).filter(({ isEqual }) => !isEqual)).toEqual([]);
    expect(await context.metrics.metrics()).toMatch(/tributary_archive_retries_total [1-9]/);
  });

  test('after an insert that took longer than it waits between two, it goes on at once', async () => {
    const front = await openFront();
    const log = await openLog();
    const store = await opened(openStore({ url: front.url }), (store) => store.close());
    let ahead = 0;
    const context = { ...contextOf(log), clock: { ...systemClock, now: () => systemClock.now() + ahead } };
    const stop = new AbortController();
    const running = runArchive(context, { store, flushMs: 60_000, maxBackoffMs: 50 }, stop.signal);
    await when(() => context.health.ready);
    await front.down();
    const toOne = (records: OutRecord[]): OutRecord[] => records.map((record) => ({ ...record, partition: 1 }));
    await log.append(toOne(trades(0, 100)));
    await when(() => !context.health.ready);
    ahead = 60_000;
    await log.append(toOne(trades(100, 200)));
    await front.up();
    await when(() => isArchived(log));
    stop.abort();
    await running;
  }, 30_000);

  test('inserts cut on the way, made without an answer, or answered too late are made again, and stand once', async () => {
    const front = await openFront();
    const log = await openLog();
    const store = await opened(openStore({ url: front.url, timeoutMs: 3_000 }), (store) => store.close());
    await archive(log, { store });
    await log.append(trades(0, 3000));
    front.faults.push('cut within', 'cut after', 'unanswered', 'cut after', 'cut within');
    const context = await archive(log, { store, batchRows: 500 });
    expect(front.faults).toEqual([]);
    // A statement names its token: three were made twice.
    const made = front.statements.filter((sql) => sql.startsWith('INSERT INTO ticks'));
    expect(made.length - new Set(made).size).toBe(3);
    expect(await numbers(store, 'SELECT count() AS n, uniqExact(trade_id) AS ids FROM trades')).toEqual({ n: 3000, ids: 3000 });
    expect((await auditArchive(log, store)).filter(({ isEqual }) => !isEqual)).toEqual([]);
    expect(await context.metrics.metrics()).toContain('tributary_archive_retries_total 5');
  }, 60_000);

  test('a store that refuses for too many parts is asked again until it takes them', async () => {
    const log = await openLog();
    const store = await openHere();
    await archive(log, { store });
    await log.append(trades(0, 100));
    await archive(log, { store });
    await store.execute('ALTER TABLE ticks MODIFY SETTING parts_to_throw_insert = 1');
    await log.append(trades(100, 2000));
    const context = contextOf(log);
    const stop = new AbortController();
    const running = runArchive(context, { store, flushMs: 0, batchRows: 500, maxBackoffMs: 50 }, stop.signal);
    await when(() => context.health.parts()['archive']?.detail.startsWith('the store is away') === true);
    expect(await numbers(store, 'SELECT count() AS n FROM trades')).toEqual({ n: 100 });
    await store.execute('ALTER TABLE ticks RESET SETTING parts_to_throw_insert');
    await when(() => isArchived(log));
    expect(context.health.ready).toBe(true);
    stop.abort();
    await running;
    expect(await numbers(store, 'SELECT count() AS n, uniqExact(trade_id) AS ids FROM trades')).toEqual({ n: 2000, ids: 2000 });
    expect((await auditArchive(log, store)).filter(({ isEqual }) => !isEqual)).toEqual([]);
  });

  test('stops at once while the store is away; another source is refused', async () => {
    const log = await openLog();
    const store = await openHere();
    await archive(log, { store });
    const live = { ...contextOf(log), source: 'live' as const };
    await expect(runArchive(live, { store }, new AbortController().signal)).rejects.toMatchObject({ code: 'TRB_STORE_SOURCE' });
    await store.close();
    const front = await openFront();
    const served = await opened(openStore({ url: front.url }), (store) => store.close());
    await front.down();
    const context = contextOf(log);
    const stop = new AbortController();
    const running = runArchive(context, { store: served }, stop.signal);
    await when(() => context.health.parts()['archive']?.ready === false);
    stop.abort();
    await running;
  });
});

async function when(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await systemClock.sleep(5);
}

/** Archives in a process of its own and kills it when a batch is in the store and its offset is not committed. */
async function crash(commits: number, batchRows: number): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'crash.child.ts')], {
    env: { ...process.env, ARCHIVE_TEST: folder, COMMITS: String(commits), BATCH_ROWS: String(batchRows) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const said = once(child.stdout, 'data').then(([data]) => String(data));
  // Two partitions may stand there at the same moment and be heard in one piece.
  expect(await Promise.race([said, ended.then(([code]) => `exit ${String(code)}`)])).toMatch(/^inserted\n/);
  child.kill('SIGKILL');
  await ended;
}
