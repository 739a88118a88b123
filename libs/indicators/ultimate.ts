/** Ultimate oscillator: buying pressure over true range, of three lengths, the shortest weighted most (Williams 1985). */
import { type Bar, trueRange } from './bar.ts';
import { createRollingSum, peekRollingSum, pushRollingSum, type RollingSumState } from './rolling-sum.ts';

export interface UltimateState {
  /** Close of the bar before; NaN before the first. */
  previous: number;
  readonly pressures: readonly RollingSumState[];
  readonly ranges: readonly RollingSumState[];
}

export function createUltimate(short = 7, middle = 14, long = 28): UltimateState {
  const sums = (): RollingSumState[] => [short, middle, long].map((n) => createRollingSum(n));
  return { previous: NaN, pressures: sums(), ranges: sums() };
}

export function pushUltimate(state: UltimateState, bar: Bar): void {
  const { previous } = state;
  if (!Number.isNaN(previous)) {
    const pressure = bar.close - Math.min(bar.low, previous);
    const range = trueRange(bar, previous);
    for (const sum of state.pressures) pushRollingSum(sum, pressure);
    for (const sum of state.ranges) pushRollingSum(sum, range);
  }
  state.previous = bar.close;
}

const WEIGHTS = [4, 2, 1] as const;

/** 0..100; a length over which nothing moved counts 0; NaN before long + 1 bars. As TA-Lib ULTOSC. */
export function peekUltimate({ previous, pressures, ranges }: UltimateState, bar: Bar): number {
  const pressure = bar.close - Math.min(bar.low, previous);
  const range = trueRange(bar, previous);
  let sum = 0;
  for (let i = 0; i < WEIGHTS.length; i++) {
    const ranged = peekRollingSum(ranges[i]!, range);
    sum += ranged === 0 ? 0 : (WEIGHTS[i]! * peekRollingSum(pressures[i]!, pressure)) / ranged;
  }
  return (100 * sum) / 7;
}
