/**
 * Both shapes: every service in a process of its own, on a real Kafka, fed by the simulator over real sockets; then the log that this
 * run left, offline and through the embedded shape in several numbers of partitions. The same vectors, bit for bit, and every key once.
 * It waits for whole minutes to close and for decisions of one minute to settle: about three minutes on a quiet machine.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { systemClock } from '#libs/clock/clock.ts';
import { differences } from '#libs/features/checks/parity.ts';
import { candlesToTicks } from '#libs/history/candle-events.ts';
import { loadCandles } from '#libs/history/candles.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { openKafkaLog } from '#libs/log/kafka.ts';
import { type EventLog } from '#libs/log/port.ts';
import { SLOW_HORIZONS } from '#libs/market/horizon.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { openStore } from '#libs/store/open.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { Outcome, OutcomeStatus, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { auditArchive } from '#services/archive/audit.ts';
import { decisionKey } from '#services/evaluation/outcomes.ts';
import { EVALUATION_GROUP } from '#services/evaluation/service.ts';
import { FEATURES_GROUP, runFeatures } from '#services/features/service.ts';
import { INFERENCE_GROUP } from '#services/inference/service.ts';
import { feedHistory } from '#services/replay/feed.ts';
import { describeWithKafka, sharedBroker } from '#tests/kafka/shared.ts';
import { Processes } from './processes.ts';
import { committedOffsets, digest, foldOffline, merge, readTopic, type Recorded, settleOffline, vectorKey } from './recording.ts';

/** Of the run. Its two assets, BTC and ETH, lie in two partitions of 3 and of 16, and in one of 4. */
const PARTITIONS = 3;
const INSTRUMENTS = ['coinbase:BTC-USD', 'coinbase:ETH-USD', 'kraken:BTC-USD', 'kraken:ETH-USD'];
/** Defaults of the services. */
const HISTORY_KEPT_MS = 400 * 60_000;
const GRACE_MS = 2_000;
/** For the run, on a machine that has much else to do. */
const LONGEST_MS = 480_000;

interface Run {
  readonly log: EventLog;
  /** How each process ended, by name. */
  readonly codes: Readonly<Record<string, number | string | null>>;
  /** What was folded before the first event of the log. */
  readonly history: readonly Tick[];
  readonly ticks: readonly Recorded<Tick>[];
  readonly vectors: readonly Recorded<FeatureVector>[];
  readonly signals: readonly Recorded<Signal>[];
  readonly outcomes: readonly Recorded<Outcome>[];
}

