import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { systemClock } from '#libs/clock/clock.ts';
import { FEW_LISTINGS, generateMarket } from '#libs/features/checks/market.ts';
import { foldAll } from '#libs/features/checks/lane.ts';
import { differences } from '#libs/features/checks/parity.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { type ServiceContext, type Source } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { type FeaturesOptions, runFeatures } from './service.ts';

const PARTITIONS = 2;
const ticks = generateMarket({
  start: Date.UTC(2024, 2, 1),
  candleMinutes: 60,
  liveMinutes: 6,
  listings: [...FEW_LISTINGS, { venue: 'kraken', base: 'ETH', quote: 'USD' }],
  seed: 7,
});
const history = ticks.filter((_, index) => index < ticks.findIndex(({ event }) => event?.$case === 'heartbeat'));
const live = ticks.slice(history.length);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'features-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the feature service on a real log', () => {
  test('writes over restarts what one offline fold of the same log gives, each key once', async () => {
    const log = await openEmbeddedLog({ path: join(directory, 'restarts'), partitions: PARTITIONS });
    const parts = [0.3, 0.31, 0.7, 1].map((part) => Math.floor(ticks.length * part));
    let written = 0;
    for (const [index, end] of parts.entries()) {
      await append(log, ticks.slice(written, end));
      written = end;
      // The first run stores its state with its first commit only: the second has most of it to replay without a word.
      await runUntilFolded(log, { snapshotEveryMs: index === 0 ? 600_000 : 100 });
    }
    const vectors = await readVectors(log);
    expect(new Set(vectors.map(({ venue, instrument, t }) => `${venue}:${instrument}:${t}`)).size).toBe(vectors.length);
    expect(differences(foldAll(ticks), vectors)).toEqual([]);
    await log.close();
  }, 60_000);

  // The ticks are years old: for a live service that is a long stop, after which history counts only where it tells more.
  test.each([
    ['goes on from the snapshot without it', 'replay' as const, 1],
    ['after a long stop goes on from the snapshot where history is older', 'sim' as const, 2],
  ])(
    'folds history before the first live event, emits its last minutes, and %s',
    async (_, source, times) => {
      const log = await openEmbeddedLog({ path: join(directory, `history-${source}`), partitions: PARTITIONS });
      let reads = 0;
      const options: FeaturesOptions = {
        historyMinutes: 10,
        history: async function* () {
          reads++;
          yield* history;
          await Promise.resolve();
        },
      };
      await append(log, live.slice(0, live.length >> 1));
      await runUntilFolded(log, options, source);
      await append(log, live.slice(live.length >> 1));
      await runUntilFolded(log, options, source);
      const end = Date.UTC(2024, 2, 1) + 60 * 60_000;
      const expected = foldAll(ticks).filter(({ t }) => t > end - 10 * 60_000);
      expect(differences(expected, await readVectors(log))).toEqual([]);
      expect(reads).toBe(times);
      await log.close();
    },
    60_000,
  );

  test('passes over what it cannot read, and says so', async () => {
    const log = await openEmbeddedLog({ path: join(directory, 'unreadable'), partitions: PARTITIONS });
    await log.append([{ topic: 'ticks', key: 'BTC', value: new Uint8Array([255, 255, 255]) }]);
    await append(log, history);
    await runUntilFolded(log, {});
    const letters: string[] = [];
    for await (const batch of log.read('dead-letter', 0)) letters.push(...batch.records.map(({ key }) => key));
    expect(letters).toEqual(['BTC']);
    expect(differences(foldAll(history), await readVectors(log))).toEqual([]);
    await log.close();
  }, 60_000);
});

/** Clocks and references go to every partition. */
async function append(log: EventLog, events: readonly Tick[]): Promise<void> {
  const records = events.flatMap((tick): OutRecord[] => {
    const record = { topic: 'ticks' as const, key: tick.asset, value: Tick.encode(tick).finish() };
    if (tick.asset !== '') return [record];
    return Array.from({ length: PARTITIONS }, (_, partition) => ({ ...record, partition }));
  });
  for (let i = 0; i < records.length; i += 2_000) await log.append(records.slice(i, i + 2_000));
}

/** Runs the service until its offset is the end of every partition, then stops it. */
async function runUntilFolded(log: EventLog, options: FeaturesOptions, source: Source = 'replay'): Promise<void> {
  const stop = new AbortController();
  const context: ServiceContext = {
    log,
    clock: systemClock,
    logger: createLogger({ level: 'silent' }),
    metrics: new Registry(),
    health: new Health(),
    source,
  };
  const running = runFeatures(context, options, stop.signal);
  await Promise.race([running, untilFolded(context)]);
  stop.abort();
  await running;
}

async function untilFolded({ metrics, clock }: ServiceContext): Promise<void> {
  for (;;) {
    await clock.sleep(20);
    const lag = (await metrics.getMetricsAsJSON()).find(({ name }) => name === 'tributary_features_lag_records');
    if (lag?.values.length === PARTITIONS && lag.values.every(({ value }) => value === 0)) return;
  }
}

async function readVectors(log: EventLog): Promise<readonly FeatureVector[]> {
  const vectors: FeatureVector[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for await (const batch of log.read('features', partition)) {
      vectors.push(...batch.records.map(({ value }) => FeatureVector.decode(value)));
    }
  }
  return vectors;
}
