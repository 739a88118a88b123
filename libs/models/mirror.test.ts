/** Rows and their mirror images: what is fitted on both says the opposite of a market and of its mirror image. */
import { describe, expect, test } from '@jest/globals';
import { decide, DEFAULT_ENSEMBLE, fitDecider } from './decide.ts';
import { designOf } from './design.ts';
import { type FlatModel, joinModels, logisticTrainer, predictFlat, treesTrainer } from './flat-trainers.ts';
import { formatInput, type Input, parseInput } from './inputs.ts';
import { column, readRow } from './matrix.ts';
import { mirrorMap } from './mirror.ts';
import { turnWindows } from './networks/windows.ts';
import { createRandom } from './random.ts';
import { strongestMirrored } from './screening.ts';
import { type Dataset, type FittedModel } from './trainer.ts';
import { gather, gatherMirrored, type VectorTable } from './vector-table.ts';

const COLUMNS = ['own_ret@1', 'own_upper_wick@1', 'own_lower_wick@1', 'rsi_14.1m@1', 'own_range@1', 'hour_sin@1'];
const ROWS = 700;
const table = makeTable();
const inputs: Input[] = COLUMNS.map((feature) => ({ feature, lag: 0 }));
const rows = Int32Array.from({ length: 600 }, (_, i) => i);
// Nine of ten go up, so that a side is there to be leant to.
const up = Uint8Array.from(rows, (row) => Number(table.values[row * COLUMNS.length]! > -0.4));
const dataset: Dataset = { table, rows, outcomes: [{ up, size: Float64Array.from(rows, (row) => 1 + (row % 3)) }] };
const never = new AbortController().signal;
const options = { rows: 600, inputs: 11, mirrored: true };
const boost = { trees: 20, learningRate: 0.2, leaves: 4, leafRows: 20, l2: 1, rowShare: 0.8, columnShare: 1, seed: 7 };

describe('a mirror image', () => {
  test('turns what tells a direction, swaps what comes in pairs and keeps the rest', () => {
    const straight = gather(table, inputs, rows);
    const mirrored = gatherMirrored(table, inputs, rows);
    const [ret, upper, lower, rsi, range, hour] = COLUMNS.map((_, c) => column(straight, c));
    const [turnedRet, turnedUpper, turnedLower, turnedRsi, turnedRange, turnedHour] = COLUMNS.map((_, c) => column(mirrored, c));
    expect(turnedRet).toEqual(ret!.map((value) => 0 - value));
    expect([turnedUpper, turnedLower]).toEqual([lower, upper]);
    expect(turnedRsi).toEqual(rsi!.map((value) => 100 - value));
    expect([turnedRange, turnedHour]).toEqual([range, hour]);
  });

  test('of standardised windows leaves the windows that are not turned', () => {
    const windows = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    const turned = turnWindows(windows, 2, { from: [0, 2, 1], about: [0, null, null] }, (i) => i === 1);
    expect([...turned]).toEqual([1, 2, 3, -4, 6, 5, 7, 8, 9, -10, 12, 11]);
  });
});

