/** What every slot does with a vector: one decides, the others stay in the shadow, each key once. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isServed } from '#libs/registry/share.ts';
import { type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { appendVectors, bundleOf, MINUTE, openRig, type Rig, T, until, vector, VENUES } from './testing/market.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(() => rig.close());

const HORIZONS = ['1m'] as const;
const DAY = 86_400_000;
const [champion, challenger, fallback] = [bundleOf(), bundleOf({ seed: 2, lag: 1 }), bundleOf({ seed: 3 })];
const keyOf = ({ venue, t, slot, shadow }: Signal): string => `${venue} ${(t - T) / MINUTE} ${shadow ? slot : ''}`;

describe('shadows', () => {
  test('say what they would have said of the same moment, apart from the signals', async () => {
    await rig.publish(champion);
    await rig.publish(challenger, { slot: 'challenger' });
    await rig.publish(fallback, { slot: 'fallback' });
    rig.now = T + 3 * MINUTE + 30;
    await appendVectors(rig.log, [vector(2, 'kraken', 0.5), vector(3, 'kraken', 2)]);
    const service = rig.start({ horizons: HORIZONS, staleMs: 10 * MINUTE });
    await until(async () => (await rig.signals()).length === 2);
    const metrics = await service.context.metrics.metrics();
    await service.stop();
    const [, signal] = await rig.signals();
    const shadows = (await rig.shadows()).filter(({ t }) => t === T + 3 * MINUTE);
    expect(signal).toMatchObject({ slot: 'champion', bundleId: champion.id, shadow: false });
    expect(shadows.map(({ slot, bundleId, shadow }) => [slot, bundleId, shadow])).toEqual([
      ['fallback', fallback.id, true],
      ['challenger', challenger.id, true],
    ]);
    // The challenger reads ten times the vector before as well.
    expect(shadows[1]!.probabilityUp).toBeCloseTo(1 / (1 + Math.exp(-7)), 5);
    for (const shadow of shadows)
      expect(shadow).toMatchObject({ publishedAt: signal!.publishedAt, validUntil: signal!.validUntil });
    expect(metrics).toContain('tributary_inference_decided_total{slot="champion",lane="slow",source="sim"} 2');
    expect(metrics).toContain(
      'tributary_inference_signals_total{venue="kraken",horizon="1m",direction="up",lane="slow",source="sim"} 1',
    );
  });

  test('stand in the log once, whenever the service is stopped', async () => {
    await rig.publish(champion);
    await rig.publish(challenger, { slot: 'challenger' });
    const options = { horizons: HORIZONS, staleMs: 60 * MINUTE };
    let service = rig.start(options);
    const minutes = 20;
    for (let minute = 0; minute < minutes; minute++) {
      rig.now = T + minute * MINUTE + 50;
      await appendVectors(
        rig.log,
        VENUES.map((venue) => vector(minute, venue, Math.cos(minute))),
      );
      if (minute % 5 === 4) await until(async () => (await rig.signals()).length === 2 * (minute + 1));
      if (minute % 3 !== 2) continue;
      await service.stop();
      service = rig.start(options);
    }
    await until(async () => (await rig.signals()).length >= 2 * minutes);
    await service.stop();
    const keys = [...(await rig.signals()), ...(await rig.shadows())].map(keyOf);
    expect(keys).toHaveLength(4 * minutes);
    expect(new Set(keys).size).toBe(4 * minutes);
  });
});

describe('the fallback decides', () => {
  /** Slots that decided, and why there is no signal, for one vector of Kraken at minute 0. */
  async function decided(options: { readonly maxModelAgeMs?: number } = {}): Promise<string[]> {
    const before = (await rig.signals()).length;
    await appendVectors(rig.log, [vector(before, 'kraken', 3)]);
    rig.now = T + before * MINUTE + 50;
    const service = rig.start({ horizons: HORIZONS, modelWaitMs: 20, ...options });
    await until(async () => (await rig.signals()).length === before + 1);
    await service.stop();
    return (await rig.signals()).slice(before).map(({ slot, bundleId, abstainReason }) => `${slot} ${bundleId} ${abstainReason}`);
  }

  test('where there is no champion', async () => {
    await rig.publish(fallback, { slot: 'fallback' });
    expect(await decided()).toEqual([`fallback ${fallback.id} `]);
  });

  test('where the champion is refused', async () => {
    await rig.publish(bundleOf({ feature: 'not_there@9' }), { effectiveT: 0 });
    await rig.publish(fallback, { slot: 'fallback', effectiveT: 1 });
    expect(await decided()).toEqual([`fallback ${fallback.id} `]);
  });

  test('where the champion was trained too long ago, which goes on in the shadow', async () => {
    const old = bundleOf({ trainedTo: T - 15 * DAY });
    await rig.publish(old);
    await rig.publish(fallback, { slot: 'fallback', effectiveT: 1 });
    expect(await decided()).toEqual([`fallback ${fallback.id} `]);
    expect((await rig.shadows()).map(({ slot, bundleId }) => [slot, bundleId])).toEqual([['champion', old.id]]);
    expect(await decided({ maxModelAgeMs: 16 * DAY })).toEqual([`champion ${old.id} `]);
  });

  test('and where there is none either, the abstention says why', async () => {
    const old = bundleOf({ trainedTo: T - 15 * DAY });
    await rig.publish(old);
    expect(await decided()).toEqual([`champion ${old.id} model_stale`]);
  });

  test('where the champion was rolled back and nothing stood before it', async () => {
    await rig.publish(champion);
    await rig.publish(fallback, { slot: 'fallback', effectiveT: 1 });
    await rig.change((registry) => registry.rollback({ actor: 'ann', reason: 'it is wrong', now: T - MINUTE }));
    expect(await decided()).toEqual([`fallback ${fallback.id} `]);
    // What was champion goes on in the shadow.
    expect((await rig.shadows()).map(({ slot, bundleId }) => [slot, bundleId])).toEqual([['challenger', champion.id]]);
  });
});

