/** The fast lane's decisions: of its own bundle, at its own horizons, and only where they can still be acted upon. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { fastSchema } from '#libs/features/fast/catalogue.ts';
import { type Horizon } from '#libs/market/horizon.ts';
import { type Bundle, sealBundle } from '#libs/models/bundle.ts';
import { Direction, PriceKind, type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { Latency } from './latency.ts';
import { appendVectors, bundleOf, fastVector, MINUTE, openRig, type Rig, T, until, vector } from './testing/market.ts';

const LANES = ['slow', 'fast'] as const;
const { columns } = fastSchema();

/** Log odds = the first value. */
function fastBundle(horizons: readonly Horizon[], options: { readonly seed?: number; readonly silenced?: Horizon } = {}): Bundle {
  const model = {
    kind: 'logistic' as const,
    scaler: { mean: [0], deviation: [1] },
    weights: [1],
    intercept: 0,
  };
  return sealBundle({
    ...{ target: 'mid', lane: 'fast', seed: options.seed ?? 1, trained: { from: 0, to: T }, inputs: [columns[0]!] },
    heads: horizons.map((horizon) => ({
      ...{ venue: 'okx', instrument: 'BTC-USD', horizon, inputs: [0], members: [{ weight: 1, model }] },
      calibration: { kind: 'identity' as const },
      ...(horizon === options.silenced ? { threshold: 1.01, silenced: 'no edge' } : { threshold: 0.7, silenced: '' }),
      metrics: { trained: 1, outOfFold: 1, accuracy: null, brier: null, emittedCoverage: null, emittedAccuracy: null },
    })),
  });
}

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(() => rig.close());

const said = ({ lane, horizon, t, direction, abstainReason }: Signal): string =>
  `${lane} ${horizon} ${t - T} ${abstainReason === '' ? direction : abstainReason}`;
const { DIRECTION_UP: UP, DIRECTION_DOWN: DOWN } = Direction;

