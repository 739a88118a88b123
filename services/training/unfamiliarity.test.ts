/** A head knows as familiar what each member that it hears was trained on, and nothing else. */
import { expect, test } from '@jest/globals';
import { DEFAULT_ENSEMBLE } from '#libs/models/decide.ts';
import { type FlatRecipe } from '#libs/models/fit.ts';
import { createRandom } from '#libs/models/random.ts';
import { createScorer } from '#libs/models/scorer.ts';
import { innerFolds } from '#libs/validation/splits.ts';
import { createFitPool } from './fit-pool.ts';
import { type HeadData } from './head-data.ts';
import { createPooledMembers, joinHeads } from './pooled-members.ts';
import { DEFAULT_THRESHOLD, sealTables, trainHead } from './train.ts';

const MINUTE = 60_000;
const ROWS = 2_600;
const COLUMNS = ['own@1', 'pooled@1', 'unread@1'];

/** One regression on the feature. */
function reading(feature: string): FlatRecipe {
  const member = { kind: 'logistic', inverseL2: 0.1, tolerance: 0.1, features: [feature] } as const;
  return { rows: 5_000, inputs: 10, bins: 31, members: [member] };
}

/** Each feature tells seven times of ten; `isPooledNoise`: the second tells nothing, so that the vote does without it. */
function makeHead(isPooledNoise: boolean): HeadData {
  const random = createRandom(3);
  const up = Uint8Array.from({ length: ROWS }, () => Number(random.next() < 0.5));
  const values = Float32Array.from({ length: ROWS * COLUMNS.length }, (_, i) => {
    const isTold = random.next() < (isPooledNoise && i % COLUMNS.length === 1 ? 0.5 : 0.7);
    return (isTold === (up[Math.floor(i / COLUMNS.length)] === 1) ? 1 : -1) + 0.2 * (random.next() - 0.5);
  });
  const t = Float64Array.from(up, (_, row) => row * MINUTE);
  const table = { venue: 'kraken', instrument: 'BTC-USD', columns: COLUMNS, t, values };
  return {
    table,
    horizon: '1m',
    target: 'entry',
    y: Int8Array.from(up, (one) => (one === 1 ? 1 : -1)),
    size: new Float64Array(ROWS).fill(1),
  };
}

async function unfamiliarity(head: HeadData, vector: readonly number[]): Promise<number> {
  const joint = joinHeads([[head]]);
  const pool = createFitPool([head.table, joint[0]!.table], 0);
  const pooled = createPooledMembers({ pool, place: 1, heads: joint, recipe: reading('pooled'), seed: 1 });
  const all = { from: 0, trainTo: ROWS * MINUTE, testFrom: ROWS * MINUTE, testTo: ROWS * MINUTE };
  const trained = await trainHead(0, head, 0, all, innerFolds(0, all.trainTo, 0.55, 2), undefined, {
    ...{ pool, recipe: reading('own'), pooled, threshold: DEFAULT_THRESHOLD, seed: 1 },
    ensemble: { ...DEFAULT_ENSEMBLE, dropUseless: true },
  });
  const span = { from: 0, to: all.trainTo };
  const bundle = sealTables([{ heads: [trained], networks: [] }], span, { target: 'entry', seed: 1 });
  return createScorer(bundle, COLUMNS).score('kraken', 'BTC-USD', '1m', [vector])!.unfamiliarity;
}

test('what a pooled member reads counts as what the own ones do; what nobody reads does not', async () => {
  const head = makeHead(false);
  const usual = await unfamiliarity(head, [1, 1, 1]);
  expect(usual).toBeGreaterThan(0);
  expect(usual).toBeLessThan(1);
  expect(await unfamiliarity(head, [1, 9, 1])).toBeGreaterThan(1);
  expect(await unfamiliarity(head, [9, 1, 1])).toBeGreaterThan(1);
  expect(await unfamiliarity(head, [1, 1, 9])).toBe(usual);
});

test('what a member reads that is not heard does not count', async () => {
  const head = makeHead(true);
  const usual = await unfamiliarity(head, [1, 1, 1]);
  expect(await unfamiliarity(head, [1, 9, 1])).toBe(usual);
  expect(await unfamiliarity(head, [9, 1, 1])).toBeGreaterThan(1);
});
