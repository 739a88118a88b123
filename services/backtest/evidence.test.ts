/** What the page plots, on predictions whose truth is known. */
import { describe, expect, test } from '@jest/globals';
import { createRandom } from '#libs/models/random.ts';
import { fitMembers } from '#libs/models/fit.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';
import { DOWN, FLAT, UP, VOID } from '#libs/validation/labels.ts';
import { type Prediction } from '#libs/validation/metrics.ts';
import { type HeadData } from '#services/training/head-data.ts';
import { curveOf, equityOf, reliabilityOf } from './evidence.ts';
import { importanceOf } from './importance.ts';
import { regimesOf } from './regimes.ts';

const MINUTE = 60_000;
const p = (probabilityUp: number, y: number, signal = 0, minute = 0): Prediction => ({
  t: minute * MINUTE,
  probabilityUp,
  signal,
  y,
});

describe('evidence', () => {
  test('reliability: what was said beside what came, by tenths, of moves', () => {
    const bins = reliabilityOf([p(0.62, UP), p(0.68, DOWN), p(0.1, DOWN), p(1, UP), p(0.65, FLAT), p(0.65, VOID)]);
    expect(bins).toEqual([
      { said: 0.1, came: 0, moves: 1, range: null },
      { said: expect.closeTo(0.65, 9), came: 0.5, moves: 2, range: null },
      { said: 1, came: 1, moves: 1, range: null },
    ]);
  });

  test('the curve begins where fifty moves stand for a point and ends at all of them', () => {
    const moves = Array.from({ length: 200 }, (_, i) => p(0.9 - i * 0.001, i < 100 || i % 2 === 0 ? UP : DOWN));
    const curve = curveOf(moves);
    expect(curve[0]).toEqual({ coverage: 0.26, accuracy: 1 });
    expect(curve.at(-1)).toEqual({ coverage: 1, accuracy: 0.75 });
  });

  test('equity: sums over the trades', () => {
    const trades = [
      { t: 0, gross: 10, net: 5 },
      { t: MINUTE, gross: -20, net: -25 },
    ];
    expect(equityOf(trades)).toEqual([
      { t: 0, gross: 10, net: 5 },
      { t: MINUTE, gross: -10, net: -20 },
    ]);
  });

  test('importance: what tells stands first, what says nothing adds nothing', async () => {
    const random = createRandom(3);
    const size = Array.from({ length: 900 }, () => 0.01);
    const data = head(size, []);
    data.table.values.forEach((_, i, values) => (values[i] = random.next() - 0.5));
    data.y.forEach((_, row, y) => (y[row] = data.table.values[row * 2]! > 0 ? UP : DOWN));
    const rows = Int32Array.from({ length: 600 }, (_, row) => row);
    const predict = Int32Array.from({ length: 300 }, (_, row) => row + 600);
    const up = Uint8Array.from(rows, (row) => Number(data.y[row] === UP));
    const members = [{ kind: 'logistic', inverseL2: 1, tolerance: 0.01 }] as const;
    const recipe = { rows: 600, inputs: 10, bins: 15, members };
    const fitted = await fitMembers(data.table, { rows, up, size: new Float64Array(600).fill(1), predict, recipe, seed: 1 });
    const fold = { rows: predict, trained: 600, fitted, predictions: fitted.predictions };
    const [first, second] = importanceOf(data, fold, 1);
    expect(first!.feature).toBe('realized_vol_1h@1');
    expect(first!.brierRise).toBeGreaterThan(0.2);
    expect(Math.abs(second!.brierRise)).toBeLessThan(0.02);
    expect(importanceOf(data, fold, 1)).toEqual([first, second]);
    expect(importanceOf(data, undefined, 1)).toEqual([]);
  });
});

test('regimes: terciles of what came before the test only', () => {
  const data = head([1, 1, 1, 1, 1, 1, 1, 1], []);
  [1, 2, 3, 4, 5, 6, 100, 0].forEach((value, row) => (data.table.values[row * 2] = value));
  data.table.values[7 * 2 + 1] = 1;
  const regimes = regimesOf(data.table, 6 * MINUTE);
  const held = (t: number): string[] => regimes.filter(({ holds }) => holds(t * MINUTE)).map(({ name }) => name);
  expect(regimes.map(({ name }) => name)).toEqual(['low', 'middle', 'high', 'london']);
  expect([1, 2, 4, 6, 7].map(held)).toEqual([['low'], ['middle'], ['high'], ['high'], ['low', 'london']]);
});

function head(size: readonly number[], y: readonly number[]): HeadData {
  const columns = ['realized_vol_1h@1', 'session_london@1'];
  const t = Float64Array.from(size, (_, row) => row * MINUTE);
  const values = new Float32Array(size.length * 2);
  const table: VectorTable = { venue: 'kraken', instrument: 'BTC-USD', columns, t, values };
  return { table, horizon: '1m', target: 'entry', y: Int8Array.from(size, (_, i) => y[i] ?? UP), size: Float64Array.from(size) };
}
