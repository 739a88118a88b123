/** Vectors in, decisions out, over a real log: each key once, the reason stated where there is no signal. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { QUALITY } from '#libs/features/quality.ts';
import { Direction, PriceKind, type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { namingProblems } from '#libs/telemetry/naming.ts';
import { gauged } from '#libs/telemetry/testing/gauged.ts';
import { appendVectors, bundleOf, MINUTE, openRig, type Rig, T, until, vector, VENUES } from './testing/market.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(() => rig.close());

const keyOf = ({ venue, horizon, t }: Signal): string => `${venue} ${horizon} ${(t - T) / MINUTE}`;
const said = (signal: Signal): string =>
  `${keyOf(signal)} ${signal.abstainReason === '' ? signal.direction : signal.abstainReason}`;
const { DIRECTION_UP: UP, DIRECTION_DOWN: DOWN } = Direction;

describe('a decision', () => {
  test('says everything that a reader needs to judge it later', async () => {
    await rig.publish(bundleOf());
    await appendVectors(rig.log, [vector(0, 'kraken', 2)]);
    rig.now = T + 350;
    const service = rig.start({ publishDelayMs: 10 });
    await until(async () => (await rig.signals()).length === 3);
    await service.stop();
    const signal = (await rig.signals())[0]!;
    const probabilityUp = 1 / (1 + Math.exp(-2));
    expect(signal).toMatchObject({
      ...{
        asset: 'BTC',
        venue: 'kraken',
        instrument: 'BTC-USD',
        horizon: '1m',
        t: T,
        lane: 'slow',
        direction: UP,
        abstainReason: '',
      },
      ...{
        threshold: 0.7,
        referencePrice: 60_000,
        referenceKind: PriceKind.PRICE_KIND_ENTRY,
        quality: 0,
        bundleId: bundleOf().id,
      },
      ...{ slot: 'champion', publishedAt: T + 360, validUntil: T + 360 + MINUTE, source: 'sim' },
    });
    expect(signal.probabilityUp).toBeCloseTo(probabilityUp, 6);
    expect(signal.confidence).toBeCloseTo(probabilityUp, 6);
    // Kraken's taker fee of 40 bps and half of a spread of 1 bp.
    expect(signal.costBps).toBeCloseTo(40.5, 9);
  });

  test('states why it is no signal', async () => {
    await rig.publish(bundleOf());
    rig.now = T + 4 * MINUTE + 100;
    await appendVectors(rig.log, [
      vector(0, 'kraken', 5),
      vector(4, 'coinbase', 0.1, { quality: QUALITY.LATE_EVENTS }),
      vector(4, 'kraken', -5, { quality: QUALITY.STALE_FEED }),
      vector(4, 'bitstamp', 5),
      vector(4, 'gemini', 5, { schemaId: 'another' }),
    ]);
    const service = rig.start({ horizons: ['1m', '5m'] });
    await until(async () => (await rig.signals()).length === 10);
    const metrics = await service.context.metrics.metrics();
    await service.stop();
    expect((await rig.signals()).map(said)).toEqual([
      'kraken 1m 0 stale',
      'kraken 5m 0 stale',
      'coinbase 1m 4 below_threshold',
      'coinbase 5m 4 silenced',
      'kraken 1m 4 quality',
      'kraken 5m 4 no_model',
      'bitstamp 1m 4 no_model',
      'bitstamp 5m 4 no_model',
      'gemini 1m 4 feature_missing',
      'gemini 5m 4 feature_missing',
    ]);
    const masked = (await rig.signals())[4]!;
    expect(masked.probabilityUp).toBeLessThan(0.05);
    expect((await rig.signals())[6]).toMatchObject({ probabilityUp: 0.5, confidence: 0 });
    expect(metrics).toContain('tributary_inference_abstentions_total{reason="quality",lane="slow",source="sim"} 1');
    expect(namingProblems(metrics)).toEqual([]);
  });
});

test('a vector far from the training data is no signal, however sure the model is, and the decision says how far', async () => {
  // Both inputs are the first value: the distance is its square.
  await rig.publish(bundleOf({ limit: 9 }));
  rig.now = T + 20;
  await appendVectors(rig.log, [vector(0, 'kraken', 2), vector(0, 'coinbase', 4)]);
  const service = rig.start({ horizons: ['1m'] });
  await until(async () => (await rig.signals()).length === 2);
  const shown = await service.context.metrics.metrics();
  await service.stop();
  expect(shown).toMatch(/^tributary_inference_unfamiliarity_ratio_bucket\{le="1",.*\} 1$/m);
  expect(shown).toMatch(/^tributary_inference_unfamiliarity_ratio_count\{.*\} 2$/m);
  expect((await rig.signals()).map(said)).toEqual([`kraken 1m 0 ${UP}`, 'coinbase 1m 0 unfamiliar']);
  const [near, far] = await rig.signals();
  expect(near!.unfamiliarity).toBeCloseTo(4 / 9, 9);
  expect(far!.unfamiliarity).toBeCloseTo(16 / 9, 9);
  expect(far!.confidence).toBeGreaterThan(0.98);
});

describe('the first bundle', () => {
  test('decides at once what waited for it: the latest minute is scored, older ones are stale', async () => {
    rig.now = T + MINUTE + 100;
    await appendVectors(rig.log, [vector(0, 'kraken', 3), vector(1, 'kraken', -3)]);
    const service = rig.start({ horizons: ['1m'] });
    await until(() => service.context.health.parts()['inference']?.detail === 'no model yet');
    rig.now = T + MINUTE + 40_000;
    await rig.publish(bundleOf());
    await until(async () => (await rig.signals()).length === 2);
    expect(service.context.health.ready).toBe(true);
    await service.stop();
    expect((await rig.signals()).map(said)).toEqual(['kraken 1m 0 stale', `kraken 1m 1 ${DOWN}`]);
    expect((await rig.signals())[1]!.publishedAt).toBe(T + MINUTE + 40_000);
  });

  test('is not waited for longer than told', async () => {
    await appendVectors(rig.log, [vector(0, 'kraken', 3)]);
    const service = rig.start({ horizons: ['1m'], modelWaitMs: 20 });
    await until(async () => (await rig.signals()).length === 1);
    await rig.publish(bundleOf());
    await appendVectors(rig.log, [vector(1, 'kraken', 3)]);
    rig.now = T + MINUTE;
    await until(async () => (await rig.signals()).length === 2);
    await service.stop();
    expect((await rig.signals()).map(said)[0]).toBe('kraken 1m 0 no_model');
  });
});

describe('a bundle that nobody trusted has signed', () => {
  test('does not serve', async () => {
    await rig.publish(bundleOf());
    await appendVectors(rig.log, [vector(0, 'kraken', 3)]);
    const service = rig.start({ horizons: ['1m'], modelWaitMs: 20, trust: () => [] });
    await until(async () => (await rig.signals()).length === 1);
    await service.stop();
    expect((await rig.signals()).map(said)).toEqual(['kraken 1m 0 no_model']);
    expect(await service.context.metrics.metrics()).toContain('bundles_refused_total{slot="champion",source="sim"} 1');
  });
});

describe('a restart', () => {
  test('decides every key once and goes on with full windows', async () => {
    const lag = 3;
    await rig.publish(bundleOf({ lag }));
    const values = Array.from({ length: 30 }, (_, minute) => Math.sin(minute * 1.7));
    // The clock goes on while vectors wait: how late they are is not what is looked at here.
    const options = { horizons: ['1m'], staleMs: 60 * MINUTE } as const;
    let service = rig.start(options);
    for (const [minute, x] of values.entries()) {
      rig.now = T + minute * MINUTE + 50;
      await appendVectors(
        rig.log,
        VENUES.map((venue) => vector(minute, venue, x)),
      );
      if (minute % 5 === 4) await until(async () => (await rig.signals()).length === 2 * (minute + 1));
      if (minute % 5 !== 2) continue;
      // Stopped at any point of the work on the newest vectors.
      await service.stop();
      service = rig.start(options);
    }
    await until(async () => (await rig.signals()).length >= 2 * values.length);
    await service.stop();
    const signals = await rig.signals();
    expect(new Set(signals.map(keyOf)).size).toBe(2 * values.length);
    expect(signals).toHaveLength(2 * values.length);
    for (const signal of signals) {
      const minute = (signal.t - T) / MINUTE;
      if (minute < lag) {
        expect(signal.abstainReason).toBe('warm_up');
        continue;
      }
      const logOdds = values[minute]! + 10 * values[minute - lag]!;
      expect(signal.probabilityUp).toBeCloseTo(1 / (1 + Math.exp(-logOdds)), 5);
    }
  });

  test('takes what came before the log from history', async () => {
    await rig.publish(bundleOf({ lag: 2 }));
    rig.now = T + 10;
    const prime = [-2, -1, 0].map((minute) => vector(minute, 'kraken', minute));
    await appendVectors(rig.log, [vector(0, 'kraken', 0)]);
    const service = rig.start({ horizons: ['1m'], prime });
    await until(async () => (await rig.signals()).length === 1);
    await service.stop();
    expect((await rig.signals()).map(said)).toEqual([`kraken 1m 0 ${DOWN}`]);
  });
});

describe('models', () => {
  test('take effect at their effective_t; one whose features are not live is refused and the one before serves', async () => {
    const [first, second, broken] = [bundleOf(), bundleOf({ seed: 2 }), bundleOf({ seed: 3, feature: 'not_there@9' })];
    await rig.publish(first);
    await rig.publish(second, { effectiveT: T + 2 * MINUTE });
    await rig.publish(broken, { effectiveT: T + 3 * MINUTE });
    await appendVectors(
      rig.log,
      [0, 1, 2, 3].map((minute) => vector(minute, 'kraken', 3)),
    );
    const service = rig.start({ horizons: ['1m'] }, 'replay');
    await until(async () => (await rig.signals()).length === 4);
    const metrics = await service.context.metrics.metrics();
    await service.stop();
    expect((await rig.signals()).map(({ bundleId, slot }) => [bundleId, slot])).toEqual([
      // The registry keeps the newest record of each slot: who served before `previous` is not known after a restart.
      ['', ''],
      ['', ''],
      [second.id, 'previous'],
      [second.id, 'previous'],
    ]);
    expect(metrics).toContain('tributary_inference_bundles_refused_total{slot="champion",source="replay"} 1');
    await expect(rig.publish(first, { effectiveT: T })).rejects.toMatchObject({ code: 'TRB_MODEL_TOO_EARLY' });
  });

  test('in a replay are published at t and nothing is stale', async () => {
    await rig.publish(bundleOf());
    rig.now = T + 1e9;
    await appendVectors(
      rig.log,
      [0, 1, 2].map((minute) => vector(minute, 'kraken', 3)),
    );
    const service = rig.start({ horizons: ['1m'], from: T + MINUTE }, 'replay');
    await until(async () => (await rig.signals()).length === 2);
    await service.stop();
    expect((await rig.signals()).map(({ t, publishedAt, direction }) => [t, publishedAt, direction])).toEqual([
      [T + MINUTE, T + MINUTE, UP],
      [T + 2 * MINUTE, T + 2 * MINUTE, UP],
    ]);
  });

  test('vectors of history are decided on from a time of their own, those of the log always', async () => {
    await rig.publish(bundleOf());
    const fromHistory = [0, 1, 2].map((minute) => vector(minute, 'kraken', 3, { sourceOffset: -1 }));
    await appendVectors(rig.log, [...fromHistory, vector(0, 'coinbase', 3, { sourceOffset: 7 })]);
    const service = rig.start({ horizons: ['1m'], historyFrom: T + 2 * MINUTE });
    await until(async () => (await rig.signals()).length === 2);
    await service.stop();
    expect((await rig.signals()).map(({ venue, t }) => [venue, t])).toEqual([
      ['kraken', T + 2 * MINUTE],
      ['coinbase', T],
    ]);
  });

  test('the lag is what the log holds beyond the batch that was just decided on', async () => {
    await rig.publish(bundleOf());
    await appendVectors(
      rig.log,
      Array.from({ length: 503 }, (_, minute) => vector(minute, 'kraken', 0)),
    );
    const lags = gauged('tributary_inference_lag_records');
    const service = rig.start({ horizons: ['1m'] });
    await until(async () => (await rig.signals()).length === 503);
    await until(() => lags().at(-1)?.[1] === 0);
    await service.stop();
    expect(lags()).toEqual([
      [{ partition: 0 }, 3],
      [{ partition: 0 }, 0],
    ]);
  });

  test('an unreadable vector goes to dead-letter and stops nothing', async () => {
    await rig.publish(bundleOf());
    await rig.log.append([{ topic: 'features', key: 'BTC', value: Uint8Array.of(0xff, 0xff) }]);
    await appendVectors(rig.log, [vector(0, 'kraken', 3)]);
    const service = rig.start({ horizons: ['1m'] });
    await until(async () => (await rig.signals()).length === 1);
    await service.stop();
    expect((await rig.log.bounds('dead-letter', 0)).end).toBe(1);
  });
});
