import { expect, test } from '@jest/globals';
import { Direction, Outcome, OutcomeStatus, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { LiveAccuracy } from './accuracy.ts';

const { OUTCOME_STATUS_UP: UP, OUTCOME_STATUS_DOWN: DOWN, OUTCOME_STATUS_FLAT: FLAT, OUTCOME_STATUS_VOID: VOID } = OutcomeStatus;

/** `probability` undefined = no model was asked. */
function outcome(probability: number | undefined, isEmitted: boolean, status: OutcomeStatus, horizon = '1m'): Outcome {
  const up = probability ?? 0.5;
  const direction = !isEmitted ? Direction.DIRECTION_ABSTAIN : up > 0.5 ? Direction.DIRECTION_UP : Direction.DIRECTION_DOWN;
  const confidence = probability === undefined ? 0 : Math.max(up, 1 - up);
  const signal = Signal.fromPartial({
    venue: 'kraken',
    instrument: 'BTC-USD',
    horizon,
    direction,
    probabilityUp: up,
    confidence,
  });
  return Outcome.fromPartial({ signal, status });
}

test('counts signals, all decisions, flats and voids apart', () => {
  const accuracy = new LiveAccuracy();
  const outcomes = [
    outcome(0.8, true, UP),
    outcome(0.8, true, FLAT),
    outcome(0.2, true, DOWN),
    outcome(0.3, true, UP),
    outcome(0.8, true, VOID),
    outcome(0.52, false, DOWN),
    outcome(0.52, false, UP),
    outcome(0.52, false, FLAT),
    outcome(undefined, false, UP),
    outcome(0.8, true, UP, '5m'),
  ];
  for (const each of outcomes) accuracy.add(each);
  const [minute, five] = accuracy.snapshot();
  expect(minute).toMatchObject({
    symbol: 'BTC-USD',
    venue: 'kraken',
    horizon: '1m',
    decisions: 7,
    moves: 5,
    voids: 1,
    emitted: 4,
    emittedMoves: 3,
  });
  expect(minute).toMatchObject({
    accuracy: 2 / 4,
    accuracyOnMoves: 2 / 3,
    accuracyAll: 3 / 5,
    majority: 3 / 5,
    coverage: 4 / 7,
    flatShare: 2 / 7,
  });
  // Wilson's interval of 2 of 4.
  expect(minute!.low).toBeCloseTo(0.15, 3);
  expect(minute!.high).toBeCloseTo(0.85, 3);
  expect(
    minute!.buckets.filter((bucket) => bucket.moves > 0).map(({ from, to, moves, accuracy: right }) => [from, to, moves, right]),
  ).toEqual([
    [0.5, 0.55, 2, 0.5],
    [0.7, 0.8, 1, 0],
    [0.8, 0.9, 2, 1],
  ]);
  expect(five).toMatchObject({ horizon: '5m', emitted: 1, accuracy: 1 });
});

test('has nothing to say where nothing was decided', () => {
  const accuracy = new LiveAccuracy();
  accuracy.add(outcome(undefined, false, VOID));
  expect(accuracy.snapshot()).toMatchObject([
    { decisions: 0, voids: 1, accuracy: null, low: null, coverage: null, majority: null, flatShare: null },
  ]);
});
