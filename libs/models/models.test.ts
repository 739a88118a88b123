/** The models against scikit-learn and LightGBM (scripts/oracle/models_golden.py), and their determinism. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { binMatrix } from './bins.ts';
import { type BoostOptions, fitForest, predictForest, predictRows } from './boosted-trees.ts';
import { fitLogistic, predictLogistic } from './logistic.ts';
import { column, type Matrix } from './matrix.ts';

const ROWS = 6_000;
const TRAIN = 4_000;
const WIDTH = 8;

interface Golden {
  readonly ups: number;
  readonly logistic: { readonly weights: readonly number[]; readonly intercept: number; readonly auc: number };
  readonly forest: { readonly auc: number };
}
const golden = JSON.parse(readFileSync(new URL('./golden/models.json', import.meta.url), 'utf8')) as Golden;

const BOOST: BoostOptions = {
  trees: 150,
  learningRate: 0.08,
  leaves: 15,
  leafRows: 40,
  l2: 5,
  rowShare: 0.7,
  columnShare: 0.6,
  seed: 1,
};

const { train, trainUp, later, laterUp } = makeRows();

describe('logistic regression', () => {
  const present = [0, 1, 2, 3, 5, 6, 7];
  const model = fitLogistic(selectColumns(train, present), trainUp, { inverseL2: 0.05, tolerance: 1e-6 });

  test('has the weights of scikit-learn', () => {
    model.weights.forEach((weight, i) => expect(weight).toBeCloseTo(golden.logistic.weights[i]!, 4));
    expect(model.intercept).toBeCloseTo(golden.logistic.intercept, 4);
  });

  test('ranks unseen rows alike', () => {
    const predicted = predictRows(selectColumns(later, present), (values) => predictLogistic(model, values));
    expect(areaUnderCurve(predicted, laterUp)).toBeCloseTo(golden.logistic.auc, 4);
  });

  test('a missing value counts as the mean, and what is far out is clipped', () => {
    const values = Float32Array.from(model.scaler.mean);
    const atMean = predictLogistic(model, values);
    expect(
      predictLogistic(
        model,
        values.map((value, i) => (i === 0 ? Number.NaN : value)),
      ),
    ).toBeCloseTo(atMean, 6);
    const far = (distance: number): number =>
      predictLogistic(
        model,
        values.map((value, i) => (i === 0 ? value + distance * model.scaler.deviation[0]! : value)),
      );
    expect(far(1_000)).toBe(far(4.5));
    expect(far(4.5)).toBeGreaterThan(far(3));
  });
});

describe('boosted trees', () => {
  const bins = binMatrix(train, 63);
  const forest = fitForest(bins, trainUp, BOOST);

  test('rank unseen rows as well as LightGBM', () => {
    const predicted = predictRows(later, (values) => predictForest(forest, values));
    expect(areaUnderCurve(predicted, laterUp)).toBeGreaterThan(golden.forest.auc - 0.006);
    expect(golden.forest.auc).toBeGreaterThan(golden.logistic.auc + 0.05);
  });

  test('learn that a missing value tells', () => {
    const present = new Float32Array(WIDTH);
    const absent = present.map((value, i) => (i === 4 ? Number.NaN : value));
    expect(predictForest(forest, absent)).toBeGreaterThan(predictForest(forest, present) + 0.05);
  });

  test('are the same for the same seed and others for another', () => {
    expect(fitForest(bins, trainUp, BOOST)).toEqual(forest);
    expect(fitForest(bins, trainUp, { ...BOOST, seed: 2 })).not.toEqual(forest);
  });

  test('follow the weights of rows', () => {
    const onlyUps = Float64Array.from(trainUp, (up) => (up === 1 ? 1 : 0.01));
    const weighted = fitForest(bins, trainUp, { ...BOOST, trees: 20 }, onlyUps);
    expect(predictForest(weighted, new Float32Array(WIDTH))).toBeGreaterThan(0.9);
  });

  test('leaves hold at least the rows that were asked for', () => {
    const big = fitForest(bins, trainUp, { ...BOOST, trees: 1, leafRows: 800, rowShare: 1, columnShare: 1 });
    const counts = new Map<number, number>();
    predictRows(train, (values) => {
      const p = predictForest(big, values);
      counts.set(p, (counts.get(p) ?? 0) + 1);
      return p;
    });
    expect(Math.min(...counts.values())).toBeGreaterThan(700); // estimated from the hessian, so near 800
    expect(counts.size).toBeGreaterThan(2);
  });
});

/** The script's rows. */
function makeRows(): { train: Matrix; trainUp: Uint8Array; later: Matrix; laterUp: Uint8Array } {
  let state = 20_230_301;
  const uniform = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const rows: Float32Array[] = [];
  const up = new Uint8Array(ROWS);
  for (let i = 0; i < ROWS; i++) {
    const row = Array.from({ length: WIDTH }, () => uniform() * 2 - 1);
    const score = 1.5 * row[0]! - row[1]! + 3 * row[2]! * row[3]! + (row[4]! > 0.6 ? 1 : 0);
    up[i] = Number(uniform() < 1 / (1 + Math.exp(-score)));
    rows.push(Float32Array.from(row, (value, c) => (c === 4 && value > 0.6 ? Number.NaN : value)));
  }
  if (up.reduce((sum, one) => sum + one, 0) !== golden.ups) throw new Error('The rows are not those of the script.');
  return {
    train: columns(rows.slice(0, TRAIN)),
    trainUp: up.subarray(0, TRAIN),
    later: columns(rows.slice(TRAIN)),
    laterUp: up.subarray(TRAIN),
  };
}

function columns(rows: readonly Float32Array[]): Matrix {
  const values = new Float32Array(rows.length * WIDTH);
  rows.forEach((row, i) => row.forEach((value, c) => (values[c * rows.length + i] = value)));
  return { rows: rows.length, width: WIDTH, values };
}

function areaUnderCurve(predicted: Float64Array, up: Uint8Array): number {
  const order = [...predicted.keys()].sort((a, b) => predicted[a]! - predicted[b]!);
  const ups = up.reduce((sum, one) => sum + one, 0);
  const ranks = order.reduce((sum, i, rank) => sum + (up[i] === 1 ? rank + 1 : 0), 0);
  return (ranks - (ups * (ups + 1)) / 2) / (ups * (up.length - ups));
}

/** The given columns, copied. */
function selectColumns(matrix: Matrix, columns: readonly number[]): Matrix {
  const values = new Float32Array(matrix.rows * columns.length);
  columns.forEach((from, to) => values.set(column(matrix, from), to * matrix.rows));
  return { rows: matrix.rows, width: columns.length, values };
}
