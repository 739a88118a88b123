/** The rollout as a service, on a real log: outcomes in, changes of the slots out, each once, whoever holds the office. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { ACCESS } from '#libs/log/kafka/access.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type Topic } from '#libs/log/topics.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { sealBundle } from '#libs/models/bundle.ts';
import { signBundle } from '#libs/models/signature.ts';
import { ModelRegistry, type SlotName } from '#libs/registry/registry.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { ModelSlot } from '#libs/wire/tributary/v1/models.ts';
import { Direction, Outcome, OutcomeStatus, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { runRollout } from './service.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const T = Date.UTC(2026, 0, 5);
const KEY = generateKeyPairSync('ed25519');
/** Blocks of an hour: fewer outcomes make a test. */
const OPTIONS = { trust: () => [KEY.publicKey], blockMs: HOUR };

let path: string;
let log: EventLog;
let now: number;
let changes: ModelSlot[];
const touched = { reads: new Set<Topic>(), writes: new Set<Topic>(), groups: new Set<string>() };
let running: { readonly stop: AbortController; readonly ended: Promise<void> }[];
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'tributary-rollout-'));
  log = await openEmbeddedLog({ path, partitions: 2 });
  [now, changes, running] = [T, [], []];
  const stop = new AbortController();
  running.push({ stop, ended: follow(stop.signal) });
});
afterEach(async () => {
  for (const { stop } of running) stop.abort();
  await Promise.all(running.map(({ ended }) => ended));
  await log.close();
  await rm(path, { recursive: true });
});

