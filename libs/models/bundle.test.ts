/** Bundles as files, and that serving scores what training predicted. */
import { describe, expect, test } from '@jest/globals';
import { type Bundle, type BundleHead, encodeBundle, loadBundle, sealBundle } from './bundle.ts';
import { fitMembers } from './fit.ts';
import { createRandom } from './random.ts';
import { createScorer } from './scorer.ts';
import { type VectorTable } from './vector-table.ts';

const COLUMNS = ['own_ret@1', 'noise@1', 'sparse@1', 'constant@1', 'copy@2'];
const ROWS = 1_500;
const MINUTE = 60_000;

const table = makeTable();
const predict = Int32Array.from({ length: 200 }, (_, i) => ROWS - 200 + i);
const fitted = await fitMembers(table, {
  rows: Int32Array.from({ length: 1_000 }, (_, i) => i + 10),
  up: Uint8Array.from({ length: 1_000 }, (_, i) => Number(table.values[(i + 7) * COLUMNS.length]! > 0)), // what happened 3 vectors before
  size: new Float64Array(1_000).fill(1),
  predict,
  seed: 3,
  recipe: {
    bins: 31,
    rows: 1_000,
    inputs: 50,
    members: [
      { kind: 'logistic', inverseL2: 0.01, tolerance: 0.01 },
      {
        kind: 'trees',
        weighted: true,
        boost: { trees: 20, learningRate: 0.2, leaves: 4, leafRows: 20, l2: 1, rowShare: 0.8, columnShare: 1 },
      },
    ],
  },
});
const bundle = makeBundle();

describe('inputs', () => {
  test('come with their lags; sparse, constant and doubled features are none', () => {
    expect(fitted.inputs).toEqual([
      'own_ret@1',
      'own_ret@1#1',
      'own_ret@1#2',
      'own_ret@1#3',
      'own_ret@1#4',
      'own_ret@1#5',
      'noise@1',
    ]);
  });
});

describe('a scorer', () => {
  test('scores a window as training predicted the row, whatever the order of the columns', () => {
    const order = ['later@1', ...COLUMNS.toReversed()];
    const scorer = createScorer(loadBundle(encodeBundle(bundle)), order);
    expect(scorer.lags).toBe(5);
    predict.forEach((row, i) => {
      const window = Array.from({ length: 6 }, (_, back) => [Number.NaN, ...vectorAt(row - 5 + back).toReversed()]);
      const expected = (fitted.predictions[0]![i]! + 3 * fitted.predictions[1]![i]!) / 4;
      expect(scorer.score('kraken', 'BTC-USD', '1m', window)?.probabilityUp).toBeCloseTo(expected, 12);
    });
  });

  test('reads a short window or a missing vector as missing values, and knows its heads', () => {
    const scorer = createScorer(bundle, COLUMNS);
    const newest = vectorAt(ROWS - 1);
    const alone = scorer.score('kraken', 'BTC-USD', '1m', [newest]);
    expect(alone).toEqual(scorer.score('kraken', 'BTC-USD', '1m', [undefined, undefined, newest]));
    expect(alone).toMatchObject({ threshold: 0.7 });
    expect(scorer.score('kraken', 'BTC-USD', '5m', [newest])).toBeUndefined();
  });

  test('refuses a schema without one of its features at that version', () => {
    expect(() => createScorer(bundle, ['own_ret@2', 'noise@1'])).toThrow(
      expect.objectContaining({
        code: 'TRB_BUNDLE_FEATURES',
        message: 'The model needs features that are not computed: own_ret@1.',
      }),
    );
  });
});

describe('a bundle', () => {
  test('has the id of its content', () => {
    expect(makeBundle().id).toBe(bundle.id);
    expect(sealBundle({ ...content(), seed: 4 }).id).not.toBe(bundle.id);
    expect(loadBundle(encodeBundle(bundle))).toEqual(bundle);
  });

  test.each([
    ['no JSON', 'TRB_BUNDLE_UNREADABLE', () => '{'],
    ['cut short', 'TRB_BUNDLE_UNREADABLE', (text: string) => text.slice(0, 500)],
    ['another format', 'TRB_BUNDLE_FORMAT', (text: string) => text.replace('"format":1', '"format":99')],
    ['a field missing', 'TRB_BUNDLE_INVALID', (text: string) => text.replace('"target":"entry",', '')],
    ['a field too many', 'TRB_BUNDLE_INVALID', (text: string) => text.replace('"target"', '"script":"x","target"')],
    ['a weight changed', 'TRB_BUNDLE_ID', (text: string) => text.replace('"threshold":0.7', '"threshold":0.6')],
    ['a tree with a loop', 'TRB_BUNDLE_INVALID', (text: string) => text.replace('"left":[1,', '"left":[0,')],
    ['an input out of range', 'TRB_BUNDLE_INVALID', (text: string) => text.replace('"inputs":[0,', '"inputs":[99,')],
  ])('with %s is refused', (_name, code, change) => {
    const bytes = Buffer.from(change(Buffer.from(encodeBundle(bundle)).toString()));
    expect(() => loadBundle(bytes)).toThrow(expect.objectContaining({ code }));
  });
});

function makeTable(): VectorTable {
  const random = createRandom(5);
  const values = new Float32Array(ROWS * COLUMNS.length);
  for (let row = 0; row < ROWS; row++) {
    const move = random.next() - 0.5;
    values.set([move, random.next(), row % 2 === 0 ? random.next() : Number.NaN, 1, move], row * COLUMNS.length);
  }
  const t = Float64Array.from({ length: ROWS }, (_, row) => row * MINUTE);
  return { venue: 'kraken', instrument: 'BTC-USD', columns: COLUMNS, t, values };
}

function vectorAt(row: number): number[] {
  return [...table.values.subarray(row * COLUMNS.length, (row + 1) * COLUMNS.length)];
}

function content(): Omit<Bundle, 'id' | 'format'> {
  const head: BundleHead = {
    venue: 'kraken',
    instrument: 'BTC-USD',
    horizon: '1m',
    inputs: fitted.inputs.map((_, i) => i),
    members: fitted.models.map((model, k) => ({ weight: [0.25, 0.75][k]!, model })),
    calibration: { kind: 'identity' },
    threshold: 0.7,
    silenced: '',
    metrics: { trained: 1_000, outOfFold: 0, accuracy: null, brier: null, emittedCoverage: null, emittedAccuracy: null },
  };
  return {
    target: 'entry',
    lane: 'slow',
    seed: 3,
    trained: { from: 0, to: ROWS * MINUTE },
    inputs: [...fitted.inputs],
    heads: [head],
  };
}

function makeBundle(): Bundle {
  return sealBundle(content());
}
