/**
 * Backups, taken while everything runs and restored after the loss: ClickHouse's own into an empty server, whose archive then goes on from what the
 * tables hold; `models` and `feature-state` into topics that were just made. Prints what was lost and how long it took. docs/backup.md says how. And
 * ticks that nobody could read, put back by the command.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { systemClock } from '#libs/clock/clock.ts';
import { deadLetter } from '#libs/dead-letter/dead-letter.ts';
import { createFold, foldTick } from '#libs/features/fold.ts';
import { backupTopics, restoreTopics } from '#libs/log/backup.ts';
import { applyTopics, openKafkaLog } from '#libs/log/kafka.ts';
import { type EventLog } from '#libs/log/port.ts';
import { signBundle } from '#libs/models/signature.ts';
import { operatorKey } from '#libs/registry/operator-key.ts';
import { ModelRegistry } from '#libs/registry/registry.ts';
import { migrate } from '#libs/store/migrate.ts';
import { openStore } from '#libs/store/open.ts';
import { type Store } from '#libs/store/port.ts';
import { type HttpFront, startHttpFront } from '#libs/store/testing/http-front.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { Side, Tick } from '#libs/wire/tributary/v1/market.ts';
import { auditArchive } from '#services/archive/audit.ts';
import { resumeArchive } from '#services/archive/resume.ts';
import { archivedRows, runArchive } from '#services/archive/service.ts';
import { loadSnapshot, snapshotRecords } from '#services/features/snapshot.ts';
import { bundleOf } from '#services/inference/testing/market.ts';
import { describeWithKafka, sharedBroker } from '#tests/kafka/shared.ts';

const BINARY = join(import.meta.dirname, '../../bin/tributary.js');
const PARTITIONS = 2;
const ASSETS = ['BTC', 'ETH'];
/** Records of `ticks`, and how often. */
const BATCH = 200;
const BATCH_EVERY_MS = 100;
/** Before the backup. */
const LEAST_ROWS = 5_000;
/** From the backup to the loss. */
const WORK_MS = 5_000;

describeWithKafka('after a loss', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-recovery-'));
  const topicPrefix = `recovery-${randomUUID()}.`;
  let brokers: readonly string[];
  let log: EventLog;
  let front: HttpFront;
  const running: { stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    brokers = await sharedBroker();
    await applyTopics({ brokers, topicPrefix, partitions: PARTITIONS, replicationFactor: 1 });
    log = await openKafkaLog({ brokers, topicPrefix });
    const backups = join(folder, 'backups');
    mkdirSync(backups);
    const configuration = join(folder, 'server.xml');
    writeFileSync(configuration, `<clickhouse><backups><allowed_path>${backups}</allowed_path></backups></clickhouse>`);
    front = await startHttpFront(join(folder, 'store'), undefined, configuration);
    const store = await openStore({ url: front.url });
    await migrate(store);
    await store.close();
  }, 240_000);

  afterAll(async () => {
    for (const each of running) await each.stop();
    await front.stop();
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test('ClickHouse: restored, it lacks what came after the backup, and the archive brings it out of the log', async () => {
    const writer = startWriter(log);
    let archive = await startArchive(log, front.url);
    running.push(writer, archive);
    while ((await ticksIn(archive.store)) < LEAST_ROWS) await delay(100);
    await archive.store.execute(`BACKUP DATABASE tributary TO File('one')`);
    const atBackup = await archivedRows(archive.store);
    await delay(WORK_MS);
    const atLoss = await archivedRows(archive.store);
    await archive.stop();
    const first = await openStore({ url: front.url });
    await first.execute('DROP DATABASE tributary SYNC');
    await first.close();

    const lost = Date.now();
    const store = await openStore({ url: front.url, database: 'default' });
    await store.execute(`RESTORE DATABASE tributary FROM File('one')`);
    await store.close();
    const restored = Date.now();
    const empty = await openStore({ url: front.url });
    const resumptions = await resumeArchive(log, empty);
    const afterRestore = await archivedRows(empty);
    await empty.close();
    archive = await startArchive(log, front.url);
    running.push(archive);
    await writer.stop();
    while ((await ticksIn(archive.store)) < writer.written()) await delay(100);
    const caughtUp = Date.now();
    // Once it has stopped, its places are those of what it has inserted.
    await archive.stop();
    const whole = await openStore({ url: front.url });
    const audit = await auditArchive(log, whole);
    await whole.close();

    process.stdout.write(
      `ClickHouse: ${atBackup} rows at the backup, ${atLoss} at the loss, ${afterRestore} restored in ${seconds(restored - lost)}; ` +
        `again whole ${seconds(caughtUp - lost)} after the loss, ${resumptions.reduce((sum, each) => sum + each.lost, 0)} records lost\n`,
    );
    expect(atBackup).toBeGreaterThanOrEqual(LEAST_ROWS);
    expect(afterRestore).toBeGreaterThan(0);
    expect(afterRestore).toBeLessThan(atLoss);
    expect(resumptions.filter((each) => each.lost > 0)).toEqual([]);
    expect(audit.filter(({ isEqual }) => !isEqual)).toEqual([]);
    const ticks = audit.filter(({ topic }) => topic === 'ticks');
    expect(ticks.reduce((sum, { rows }) => sum + rows, 0)).toBe(writer.written());
  }, 180_000);

  test('dead letters: `topics replay` puts each tick back once, into its partition', async () => {
    const unread = (offset: number): Uint8Array => Buffer.from(`unreadable ${offset}`);
    const letters = [7, 7, 8].map((offset) =>
      deadLetter(
        { topic: 'ticks', partition: 1, offset, key: 'BTC', timestamp: 0, value: unread(offset) },
        'features',
        new Error('unreadable'),
        0,
      ),
    );
    await log.append(letters);
    const { end } = await log.bounds('ticks', 1);
    const replay = async (): Promise<string> => {
      const command = ['topics', 'replay', '--brokers', brokers.join(), '--topic-prefix', topicPrefix];
      return (await promisify(execFile)(process.execPath, [BINARY, ...command])).stdout;
    };
    expect(await replay()).toBe('2 ticks written again; letters about the same: 1, about other topics: 0\n');
    expect(await replay()).toBe('0 ticks written again; letters about the same: 0, about other topics: 0\n');
    const back: string[] = [];
    for await (const { records } of log.read('ticks', 1, { from: end }))
      back.push(...records.map(({ value }) => Buffer.from(value).toString()));
    expect(back).toEqual(['unreadable 7', 'unreadable 8']);
  }, 60_000);

  test('models and feature-state: restored into new topics, they say what they said', async () => {
    const state = createFold();
    for (const { tick, offset } of trades(0, 1_000)) foldTick(state, tick, offset, () => undefined);
    await log.append([...snapshotRecords('slow', createFold(), 1, 10), ...snapshotRecords('slow', state, 1, 1_000)]);
    const key = await operatorKey(join(folder, 'operator.pem'));
    const registry = await openRegistry(log);
    for (const [index, slot] of (['champion', 'challenger'] as const).entries()) {
      const bundle = bundleOf({ seed: index + 1, trainedTo: Date.now() });
      const request = { actor: 'drill', reason: 'test', now: Date.now() };
      await registry.publish({ slot, bundleId: bundle.id, bundle: signBundle(bundle, key), ...request });
    }
    const before = (await openRegistry(log)).slots();
    const snapshot = await loadSnapshot(log, 'slow', 1);

    const file = join(folder, 'topics.gz');
    const records = await backupTopics(log, ['models', 'feature-state'], file);
    await log.close();
    const begin = Date.now();
    await deleteTopics(brokers, [`${topicPrefix}models`, `${topicPrefix}feature-state`]);
    await applyTopics({ brokers, topicPrefix, partitions: PARTITIONS, replicationFactor: 1 });
    log = await openKafkaLog({ brokers, topicPrefix });
    expect(await restoreTopics(log, file)).toBe(records);
    process.stdout.write(
      `models and feature-state: ${records} records, ${statSync(file).size} bytes, back ${seconds(Date.now() - begin)} after the loss\n`,
    );
    expect((await openRegistry(log)).slots()).toEqual(before);
    expect(before.length).toBe(2);
    expect(await loadSnapshot(log, 'slow', 1)).toEqual(snapshot);
    expect(snapshot?.offset).toBe(1_000);
  }, 120_000);
});

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

