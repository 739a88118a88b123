/** Members that name their own features. */
import { expect, test } from '@jest/globals';
import { fitMembers, type FlatRecipe, memberName, type MemberRecipe } from './fit.ts';
import { predictFlat } from './flat-trainers.ts';
import { parseInput } from './inputs.ts';
import { readRow } from './matrix.ts';
import { createRandom } from './random.ts';
import { gather, type VectorTable } from './vector-table.ts';

const ROWS = 600;
const COLUMNS = ['own_ret@1', 'weak@1', 'own_forecast@3', 'own_forecast_not@1'];
const boost = { trees: 5, learningRate: 0.2, leaves: 4, leafRows: 20, l2: 1, rowShare: 0.8, columnShare: 1 };
const TREES: MemberRecipe = { kind: 'trees', weighted: false, boost };
const LOGISTIC: MemberRecipe = { kind: 'logistic', inverseL2: 0.01, tolerance: 0.01 };
const FORECAST: MemberRecipe = { kind: 'logistic', inverseL2: 1, tolerance: 0.01, features: ['own_forecast'] };

const recipe = (members: readonly MemberRecipe[]): FlatRecipe => ({ bins: 15, rows: ROWS, inputs: 2, members });
const rows = Int32Array.from({ length: 500 }, (_, i) => i + 10);
const predict = Int32Array.from({ length: 90 }, (_, i) => ROWS - 90 + i);

test('a member sees its own features alone, and the others what they saw without it', async () => {
  const table = makeTable(1);
  const fitted = await fitMembers(table, jobFor(table, [TREES, LOGISTIC, FORECAST]));
  const without = await fitMembers(table, jobFor(table, [TREES, LOGISTIC]));
  const alone = await fitMembers(table, jobFor(table, [FORECAST]));
  expect(alone.inputs).toEqual(['own_forecast@3']);
  expect(new Set(fitted.inputs)).toEqual(new Set([...without.inputs, ...alone.inputs]));
  expect(fitted.predictions).toEqual([...without.predictions, ...alone.predictions]);
  // What is served says what was predicted.
  const matrix = gather(table, fitted.inputs.map(parseInput), predict);
  const values = new Float32Array(matrix.width);
  fitted.models.forEach((model, k) => {
    for (let i = 0; i < predict.length; i++) {
      readRow(matrix, i, values);
      expect(predictFlat(model, values)).toBeCloseTo(fitted.predictions[k]![i]!, 12);
    }
  });
  expect(fitted.predictions[2]!.some((up) => Math.abs(up - 0.5) > 0.1)).toBe(true);
});

test.each([
  ['too little history', 0.5],
  ['none', 0],
])('a member says one half where its feature is no input: %s', async (_name, present) => {
  const table = makeTable(present);
  const { models, inputs, predictions } = await fitMembers(table, jobFor(table, [TREES, FORECAST]));
  expect(models).toHaveLength(2);
  expect(inputs).not.toContain('own_forecast@3');
  expect([...predictions[1]!].every((up) => up === 0.5)).toBe(true);
});

test('members have names', () => {
  expect([TREES, { ...TREES, weighted: true }, LOGISTIC, FORECAST].map(memberName)).toEqual([
    'trees',
    'weighted_trees',
    'logistic',
    'forecast',
  ]);
});

function jobFor(table: VectorTable, members: readonly MemberRecipe[]): Parameters<typeof fitMembers>[1] {
  // Two of three go up: more than one half without any input.
  const up = Uint8Array.from(rows, (row) => Number(table.values[row * COLUMNS.length]! > -0.17));
  return { rows, up, size: new Float64Array(rows.length).fill(1), predict, seed: 3, recipe: recipe(members) };
}

/** `present`: share of rows, the newest, that have a forecast. */
function makeTable(present: number): VectorTable {
  const random = createRandom(5);
  const values = new Float32Array(ROWS * COLUMNS.length);
  for (let row = 0; row < ROWS; row++) {
    const move = random.next() - 0.5;
    const forecast = row < ROWS * (1 - present) ? Number.NaN : move + 0.3 * random.next();
    values.set([move, move + random.next(), forecast, random.next()], row * COLUMNS.length);
  }
  const t = Float64Array.from({ length: ROWS }, (_, row) => row * 60_000);
  return { venue: 'kraken', instrument: 'BTC-USD', columns: COLUMNS, t, values };
}