function start(): { readonly context: ServiceContext; stop(): Promise<void> } {
  const context: ServiceContext = {
    log: recorded(log),
    clock: { ...systemClock, now: () => now },
    logger: createLogger({ level: 'silent' }),
    metrics: createMetrics({ source: 'sim' }),
    health: new Health(),
    source: 'sim',
  };
  const stop = new AbortController();
  const ended = runRollout(context, OPTIONS, stop.signal);
  running.push({ stop, ended });
  return {
    context,
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}

/** Remembers what the service touches. */
function recorded(of: EventLog): EventLog {
  const read = (topic: Topic): void => void touched.reads.add(topic);
  return {
    partitions: (topic) => (read(topic), of.partitions(topic)),
    bounds: (topic, partition) => (read(topic), of.bounds(topic, partition)),
    read: (topic, partition, options) => (read(topic), of.read(topic, partition, options)),
    committed: (group, topic, partition) => (touched.groups.add(group), of.committed(group, topic, partition)),
    append: (records) => (records.forEach(({ topic }) => touched.writes.add(topic)), of.append(records)),
    commit(commit) {
      touched.groups.add(commit.group);
      for (const { topic } of commit.outputs) touched.writes.add(topic);
      return of.commit(commit);
    },
    consume(options) {
      touched.groups.add(options.group);
      options.topics.forEach(read);
      return of.consume(options);
    },
    close: () => of.close(),
  };
}

/** A bundle without heads: nothing is asked of it here. */
async function publish(slot: SlotName, seed: number, effectiveT: number, lane: Lane = 'slow', trainedTo = T): Promise<string> {
  const trained = { from: 0, to: trainedTo };
  const bundle = sealBundle({ target: lane === 'slow' ? 'entry' : 'mid', lane, seed, trained, inputs: [], heads: [] });
  const stop = new AbortController();
  const registry = await ModelRegistry.open(log, stop.signal, () => undefined, lane);
  const change = { actor: 'test', reason: 'test', now: effectiveT };
  await registry.publish({ ...change, slot, bundleId: bundle.id, bundle: signBundle(bundle, KEY.privateKey), effectiveT });
  stop.abort();
  return bundle.id;
}

interface Told {
  /** Default: slow. */
  readonly lane?: Lane;
  readonly bundleId: string;
  readonly slot: string;
  readonly right: boolean;
}

const AHEAD = { slow: { horizon: '1m', ms: MINUTE }, fast: { horizon: '10s', ms: 10_000 } } as const;

const signalOf = ({ lane = 'slow', bundleId, slot, right }: Told, t: number, shadow: boolean): Signal =>
  Signal.fromPartial({
    ...{ asset: 'BTC', venue: 'kraken', instrument: 'BTC-USD', lane, horizon: AHEAD[lane].horizon },
    ...{ t, publishedAt: t, validUntil: t + AHEAD[lane].ms },
    ...{ bundleId, slot, shadow, confidence: 0.6, probabilityUp: right ? 0.6 : 0.4 },
    direction: right ? Direction.DIRECTION_UP : Direction.DIRECTION_DOWN,
  });

/** What came of the decision at `minute`, which is known a minute later. The price rose. */
async function outcome(minute: number, said: Told, shadow?: Told): Promise<void> {
  const t = T + minute * MINUTE;
  const published = signalOf(said, t, false);
  const come = { status: OutcomeStatus.OUTCOME_STATUS_UP, resolvedAt: t + MINUTE + 2_000 };
  now = come.resolvedAt;
  const record = (topic: 'outcomes' | 'shadow-outcomes', what: Partial<Outcome>) => ({
    ...{ topic, key: 'BTC', partition: minute % 4 === 0 ? 0 : 1 },
    value: Outcome.encode(Outcome.fromPartial({ ...come, ...what })).finish(),
  });
  await log.append([
    record('outcomes', { signal: published }),
    ...(shadow === undefined ? [] : [record('shadow-outcomes', { signal: signalOf(shadow, t, true), published })]),
  ]);
}

/** What the rollout has changed, in order: the topic itself keeps the newest of each slot only. */
async function follow(signal: AbortSignal): Promise<void> {
  for await (const { records } of log.read('models', 0, { until: 'follow', signal })) {
    for (const { value } of records) changes.push(ModelSlot.decode(value));
    changes = changes.filter(({ actor }) => actor === 'rollout');
  }
}

/** The newest change of the rollout, once there are so many. */
async function changed(count: number): Promise<ModelSlot> {
  const deadline = Date.now() + 25_000;
  for (;;) {
    if (changes.length >= count) return changes.at(-1)!;
    if (Date.now() > deadline) throw new Error('the change that the test waits for did not come');
    await systemClock.sleep(5);
  }
}

const idle = (): Promise<void> => systemClock.sleep(100);

test('a champion below the floor goes at once, the one before it next, then the fallback falls silent; over restarts', async () => {
  const fallback = await publish('fallback', 1, T - 3);
  const before = await publish('champion', 2, T - 2);
  const champion = await publish('champion', 3, T - 1);
  let service = start();
  const wrong = (bundleId: string, slot: string): Told => ({ bundleId, slot, right: false });
  let minute = 0;
  const until = async (count: number, said: Told): Promise<ModelSlot> => {
    for (let i = 0; changes.length < count; i++, minute += 2) {
      if (i === 8) {
        await service.stop();
        service = start();
      }
      await outcome(minute, said);
      if (i >= 12) await idle();
    }
    return changed(count);
  };

  const started = performance.now();
  // Two records: what was champion leaves `previous` as well.
  const first = await until(2, wrong(champion, 'champion'));
  const took = Math.round(performance.now() - started);
  expect(first).toMatchObject({ slot: 'champion', bundleId: before, actor: 'rollout' });
  expect(first.reason).toMatch(/^below the floor of 60\.0 %: 0\.0 % of 1[345] signals at 1m were right, evidence 1\d\d$/);
  expect(first.effectiveT - now).toBeLessThanOrEqual(5_000);
  const shown = await service.context.metrics.metrics();
  expect(shown).toContain('tributary_rollout_steps_total{action="rollback",lane="slow",source="sim"} 1');
  process.stderr.write(
    `${minute / 2} outcomes in ${took} ms; from the one that led to the rollback to the first decision time of the bundle before: ${first.effectiveT - now} ms\n`,
  );

  minute += 2;
  const second = await until(3, wrong(before, 'champion'));
  expect(second).toMatchObject({ slot: 'champion', bundleId: '' });
  minute += 2;
  const third = await until(4, wrong(fallback, 'fallback'));
  expect(third).toMatchObject({ slot: 'fallback', bundleId: '' });
  await service.stop();
});

test('a better challenger is promoted by steps, by one of two members, with the reason', async () => {
  const champion = await publish('champion', 4, T - 2);
  const challenger = await publish('challenger', 5, T - 1);
  const members = [start(), start()];
  const right = (minute: number, of: number): boolean => minute % 20 < of;
  for (let minute = 0, records = 0; records < 4 && minute < 24 * 60; minute += 2) {
    await outcome(
      minute,
      { bundleId: champion, slot: 'champion', right: right(minute, 14) },
      { bundleId: challenger, slot: 'challenger', right: right(minute, 18) },
    );
    if (minute % 60 > 2) continue;
    await idle();
    records = changes.length;
  }
  expect(changes.map(({ slot, share, bundleId }) => `${slot} ${share} ${bundleId}`)).toEqual([
    `challenger 0.05 ${challenger}`,
    `challenger 0.25 ${challenger}`,
    'challenger 0 ',
    `champion 0 ${challenger}`,
  ]);
  for (const { reason } of changes) expect(reason).toMatch(/^better: quadratic score 0\.\d+ against 0\.\d+ on \d+ decisions/);
  const shown = await Promise.all(members.map(({ context }) => context.metrics.metrics()));
  expect(
    shown.filter((text) => text.includes('tributary_rollout_steps_total{action="promote",lane="slow",source="sim"} 1')),
  ).toHaveLength(1);
});

test('the fast lane by the same gate, in its own slots: promoted by steps, below the floor, too old; what the slow lane holds stays', async () => {
  const [lane, later] = ['fast', T + 30 * 24 * HOUR] as const;
  const decides = await publish('champion', 6, T - 2, 'slow', later);
  const old = await publish('champion', 7, T - 2, lane, T - 1);
  const better = await publish('challenger', 8, T - 1, lane);
  const { context } = start();
  let minute = 0;
  const until = async (count: number, said: (minute: number) => readonly [Told, Told?]): Promise<void> => {
    for (const end = minute + 24 * 60; changes.length < count && minute < end; minute += 2) {
      await outcome(minute, ...said(minute));
      await outcome(minute + 1, { bundleId: decides, slot: 'champion', right: true });
      if (minute % 30 <= 2) await idle();
    }
    await changed(count);
  };
  const right = (of: number): boolean => minute % 20 < of;
  await until(4, () => [
    { lane, bundleId: old, slot: 'champion', right: right(14) },
    { lane, bundleId: better, slot: 'challenger', right: right(18) },
  ]);
  expect(changes.map(({ slot, share, bundleId }) => `${slot} ${share} ${bundleId}`)).toEqual([
    `fast/challenger 0.05 ${better}`,
    `fast/challenger 0.25 ${better}`,
    'fast/challenger 0 ',
    `fast/champion 0 ${better}`,
  ]);
  minute += 2;
  await until(6, () => [{ lane, bundleId: better, slot: 'champion', right: false }]);
  expect(changes.at(-1)).toMatchObject({ slot: 'fast/champion', bundleId: old });
  expect(changes.at(-1)!.reason).toMatch(/^below the floor of 60\.0 %: 0\.0 % of \d+ signals at 10s were right/);
  minute = 14 * 24 * 60 + 2;
  await until(7, () => [{ lane, bundleId: old, slot: 'champion', right: true }]);
  expect(changes.at(-1)).toMatchObject({
    slot: 'fast/champion',
    bundleId: '',
    reason: `stale: trained until ${new Date(T - 1).toISOString()}`,
  });
  const shown = await context.metrics.metrics();
  expect(shown).toContain('tributary_rollout_steps_total{action="rollback",lane="fast",source="sim"} 2');
  expect(shown).toContain('tributary_rollout_steps_total{action="rollback",lane="slow",source="sim"} 0');
});

test('on Kafka it has the rights to what it did above, and no others', () => {
  const { reads = [], writes = [], groups = [], watches = [] } = ACCESS['rollout']!;
  expect([...touched.reads].sort()).toEqual([...reads].sort());
  expect([[...touched.writes], [...touched.groups], watches]).toEqual([writes, groups, []]);
});