describe('a mirrored fit', () => {
  test('trains on each row and its mirror image, whose outcome is the opposite', () => {
    const design = designOf(dataset, options);
    expect(design.matrix.rows).toBe(1_200);
    expect([...design.up.subarray(600)]).toEqual([...up].map((each) => 1 - each));
    expect([...design.weights.subarray(600)]).toEqual([...design.weights.subarray(0, 600)]);
  });

  test('says of a row the opposite of what it says of its mirror image, joined with others or alone', async () => {
    const never0 = (): void => undefined;
    const trees = await treesTrainer.fit(dataset, { ...options, bins: 15, weighted: false, boost }, never0, never);
    const logistic = await logisticTrainer.fit(dataset, { ...options, inverseL2: 0.1, tolerance: 1e-9 }, never0, never);
    const plain = await treesTrainer.fit(
      dataset,
      { ...options, mirrored: false, inputs: 50, bins: 15, weighted: false, boost },
      never0,
      never,
    );
    expect(unlikeness(trees)).toBeLessThan(1e-9);
    expect(unlikeness(logistic)).toBeLessThan(1e-3);
    expect(unlikeness(plain)).toBeGreaterThan(0.3);
    const other = { inputs: ['later@1'], models: [] };
    const joined = joinModels([other, { inputs: trees.inputs, models: [trees.model] }]);
    const narrow = gather(table, inputsOf(trees), rows);
    const values = new Float32Array(narrow.width);
    readRow(narrow, 3, values);
    expect(predictFlat(joined.models[0]!, Float32Array.of(Number.NaN, ...values))).toBe(predictFlat(trees.model, values));
  });

  test('keeps of inputs that tell no direction those that tell when the others are right, and pairs together', () => {
    const random = createRandom(2);
    const values = new Float32Array(2_000 * 5);
    const ups = new Uint8Array(2_000);
    for (let row = 0; row < 2_000; row++) {
      const [ret, busy, noise] = [random.next() - 0.5, random.next(), random.next()];
      ups[row] = Number(random.next() < (busy > 0.5 ? 0.5 + ret : 0.5));
      values.set([ret, busy, noise, random.next(), random.next()], row * 5);
    }
    const columns = ['own_ret@1', 'own_range@1', 'hour_sin@1', 'own_upper_wick@1', 'own_lower_wick@1'];
    const t = Float64Array.from({ length: 2_000 }, (_, row) => row * 60_000);
    const wide: VectorTable = { venue: 'kraken', instrument: 'BTC-USD', columns, t, values };
    const all = columns.map((feature) => ({ feature, lag: 0 }));
    const chosen = strongestMirrored(wide, all, Int32Array.from(t.keys()), ups, 4).map(formatInput);
    expect(chosen).toEqual(['own_ret@1', 'own_range@1', 'own_upper_wick@1', 'own_lower_wick@1']);
    // Without its partner a wick has no mirror image.
    expect(strongestMirrored(wide, all.slice(0, 4), Int32Array.from(t.keys()), ups, 4).map(formatInput)).toEqual(
      columns.slice(0, 3),
    );
  });
});

test('a mirrored decider leans to neither side', () => {
  const random = createRandom(1);
  const vote = Float64Array.from({ length: 3_000 }, () => 0.3 + 0.4 * random.next());
  // Up three of four times, whatever is voted.
  const outcome = Uint8Array.from(vote, () => Number(random.next() < 0.75));
  const known = { predictions: [vote], up: outcome, times: vote.map((_, i) => i * 60_000) };
  const threshold = { wanted: 0.7, atLeast: 0.6, recent: 0.6 };
  const said = (mirrored: boolean): number =>
    decide(fitDecider(known, threshold, { ...DEFAULT_ENSEMBLE, mirrored }), [Float64Array.of(0.5)], 1)[0]!;
  expect(said(true)).toBeCloseTo(0.5, 2);
  expect(said(false)).toBeCloseTo(0.75, 1);
});

/** Largest distance from one of what is said of rows and of their mirror images together. */
function unlikeness(fitted: FittedModel<FlatModel>): number {
  const own = inputsOf(fitted);
  const [straight, mirrored] = [gather(table, own, rows), gatherMirrored(table, own, rows)];
  const values = new Float32Array(own.length);
  return rows.reduce((most, _, i) => {
    readRow(straight, i, values);
    const said = predictFlat(fitted.model, values);
    readRow(mirrored, i, values);
    return Math.max(most, Math.abs(said + predictFlat(fitted.model, values) - 1));
  }, 0);
}

function inputsOf({ inputs: names }: FittedModel<FlatModel>): Input[] {
  const chosen = names.map(parseInput);
  expect(mirrorMap(chosen).from.every((place) => place >= 0)).toBe(true);
  return chosen;
}

function makeTable(): VectorTable {
  const random = createRandom(4);
  const values = new Float32Array(ROWS * COLUMNS.length);
  for (let row = 0; row < ROWS; row++) {
    const ret = random.next() - 0.5;
    values.set([ret, random.next(), random.next(), 50 + 60 * ret, random.next(), random.next()], row * COLUMNS.length);
  }
  const t = Float64Array.from({ length: ROWS }, (_, row) => row * 60_000);
  return { venue: 'kraken', instrument: 'BTC-USD', columns: COLUMNS, t, values };
}
