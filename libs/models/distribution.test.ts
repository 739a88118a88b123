/** How far from the training data: what lies amid it does not, what moves away does, and no single input shouts. */
import { describe, expect, test } from '@jest/globals';
import { loadBundle, encodeBundle, sealBundle } from './bundle.ts';
import { distanceOf, distancesFrom, limitOf } from './distribution.ts';
import { createRandom } from './random.ts';
import { createScorer } from './scorer.ts';
import { type VectorTable } from './vector-table.ts';

const MINUTE = 60_000;
const ROWS = 6_000;
const COLUMNS = Array.from({ length: 20 }, (_, i) => `f${i}@1`);
const INPUTS = COLUMNS.map((feature, i) => ({ feature, lag: i % 3 }));

/** Independent normal values; from `shiftAt` on all of them moved by `shift` deviations. */
function tableOf(shift = 0, shiftAt = ROWS): VectorTable {
  const random = createRandom(3);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  const values = Float32Array.from({ length: ROWS * COLUMNS.length }, (_, i) => {
    const row = Math.floor(i / COLUMNS.length);
    return 100 + (i % COLUMNS.length) * (normal() + (row >= shiftAt ? shift : 0));
  });
  const t = Float64Array.from({ length: ROWS }, (_, row) => row * MINUTE);
  return { venue: 'kraken', instrument: 'BTC-USD', columns: COLUMNS, t, values };
}

const rows = (from: number, to: number): Int32Array => Int32Array.from({ length: to - from }, (_, i) => from + i);
const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('the distance', () => {
  test('is about one amid the training data, and rises with the square of a shift', () => {
    for (const [shift, expected] of [
      [0, 1],
      [1, 2],
      [2, 5],
    ] as const) {
      const distances = distancesFrom(rows(0, 3_000), tableOf(shift, 3_000), INPUTS, rows(3_010, ROWS));
      expect(mean(distances)).toBeGreaterThan(0.85 * expected);
      expect(mean(distances)).toBeLessThan(1.1 * expected);
    }
  });

  test('of one wild input stays bounded; missing ones do not count', () => {
    const scaler = { mean: [0, 0, 0, 0], deviation: [1, 1, 1, 1] };
    expect(distanceOf(scaler, [1e9, 0, 0, 0])).toBe(25 / 4);
    expect(distanceOf(scaler, [2, Number.NaN, Number.NaN, 0])).toBe(2);
    expect(distanceOf(scaler, [Number.NaN, Number.NaN, Number.NaN, Number.NaN])).toBe(25);
  });
});

test('the limit leaves out one decision in two hundred like those before, and most of another market', () => {
  const table = tableOf(1.5, 5_000);
  const known = distancesFrom(rows(0, 2_000), table, INPUTS, rows(2_000, 4_000));
  const limit = limitOf(known)!;
  const beyond = (from: number, to: number): number =>
    distancesFrom(rows(0, 4_000), table, INPUTS, rows(from, to)).filter((distance) => distance > limit).length / (to - from);
  expect(beyond(4_000, 5_000)).toBeLessThan(0.02);
  expect(beyond(5_010, ROWS)).toBeGreaterThan(0.5);
  expect(limitOf(known.subarray(0, 500))).toBeUndefined();
});

test('is scored live as in training, and a bundle whose distribution does not fit its inputs is refused', () => {
  const table = tableOf();
  const scaler = { mean: COLUMNS.map(() => 100), deviation: COLUMNS.map((_, i) => Math.max(1, i)) };
  const metrics = { trained: 1, outOfFold: 1, accuracy: null, brier: null, emittedCoverage: null, emittedAccuracy: null };
  const head = {
    ...{ venue: 'kraken', instrument: 'BTC-USD', horizon: '1m', threshold: 0.6, silenced: '', metrics },
    inputs: COLUMNS.map((_, i) => i),
    members: [],
    calibration: { kind: 'identity' as const },
    distribution: { ...scaler, limit: 2 },
  };
  const content = { target: 'entry', lane: 'slow', seed: 1, trained: { from: 0, to: 1 }, inputs: COLUMNS } as const;
  const scorer = createScorer(sealBundle({ ...content, inputs: [...COLUMNS], heads: [head] }), COLUMNS);
  const row = table.values.subarray(0, COLUMNS.length);
  expect(scorer.score('kraken', 'BTC-USD', '1m', [row])!.unfamiliarity).toBeCloseTo(distanceOf(scaler, row) / 2, 12);
  // Of inputs that the head's own members do not read, too.
  const read = [...COLUMNS.slice(0, 3).keys()];
  const narrow = { ...head, inputs: [0], distribution: { inputs: read, mean: [100, 100, 100], deviation: [1, 1, 2], limit: 2 } };
  const beyond = createScorer(sealBundle({ ...content, inputs: [...COLUMNS], heads: [narrow] }), COLUMNS);
  expect(beyond.score('kraken', 'BTC-USD', '1m', [row])!.unfamiliarity).toBeCloseTo(distanceOf(narrow.distribution, row) / 2, 12);
  for (const distribution of [
    { mean: [1], deviation: [1, 1], limit: 2 },
    { inputs: [0, 1], mean: [1], deviation: [1], limit: 2 },
    { inputs: [COLUMNS.length], mean: [1], deviation: [1], limit: 2 },
  ]) {
    const sealed = sealBundle({ ...content, inputs: [...COLUMNS], heads: [{ ...head, distribution }] });
    expect(() => loadBundle(encodeBundle(sealed))).toThrow(expect.objectContaining({ code: 'TRB_BUNDLE_INVALID' }));
  }
});