function* trades(from: number, to: number): Generator<{ readonly tick: Tick; readonly offset: number }> {
  for (let tradeId = from; tradeId < to; tradeId++) {
    const asset = ASSETS[tradeId % ASSETS.length]!;
    const time = (Date.UTC(2026, 0, 5) + tradeId) * 1000;
    const value = { tradeId, price: 100 + (tradeId % 80) / 8, size: 0.1, aggressor: Side.SIDE_BUY, repaired: false };
    const at = {
      asset,
      venue: 'coinbase',
      instrument: `${asset}-USD`,
      exchangeTime: time,
      receiveTime: time + 5,
      sequence: tradeId,
    };
    yield { tick: Tick.fromPartial({ ...at, event: { $case: 'trade', value } }), offset: tradeId };
  }
}

/** Trades without an end, until it is stopped. */
function startWriter(log: EventLog): { stop(): Promise<void>; written(): number } {
  const over = new AbortController();
  const isOver = (): boolean => over.signal.aborted;
  let written = 0;
  const writing = (async () => {
    while (!isOver()) {
      const batch = [...trades(written, written + BATCH)];
      await log.append(batch.map(({ tick }) => ({ topic: 'ticks', key: tick.asset, value: Tick.encode(tick).finish() })));
      written += BATCH;
      await delay(BATCH_EVERY_MS);
    }
  })();
  return {
    written: () => written,
    stop: async () => {
      over.abort();
      await writing;
    },
  };
}

async function startArchive(log: EventLog, url: string): Promise<{ readonly store: Store; stop(): Promise<void> }> {
  const store = await openStore({ url });
  const logger = createLogger({ level: 'silent' });
  const context = { log, clock: systemClock, logger, metrics: new Registry(), health: new Health(), source: 'sim' as const };
  const stop = new AbortController();
  const running = runArchive(context, { store, flushMs: 200 }, stop.signal);
  running.catch(() => undefined);
  return {
    store,
    stop: async () => {
      if (stop.signal.aborted) return;
      stop.abort();
      await running;
      await store.close();
    },
  };
}

async function ticksIn(store: Store): Promise<number> {
  const [row] = await store.query('SELECT count() AS n FROM ticks', z.object({ n: z.coerce.number() }));
  return row!.n;
}

async function openRegistry(log: EventLog): Promise<ModelRegistry> {
  const stop = new AbortController();
  const registry = await ModelRegistry.open(log, stop.signal, () => undefined);
  stop.abort();
  return registry;
}

async function deleteTopics(brokers: readonly string[], topics: string[]): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await admin.deleteTopics({ topics });
    while ((await admin.listTopics()).some((topic) => topics.includes(topic))) await delay(50);
  } finally {
    await admin.disconnect();
  }
}
