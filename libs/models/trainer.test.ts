/** The trainers' port: what it promises to whoever trains, for the kinds that have no sequence. */
import { describe, expect, test } from '@jest/globals';
import { fitForest } from './boosted-trees.ts';
import { designOf } from './design.ts';
import { logisticTrainer, treesTrainer } from './flat-trainers.ts';
import { fitLogistic } from './logistic.ts';
import { createRandom } from './random.ts';
import { type Dataset } from './trainer.ts';
import { type VectorTable } from './vector-table.ts';

const ROWS = 400;
const table = makeTable();
const dataset = makeDataset();
const never = new AbortController().signal;
const shared = { rows: 300, inputs: 4 };
const boost = { trees: 10, learningRate: 0.2, leaves: 4, leafRows: 20, l2: 1, rowShare: 0.8, columnShare: 1, seed: 7 };

describe('a trainer', () => {
  test('gives the model that the plain functions give, reports progress and scores rows it has not seen', async () => {
    const design = designOf(dataset, shared);
    const steps: [number, number][] = [];
    const logistic = await logisticTrainer.fit(dataset, { ...shared, inverseL2: 0.1 }, (...step) => steps.push(step), never);
    expect(logistic.model).toEqual(fitLogistic(design.matrix, design.up, { inverseL2: 0.1 }));
    const trees = await treesTrainer.fit(
      dataset,
      { ...shared, bins: 15, weighted: true, boost },
      (...step) => steps.push(step),
      never,
    );
    expect(trees.model).toEqual(fitForest(design.bins(15), design.up, boost, design.weights));
    expect(steps).toEqual([
      [1, 1],
      [1, 1],
    ]);
    const later = Int32Array.from({ length: 50 }, (_, i) => ROWS - 50 + i);
    for (const fitted of [logistic, trees]) {
      const [up] = await fitted.score(table, later);
      const right = later.reduce((sum, row, i) => sum + Number(up![i]! > 0.5 === table.values[row * 2]! > 0), 0);
      expect(right).toBeGreaterThan(35);
    }
  });

  test('fits nothing once it is told to stop', async () => {
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    const fit = logisticTrainer.fit(dataset, { ...shared, inverseL2: 0.1 }, () => undefined, stop.signal);
    await expect(fit).rejects.toThrow('enough');
  });

  test('shares one design among the kinds that ask for the same', () => {
    expect(designOf(dataset, { ...shared })).toBe(designOf(dataset, shared));
    expect(designOf(dataset, { ...shared, rows: 200 })).not.toBe(designOf(dataset, shared));
    expect(designOf(makeDataset(), shared)).not.toBe(designOf(dataset, shared));
  });
});

/** The first column tells the outcome nine times of ten, the second nothing. */
function makeTable(): VectorTable {
  const random = createRandom(5);
  const values = Float32Array.from({ length: ROWS * 2 }, () => random.next() - 0.5);
  const t = Float64Array.from({ length: ROWS }, (_, row) => row * 60_000);
  return { venue: 'kraken', instrument: 'BTC-USD', columns: ['tells@1', 'noise@1'], t, values };
}

function makeDataset(): Dataset {
  const random = createRandom(6);
  const rows = Int32Array.from({ length: ROWS - 50 }, (_, row) => row);
  const up = Uint8Array.from(rows, (row) => Number(table.values[row * 2]! > 0 === random.next() < 0.9));
  return { table, rows, outcomes: [{ up, size: Float64Array.from(rows, (row) => (row % 4) + 1) }] };
}
