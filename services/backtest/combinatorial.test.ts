/**
 * Combinatorial validation with every kind of member: no label that reaches into a tested group or its embargo moves a decision there, and the next one
 * does.
 * @jest-environment ./tests/onnx/environment.js
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DEFAULT_ENSEMBLE } from '#libs/models/decide.ts';
import { type Recipe } from '#libs/models/fit.ts';
import { createRandom } from '#libs/models/random.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';
import { combinations } from '#libs/validation/splits.ts';
import { createNetworkPool, type NetworkPool } from '#services/training/deep/network-pool.ts';
import { LSTM_RECIPE, type NetworkRecipe, TENSORFLOW_THREADS } from '#services/training/deep/network-recipes.ts';
import { createSetNetworks } from '#services/training/deep/set-networks.ts';
import { isTensorflowStaged } from '#services/training/deep/tensorflow.ts';
import { createFitPool, type FitPool } from '#services/training/fit-pool.ts';
import { type HeadData } from '#services/training/head-data.ts';
import { createPooledMembers, joinHeads } from '#services/training/pooled-members.ts';
import { DEFAULT_THRESHOLD } from '#services/training/train.ts';
import { type CombinatorialWalk, FITS_A_SPLIT, walkCombinations } from './combinatorial.ts';

const MINUTE = 60_000;
const ROWS = 900;
const HORIZON = 5;
const EMBARGO = 30;
const plan = combinations({ from: 0, end: ROWS * MINUTE, groups: 3, testGroups: 1, embargo: EMBARGO * MINUTE });

const boost = { trees: 10, learningRate: 0.2, leaves: 4, leafRows: 20, l2: 1, rowShare: 1, columnShare: 1 };
const trees = { kind: 'trees', weighted: false, boost } as const;
const recipe: Recipe = {
  ...{ rows: 5_000, inputs: 10, bins: 31 },
  members: [trees, { kind: 'logistic', inverseL2: 0.1, tolerance: 0.1 }],
  pooled: { rows: 5_000, inputs: 10, bins: 31, members: [trees] },
};
const network: NetworkRecipe = {
  ...LSTM_RECIPE,
  leastRows: 100,
  options: {
    ...LSTM_RECIPE.options,
    architecture: { kind: 'lstm', layers: 1, width: 4, dropout: 0, pooling: 'attention' },
    ...{ steps: 3, batch: 64, epochs: 2 },
  },
};
/** Without TensorFlow the others are still tested. */
const NETWORKS = isTensorflowStaged() ? [network] : [];

describe('the second of three groups', () => {
  const heads = [makeHead('coinbase', 1), makeHead('kraken', 2)];
  const [first, last] = [300, 600];
  let [fits, walked]: [number, CombinatorialWalk | undefined] = [0, undefined];
  let networks: NetworkPool | undefined;
  beforeAll(async () => {
    if (NETWORKS.length > 0) networks = createNetworkPool([heads[1]!.table], { threads: TENSORFLOW_THREADS });
    walked = await walk(heads);
  }, 120_000);
  afterAll(() => networks?.close());

  test('is decided by all members, each fitted anew for every split', () => {
    const names = walked!.members.map(({ name }) => name);
    expect(names).toEqual(['trees', 'logistic', 'pooled_trees', ...NETWORKS.map(({ name }) => name)]);
    expect(walked!.paths).toHaveLength(1);
    expect(fits).toBe(NETWORKS.length * FITS_A_SPLIT * plan.splits.length);
    for (const { predictions } of walked!.members) {
      const right = predictions.reduce((sum, { probabilityUp, y }) => sum + Number(probabilityUp > 0.5 === y > 0), 0);
      expect(right / predictions.length).toBeGreaterThan(0.75);
    }
    for (const { weights } of walked!.folds) expect(Object.keys(weights)).toEqual(names);
  });

  test('does not depend on labels of its own or within the embargo, of whatever venue', async () => {
    // The label of row t is known at t + horizon.
    const own = await walk(flipped(first - HORIZON - EMBARGO + 1, last + HORIZON + EMBARGO));
    expect(decided(own)).toEqual(decided(walked!));
    expect(own.folds[1]).toEqual(walked!.folds[1]);
    expect(own.folds[0]).not.toEqual(walked!.folds[0]);
  }, 120_000);

  test('depends on the labels right before and right behind, in each of its members', async () => {
    for (const [from, to] of [
      [first - HORIZON - EMBARGO - 9, first - HORIZON - EMBARGO + 1],
      [last + HORIZON + EMBARGO, last + HORIZON + EMBARGO + 10],
    ] as const) {
      const other = decided(await walk(flipped(from, to)));
      decided(walked!).forEach((member, m) => expect(other[m]).not.toEqual(member));
    }
  }, 120_000);

  /** Of every member, and of the ensemble. */
  function decided({ members, predictions }: CombinatorialWalk): object[] {
    return [...members.map((member) => member.predictions), predictions].map((each) =>
      each
        .filter(({ t }) => t >= first * MINUTE && t < last * MINUTE)
        .map(({ t, probabilityUp, signal }) => [t, probabilityUp, signal]),
    );
  }

  function flipped(from: number, to: number): HeadData[] {
    return heads.map((head) => ({ ...head, y: head.y.map((y, row) => (row >= from && row < to ? -y : y)) }));
  }

  async function walk(given: readonly HeadData[]): Promise<CombinatorialWalk> {
    const joint = joinHeads(given.map((head) => [head]));
    const pool: FitPool = createFitPool([given[1]!.table, joint[0]!.table], 0);
    const pooled = createPooledMembers({ pool, place: 1, heads: joint, recipe: recipe.pooled!, seed: 1 });
    const deep = networks && { pool: networks, place: 0, heads: [given[1]!], seed: 1, onFit: () => (fits += 1) };
    return walkCombinations(0, given[1]!, plan, {
      ...{ pool, recipe, threshold: DEFAULT_THRESHOLD, ensemble: DEFAULT_ENSEMBLE, seed: 1, onFold: () => undefined },
      others: [pooled.onSets, ...(deep ? [createSetNetworks(NETWORKS, deep)] : [])],
    });
  }
});

/** The first column tells the outcome nine times of ten. */
function makeHead(venue: string, seed: number): HeadData {
  const columns = ['leg_ret.coinbase_usd@1', 'own_ret@1', 'rate_ret.kraken_usdt_usd@1'];
  const random = createRandom(seed);
  const values = Float32Array.from({ length: ROWS * columns.length }, () => random.next() - 0.5);
  const t = Float64Array.from({ length: ROWS }, (_, row) => row * MINUTE);
  const table: VectorTable = { venue, instrument: 'BTC-USD', columns, t, values };
  const y = Int8Array.from(t, (_, row) => (values[row * columns.length]! > 0 === random.next() < 0.9 ? 1 : -1));
  return { table, horizon: `${HORIZON}m`, target: 'entry', y, size: Float64Array.from(t, () => random.next()) };
}