describeWithKafka('separate processes on Kafka', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-shapes-'));
  const storePath = join(folder, 'store');
  const opened: EventLog[] = [];
  let run: Run;

  beforeAll(async () => {
    run = await recordRun(folder, storePath, opened);
  }, LONGEST_MS + 60_000);

  afterAll(async () => {
    await Promise.all(opened.map((log) => log.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  test('each drains and ends with 0 when told to stop', () => {
    expect(run.codes).toEqual(Object.fromEntries(Object.keys(run.codes).map((name) => [name, 0])));
    expect(Object.keys(run.codes)).toHaveLength(8);
  });

  test('the vectors are, bit for bit and offset by offset, those of an offline fold of the log they left', async () => {
    const ends = await committedOffsets(run.log, FEATURES_GROUP, 'ticks');
    const ticks = run.ticks.filter(({ partition, offset }) => offset < ends[partition]!);
    const offline = foldOffline(run.history, ticks, PARTITIONS, HISTORY_KEPT_MS);
    const vectors = run.vectors.map(({ message }) => message);
    expect(differences(offline, vectors)).toEqual([]);
    expect(vectors.map(bytesOf)).toEqual(offline.map(bytesOf));
    expectOnce(vectors.map(vectorKey));
  });

  test.each([1, 4, 16])(
    'the same log through the embedded shape in %i partitions gives the same vectors',
    async (count) => {
      const offline = foldOffline(run.history, run.ticks, PARTITIONS, HISTORY_KEPT_MS);
      const vectors = await foldEmbedded(join(folder, `embedded-${count}`), run, count);
      expect(differences(offline, vectors)).toEqual([]);
      expect(digest(vectors)).toBe(digest(offline));
    },
    120_000,
  );

  test('each live vector is decided once for each horizon, and each decision settled once, as the pure join settles it', async () => {
    const decided = await committedOffsets(run.log, INFERENCE_GROUP, 'features');
    const live = run.vectors.filter(({ message }) => message.sourceOffset >= 0);
    const due = live.filter(({ partition, offset }) => offset < decided[partition]!);
    const signals = run.signals.map(({ message }) => message);
    expectOnce(signals.map(decisionKey));
    const expected = due.flatMap(({ message: { venue, instrument, t } }) =>
      SLOW_HORIZONS.map((horizon) => decisionKey({ ...signals[0]!, venue, instrument, t, horizon })),
    );
    const firstLive = Math.min(...live.map(({ message }) => message.t));
    expect(new Set(signals.filter(({ t }) => t >= firstLive).map(decisionKey))).toEqual(new Set(expected));
    expect(new Set(signals.map(({ source }) => source))).toEqual(new Set(['sim']));

    const ends = await committedOffsets(run.log, EVALUATION_GROUP, 'ticks');
    const outcomes = run.outcomes.map(({ message }) => message);
    expectOnce(outcomes.map(({ signal }) => decisionKey(signal!)));
    expect(outcomes).toEqual(settleOffline(run.ticks, run.signals, ends, GRACE_MS));
  });

  test('the archive holds what it committed of every topic, each record once', async () => {
    const store = await openStore({ path: storePath });
    try {
      const lines = await auditArchive(run.log, store);
      expect(lines.filter(({ isEqual }) => !isEqual)).toEqual([]);
      for (const topic of ['ticks', 'features', 'signals', 'outcomes'])
        expect(lines.filter((line) => line.topic === topic).reduce((sum, { rows }) => sum + rows, 0)).toBeGreaterThan(0);
    } finally {
      await store.close();
    }
  }, 120_000);
});

/** Runs everything until decisions of live minutes are settled, stops it, and reads what it left. Leaves no process behind. */
async function recordRun(folder: string, storePath: string, opened: EventLog[]): Promise<Run> {
  const brokers = [...(await sharedBroker())];
  const topicPrefix = `shapes-${randomUUID()}.`;
  const historyFile = join(folder, 'history.csv.gz');
  const processes = new Processes(folder, LONGEST_MS);
  try {
    await startAll(processes, { brokers, topicPrefix, folder, historyFile, storePath });
    const log = await openKafkaLog({ brokers, topicPrefix });
    opened.push(log);
    await untilSettled(log, processes);
    const codes = await processes.stop();
    return {
      log,
      codes,
      history: [...candlesToTicks((await loadCandles(historyFile)).rows)],
      ticks: await readTopic(log, 'ticks', Tick),
      vectors: await readTopic(log, 'features', FeatureVector),
      signals: await readTopic(log, 'signals', Signal),
      outcomes: await readTopic(log, 'outcomes', Outcome),
    };
  } catch (thrown) {
    process.stderr.write(`${processes.tails()}\n`);
    throw thrown;
  } finally {
    await processes.kill();
  }
}

interface Places {
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  readonly folder: string;
  readonly historyFile: string;
  readonly storePath: string;
}

/** The order of `tributary up`: the feeds, then history, then what depends on it. */
async function startAll(processes: Processes, places: Places): Promise<void> {
  const { folder, historyFile, storePath } = places;
  const kafka = ['--brokers', places.brokers.join(','), '--topic-prefix', places.topicPrefix];
  const service = [...kafka, '--source', 'sim', '--metrics-port', '0'];
  const bundle = join(folder, 'bundle.json');
  const key = join(folder, 'operator.pem');
  const trust = ['--trust', `${key}.pub`];
  processes.start('simulator', 'simulator', '--port', '0', '--seed', '7', '--history-days', '3');
  await processes.run('topics', 'topics', 'apply', ...kafka, '--partitions', `${PARTITIONS}`, '--replication-factor', '1');
  await processes.until(() => processes.output('simulator').includes('}}'));
  const { urls } = JSON.parse(processes.output('simulator')) as { urls: Record<string, string> };
  const [coinbaseRest, krakenRest] = [urls['coinbaseRest']!, urls['krakenRest']!];
  const endpoints = { coinbase: [urls['coinbaseWs']!, coinbaseRest], kraken: [urls['krakenWs']!, krakenRest] };
  for (const [venue, [ws, rest]] of Object.entries(endpoints))
    processes.start(`ingest-${venue}`, 'ingest', '--venue', venue, '--ws-url', ws!, '--rest-url', rest!, ...service);
  processes.start('clock', 'clock', ...service);
  const rest = ['--context-sources', 'none', '--rest-url', `coinbase=${coinbaseRest}`, `kraken=${krakenRest}`];
  await processes.run('backfill', 'backfill', '--store', storePath, '--export', historyFile, '--days', '2', ...rest);
  processes.start('features', 'features', '--history', historyFile, ...service);
  processes.start('evaluation', 'evaluation', ...service);
  processes.start('archive', 'archive', '--store', storePath, ...service);
  processes.start('inference', 'inference', '--grpc-port', '0', ...trust, ...service);
  await processes.run('train', 'train', '--history', historyFile, '--out', bundle, '--quick', '--key', key);
  await processes.run('publish', 'models', 'publish', bundle, ...trust, ...kafka);
}

/** Until for each instrument a decision that a model made on live ticks has come to a price. */
async function untilSettled(log: EventLog, processes: Processes): Promise<void> {
  const begin = Date.now();
  const waiting = new Set(INSTRUMENTS);
  const stop = new AbortController();
  const readers = Array.from({ length: PARTITIONS }, async (_, partition) => {
    for await (const { records } of log.read('outcomes', partition, { until: 'follow', signal: stop.signal })) {
      for (const { value } of records) {
        const { signal, status } = Outcome.decode(value);
        const isSettled = status !== OutcomeStatus.OUTCOME_STATUS_VOID && signal!.bundleId !== '' && signal!.t > begin;
        if (isSettled) waiting.delete(`${signal!.venue}:${signal!.instrument}`);
      }
    }
  });
  try {
    await processes.until(() => waiting.size === 0);
  } finally {
    stop.abort();
    await Promise.all(readers);
  }
}

/** The run's log in an embedded one, folded by the service as `tributary up` runs it. */
async function foldEmbedded(path: string, { history, ticks }: Run, partitions: number): Promise<FeatureVector[]> {
  const log = await openEmbeddedLog({ path, partitions });
  const stop = new AbortController();
  const metrics = new Registry();
  const context: ServiceContext = {
    log,
    clock: systemClock,
    logger: createLogger({ level: 'silent' }),
    metrics,
    health: new Health(),
    source: 'sim',
  };
  try {
    await feedHistory(log, merge(ticks, PARTITIONS), {}, stop.signal);
    const source = async function* (): AsyncGenerator<Tick> {
      yield* history;
      await Promise.resolve();
    };
    const running = runFeatures(context, { history: source }, stop.signal);
    await Promise.race([running, untilFolded(metrics, partitions)]);
    stop.abort();
    await running;
    return (await readTopic(log, 'features', FeatureVector)).map(({ message }) => message);
  } finally {
    stop.abort();
    await log.close();
  }
}

async function untilFolded(metrics: Registry, partitions: number): Promise<void> {
  for (;;) {
    const lag = (await metrics.getMetricsAsJSON()).find(({ name }) => name === 'tributary_features_lag_records');
    if (lag?.values.length === partitions && lag.values.every(({ value }) => value === 0)) return;
    await systemClock.sleep(20);
  }
}

function expectOnce(keys: readonly string[]): void {
  expect(keys.length).toBeGreaterThan(0);
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
}

function bytesOf(vector: FeatureVector): string {
  return Buffer.from(FeatureVector.encode(vector).finish()).toString('base64');
}