test('a threshold that was moved decides what is said from then on; a silenced head stays silent', async () => {
  await rig.publish(champion);
  const service = rig.start({ horizons: ['1m', '5m'] });
  const at = async (minute: number): Promise<string[]> => {
    const count = (await rig.signals()).length;
    rig.now = T + minute * MINUTE + 50;
    // A sum of 0.9 is a probability of 0.711, just above the threshold.
    await appendVectors(rig.log, [vector(minute, 'coinbase', 0.9)]);
    await until(async () => (await rig.signals()).length === count + 2);
    const found = (await rig.signals()).slice(count);
    return found.map(({ horizon, threshold, abstainReason }) => `${horizon} ${threshold.toFixed(2)} ${abstainReason}`);
  };
  expect(await at(1)).toEqual(['1m 0.70 ', '5m 1.01 silenced']);
  const tuned = { actor: 'rollout', reason: 'as it is right less often', now: T + MINUTE };
  const at1m = { venue: 'coinbase', instrument: 'BTC-USD', horizon: '1m' };
  await rig.change((registry) => registry.tune(tuned, at1m, 0.02));
  await rig.change((registry) => registry.tune(tuned, { ...at1m, horizon: '5m' }, -0.5));
  await until(async () => (await service.context.metrics.metrics()).includes(`${(T + MINUTE + 2_001) / 1000}`));
  expect(await at(2)).toEqual(['1m 0.72 below_threshold', '5m 1.01 silenced']);
  await service.stop();
});

test('a rollback bears on decisions two seconds later, in the running service', async () => {
  const [first, second] = [bundleOf({ seed: 11 }), bundleOf({ seed: 12 })];
  await rig.publish(first);
  await rig.publish(second, { now: T });
  const service = rig.start({ horizons: HORIZONS });
  const at = async (minute: number): Promise<string> => {
    const count = (await rig.signals()).length;
    rig.now = T + minute * MINUTE + 50;
    await appendVectors(rig.log, [vector(minute, 'kraken', 3)]);
    await until(async () => (await rig.signals()).length > count);
    return (await rig.signals()).at(-1)!.bundleId;
  };
  expect(await at(1)).toBe(second.id);
  const now = T + 2 * MINUTE - 3_000;
  const started = performance.now();
  const effectiveT = await rig.change(
    async (registry) => (await registry.rollback({ actor: 'ann', reason: 'worse', now })).effectiveT,
  );
  expect(effectiveT - now).toBeLessThanOrEqual(5_000);
  const seen = `slot_effective_timestamp_seconds{slot="champion",lane="slow",source="sim"} ${effectiveT / 1000}`;
  await until(async () => (await service.context.metrics.metrics()).includes(seen));
  const seenMs = Math.round(performance.now() - started);
  expect(await at(2)).toBe(first.id);
  process.stderr.write(`a rollback: known to the running service after ${seenMs} ms, in force from ${effectiveT - now} ms on\n`);
  await service.stop();
});

test('a challenger serves its share of the decisions, in whole bands, and the champion says in the shadow what it would have said', async () => {
  await rig.publish(champion);
  await rig.publish(challenger, { slot: 'challenger' });
  await rig.change((registry) => registry.serve({ actor: 'test', reason: 'test', now: T - 2 * MINUTE }, 0.25));
  const minutes = 120;
  rig.now = T + minutes * MINUTE;
  const service = rig.start({ horizons: HORIZONS, staleMs: 300 * MINUTE });
  for (let minute = 0; minute < minutes; minute++) {
    await appendVectors(
      rig.log,
      VENUES.map((venue) => vector(minute, venue, 0.1 * Math.sin(minute))),
    );
  }
  await until(async () => (await rig.signals()).length === 2 * minutes);
  await service.stop();
  const signals = await rig.signals();
  const served = signals.filter(({ slot }) => slot === 'challenger');
  expect(served.length / signals.length).toBeGreaterThan(0.1);
  expect(served.length / signals.length).toBeLessThan(0.5);
  for (const { bundleId, confidence, instrument } of served) {
    expect(bundleId).toBe(challenger.id);
    expect(isServed(challenger.id, instrument, confidence, 0.25)).toBe(true);
  }
  // Each decision once, by one of the two, and once in the shadow by the other.
  const shadows = new Map((await rig.shadows()).map((shadow) => [`${shadow.venue} ${shadow.t}`, shadow.slot]));
  for (const { venue, t, slot } of signals.filter(({ t }) => t > T)) {
    expect(shadows.get(`${venue} ${t}`)).toBe(slot === 'challenger' ? 'champion' : 'challenger');
  }
});