describe('beside the slow lane', () => {
  test('it asks a bundle of its own and says what a decision of seconds is judged by', async () => {
    await rig.publish(fastBundle(['1s', '5s']));
    await rig.publish(bundleOf());
    rig.now = T + 400;
    await appendVectors(rig.log, [fastVector(300, 'okx', 2), vector(0, 'kraken', -2)]);
    const service = rig.start({ lanes: LANES, horizons: ['1m'] });
    await until(async () => (await rig.signals()).length === 3);
    const metrics = await service.context.metrics.metrics();
    await service.stop();
    expect((await rig.signals()).map(said)).toEqual([`fast 1s 300 ${UP}`, `fast 5s 300 ${UP}`, `slow 1m 0 ${DOWN}`]);
    expect((await rig.signals())[0]).toMatchObject({
      ...{
        bundleId: fastBundle(['1s', '5s']).id,
        slot: 'champion',
        referencePrice: 60_000,
        referenceKind: PriceKind.PRICE_KIND_MID,
      },
      ...{ publishedAt: T + 400, validUntil: T + 1_300 },
    });
    expect(metrics).toContain('tributary_inference_tick_to_signal_seconds_count{source="sim",lane="fast"} 2');
  });

  test('it is silent where the target was silent for the horizon, where no head may speak, and without a bundle', async () => {
    rig.now = T + 400;
    const service = rig.start({ lanes: LANES });
    await appendVectors(rig.log, [fastVector(100, 'okx', 5)]);
    await until(async () => (await rig.log.committed('inference', 'features', 0)) === 1);
    await rig.publish(fastBundle(['1s', '2s', '10s'], { silenced: '10s' }), { effectiveT: T + 200 });
    await until(async () => (await service.context.metrics.metrics()).includes('slot="champion",lane="fast"'));
    await appendVectors(rig.log, [fastVector(300, 'okx', 5, 1.5), fastVector(350, 'coinbase', 5)]);
    await until(async () => (await rig.log.committed('inference', 'features', 0)) === 3);
    await service.stop();
    expect((await rig.signals()).map(said)).toEqual([`fast 2s 300 ${UP}`]);
  });

  test('a decision whose horizon is over is none; a challenger of the lane is asked in its shadow', async () => {
    await rig.publish(fastBundle(['1s', '5s']));
    await rig.publish(fastBundle(['5s'], { seed: 2 }), { slot: 'challenger', effectiveT: 1 });
    rig.now = T + 2_000;
    await appendVectors(rig.log, [fastVector(300, 'okx', -5)]);
    const service = rig.start({ lanes: LANES });
    await until(async () => (await rig.signals()).length === 2);
    await service.stop();
    expect((await rig.signals()).map(said)).toEqual(['fast 1s 300 stale', `fast 5s 300 ${DOWN}`]);
    expect((await rig.shadows()).map(said)).toEqual([`fast 5s 300 ${DOWN}`]);
  });

  test('where only a challenger may speak, the abstention that it is compared with is published', async () => {
    await rig.publish(fastBundle(['1s', '5s'], { silenced: '5s' }));
    await rig.publish(fastBundle(['2s', '5s'], { seed: 2 }), { slot: 'challenger', effectiveT: 1 });
    rig.now = T + 400;
    await appendVectors(rig.log, [fastVector(300, 'okx', -5)]);
    const service = rig.start({ lanes: LANES });
    await until(async () => (await rig.signals()).length === 3);
    await service.stop();
    expect((await rig.signals()).map(said)).toEqual([`fast 1s 300 ${DOWN}`, 'fast 2s 300 no_model', 'fast 5s 300 silenced']);
    expect((await rig.shadows()).map(said)).toEqual([`fast 2s 300 ${DOWN}`, `fast 5s 300 ${DOWN}`]);
  });

  test('a horizon that tick to signal takes longer than is not offered, until it takes less', async () => {
    await rig.publish(fastBundle(['1s', '10s']));
    const service = rig.start({ lanes: LANES });
    const decideAt = async (late: number, from: number, count: number): Promise<string[]> => {
      const before = (await rig.signals()).length;
      for (let i = 0; i < count; i++) {
        rig.now = T + (from + i) * 10_000 + late;
        await appendVectors(rig.log, [fastVector((from + i) * 10_000, 'okx', 5)]);
        await until(async () => (await rig.signals()).length === before + 2 * (i + 1));
      }
      return (await rig.signals()).slice(before).map(({ horizon, abstainReason }) => `${horizon} ${abstainReason}`);
    };
    const slow = await decideAt(1_500, 0, 50);
    expect(new Set(slow)).toEqual(new Set(['1s stale', '10s ']));
    expect(await decideAt(100, 50, 1)).toEqual(['1s too_slow', '10s ']);
    await service.stop();
  }, 60_000);

  test('where it is not asked for, its vectors are passed over', async () => {
    await rig.publish(fastBundle(['1s']));
    await rig.publish(bundleOf());
    rig.now = T + 400;
    await appendVectors(rig.log, [fastVector(300, 'okx', 2), vector(0, 'kraken', -2)]);
    const service = rig.start({ horizons: ['1m'] });
    await until(async () => (await rig.log.committed('inference', 'features', 0)) === 2);
    await service.stop();
    expect((await rig.signals()).map(said)).toEqual([`slow 1m 0 ${DOWN}`]);
  });
});

test('a bundle of the other lane in a slot is refused by its features', async () => {
  await rig.change((registry) => registry.publish({ ...rig.signed(fastBundle(['1s'])), slot: 'champion' }), 'slow');
  rig.now = T + 20;
  await appendVectors(rig.log, [vector(0, 'kraken', 2)]);
  const service = rig.start({ horizons: ['1m'], modelWaitMs: 0 });
  await until(async () => (await rig.signals()).length === 1);
  await service.stop();
  expect((await rig.signals()).map(said)).toEqual(['slow 1m 0 no_model']);
});

test('the 99th percentile is of the newest thousand, and not said of a few', () => {
  const latency = new Latency();
  for (let i = 0; i < 99; i++) latency.add(MINUTE);
  expect(latency.p99).toBe(0);
  latency.add(MINUTE);
  expect(latency.p99).toBe(MINUTE);
  for (let i = 0; i < 1_000; i++) latency.add(i);
  expect(latency.p99).toBe(989);
});
