/** A backtest keeps quiet where the live service would: bad quality, and vectors far from the training data. */
import { expect, test } from '@jest/globals';
import { QUALITY } from '#libs/features/quality.ts';
import { type Decider } from '#libs/models/decide.ts';
import { UP } from '#libs/validation/labels.ts';
import { type PredictedFold } from '#services/training/train.ts';
import { decisions } from './walk.ts';

const MINUTE = 60_000;

test('what may not be decided on is an abstention with its probability', () => {
  const rows = Int32Array.of(0, 1, 2, 3);
  const t = Float64Array.from(rows, (row) => row * MINUTE);
  const quality = Uint32Array.of(0, QUALITY.STALE_PRICE, 0, QUALITY.LATE_EVENTS);
  const table = { venue: 'kraken', instrument: 'BTC-USD', columns: [], t, values: new Float32Array(), quality };
  const data = { table, horizon: '1m', target: 'entry', y: Int8Array.from(rows, () => UP), size: new Float64Array(4) } as const;
  const part: PredictedFold = {
    ...{ rows, trained: 1, fitted: { inputs: [], models: [], reads: [], predictions: [] } },
    predictions: [Float64Array.of(0.9, 0.9, 0.9, 0.9)],
    distances: (members) => (members.join() === '0' ? Float64Array.of(1, 1, 3, 1) : undefined),
  };
  const decider: Decider = {
    ...{ combination: { kind: 'vote' }, weights: [1], calibration: { kind: 'identity' }, limit: 2, accuracy: null, brier: null },
    threshold: { confidence: 0.7, silenced: '', coverage: 1, accuracy: 1 },
  };
  const decided = decisions(data, { testFrom: 0, testTo: 4 * MINUTE }, part, [0], decider);
  expect(decided.map(({ probabilityUp, signal }) => [probabilityUp, signal])).toEqual([
    [0.9, 1],
    [0.9, 0],
    [0.9, 0],
    [0.9, 1],
  ]);
});
