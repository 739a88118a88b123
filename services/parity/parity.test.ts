/** What features and inference really wrote is found to be right, and what was changed in it is found. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { systemClock } from '#libs/clock/clock.ts';
import { FEW_LISTINGS, generateMarket } from '#libs/features/checks/market.ts';
import { foldTick } from '#libs/features/fold.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { signBundle } from '#libs/models/signature.ts';
import { ModelRegistry } from '#libs/registry/registry.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { Signal } from '#libs/wire/tributary/v1/signals.ts';
import { FEATURES_GROUP } from '#services/features/service.ts';
import { loadSnapshot } from '#services/features/snapshot.ts';
import { append, PARTITIONS, runUntilFolded } from '#services/features/testing/folding.ts';
import { INFERENCE_GROUP, runInference } from '#services/inference/service.ts';
import { bundleOf } from '#services/inference/testing/market.ts';
import { checkParity } from './check.ts';

const ticks = generateMarket({
  start: Date.UTC(2024, 2, 1),
  candleMinutes: 20,
  liveMinutes: 6,
  listings: FEW_LISTINGS,
  seed: 7,
});
const cut = ticks.findIndex(({ event }) => event?.$case === 'heartbeat');
const { privateKey, publicKey } = generateKeyPairSync('ed25519');

let directory: string;
let log: EventLog | undefined;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parity-'));
});
afterEach(async () => {
  await log?.close();
  log = undefined;
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const contextOf = (log: EventLog): ServiceContext => ({
  ...{ log, clock: systemClock, logger: createLogger({ level: 'silent' }), metrics: createMetrics(), health: new Health() },
  source: 'replay',
});

const check = (log: EventLog) =>
  checkParity(contextOf(log), { trust: () => [publicKey], sample: 1 }, new AbortController().signal);

/** A log whose first part was checked, which puts the states aside that the next check begins with. */
async function open(name: string): Promise<EventLog> {
  log = await openEmbeddedLog({ path: join(directory, name), partitions: PARTITIONS });
  await append(log, ticks.slice(0, cut));
  await runUntilFolded(log, { snapshotEveryMs: 100 });
  expect(await check(log)).toEqual([]);
  return log;
}

/** Runs inference over all vectors, with a bundle for BTC-USD. */
async function decide(log: EventLog): Promise<void> {
  const stop = new AbortController();
  const running = runInference(contextOf(log), { trust: () => [publicKey], maxModelAgeMs: 1e15 }, stop.signal);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { end } = await log.bounds('features', partition);
    while (((await log.committed(INFERENCE_GROUP, 'features', partition)) ?? 0) < end) await systemClock.sleep(20);
  }
  stop.abort();
  await running;
}

async function publish(log: EventLog): Promise<void> {
  const stop = new AbortController();
  const registry = await ModelRegistry.open(log, stop.signal, () => undefined);
  const bundle = bundleOf();
  const bytes = signBundle(bundle, privateKey);
  const from = Date.UTC(2024, 1, 1);
  await registry.publish({
    slot: 'champion',
    bundleId: bundle.id,
    bundle: bytes,
    actor: 'test',
    reason: 'test',
    now: from,
    effectiveT: from + 1,
  });
  stop.abort();
}

describe('parity', () => {
  test('of what the services wrote: everything is compared and nothing differs', async () => {
    const log = await open('right');
    await publish(log);
    await append(log, ticks.slice(cut));
    await runUntilFolded(log, { snapshotEveryMs: 100 });
    await decide(log);
    const reports = await check(log);
    expect(reports.map(({ partition }) => partition)).toEqual([0, 1]);
    const total = (key: 'vectors' | 'vectorMismatches' | 'signals' | 'signalMismatches'): number =>
      reports.reduce((sum, report) => sum + report[key], 0);
    expect(reports.flatMap(({ findings }) => findings)).toEqual([]);
    expect([total('vectorMismatches'), total('signalMismatches')]).toEqual([0, 0]);
    expect(total('vectors')).toBeGreaterThan(10);
    expect(total('signals')).toBeGreaterThan(5);
    expect((await log.bounds('parity', 0)).end).toBe(2);
    // The next one begins where features are now: what was compared is not compared again.
    const again = await check(log);
    expect(again.reduce((sum, { vectors }) => sum + vectors, 0)).toBeLessThan(total('vectors'));
  }, 180_000);

  test('finds a vector that was changed, one that is missing and one that stands there twice', async () => {
    const log = await open('wrong');
    await append(log, ticks.slice(cut));
    let [changed, dropped] = ['', ''];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const outputs = (await offline(log, partition)).map((vector) => structuredClone(vector));
      if (outputs.length > 4) {
        outputs[1]!.values[3] = 1.25;
        changed = `vector slow ${outputs[1]!.venue} ${outputs[1]!.instrument} ${outputs[1]!.t} differs`;
        const [missing] = outputs.splice(2, 1, outputs[3]!);
        dropped = `vector slow ${missing!.venue} ${missing!.instrument} ${missing!.t} is missing`;
      }
      const { end } = await log.bounds('ticks', partition);
      const records = outputs.map((vector): OutRecord => ({
        topic: 'features',
        partition,
        key: vector.asset,
        value: FeatureVector.encode(vector).finish(),
      }));
      await log.commit({ group: FEATURES_GROUP, topic: 'ticks', partition, offset: end, outputs: records });
    }
    const findings = (await check(log)).flatMap((report) => report.findings);
    expect(findings).toHaveLength(3);
    expect(findings).toEqual(expect.arrayContaining([changed, dropped, expect.stringMatching(/not twice$/)]));
  }, 180_000);

  test('finds a signal that its bundle did not say', async () => {
    const log = await open('signal');
    await publish(log);
    await append(log, ticks.slice(cut));
    await runUntilFolded(log, { snapshotEveryMs: 100 });
    const features: FeatureVector[] = [];
    for await (const { records } of log.read('features', 0))
      features.push(...records.map(({ value }) => FeatureVector.decode(value)));
    const vector =
      features.findLast(({ instrument, venue }) => instrument === 'BTC-USD' && venue === 'kraken') ?? features.at(-1)!;
    const { asset, venue, instrument, t } = vector;
    const forged = Signal.fromPartial({
      ...{ asset, venue, instrument, t, horizon: '1m', lane: 'slow', bundleId: bundleOf().id, slot: 'champion' },
      ...{ probabilityUp: 0.123, confidence: 0.877, threshold: 0.7, direction: 2 },
    });
    await log.append([{ topic: 'signals', partition: 0, key: asset, value: Signal.encode(forged).finish() }]);
    const [report] = await check(log);
    expect(report).toMatchObject({ signals: 1, signalMismatches: 1, vectorMismatches: 0 });
    expect(report!.findings[0]).toMatch(/^signal \S+ \S+ 1m \d+: 0\.123 instead of /);
  }, 180_000);
});

/** The vectors of the ticks since features stood still, as it would have made them. */
async function offline(log: EventLog, partition: number): Promise<FeatureVector[]> {
  const snapshot = (await loadSnapshot(log, 'slow', partition))!;
  const committed = (await log.committed(FEATURES_GROUP, 'ticks', partition))!;
  const vectors: FeatureVector[] = [];
  for await (const { records } of log.read('ticks', partition, { from: snapshot.offset })) {
    for (const { value, offset } of records)
      foldTick(snapshot.state, Tick.decode(value), offset, (vector) => offset >= committed && vectors.push(vector));
  }
  return vectors;
}
