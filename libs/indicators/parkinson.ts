/** Parkinson's volatility from highs and lows of n bars, annualised (Parkinson 1980). */
import { type Bar } from './bar.ts';
import { MINUTES_PER_YEAR } from './realized-volatility.ts';
import { createRollingSum, peekRollingSum, pushRollingSum, type RollingSumState } from './rolling-sum.ts';

export interface ParkinsonState {
  readonly n: number;
  readonly barsPerYear: number;
  readonly squares: RollingSumState;
}

export function createParkinson(n: number, barsPerYear = MINUTES_PER_YEAR): ParkinsonState {
  return { n, barsPerYear, squares: createRollingSum(n) };
}

export function pushParkinson(state: ParkinsonState, bar: Bar): void {
  pushRollingSum(state.squares, Math.log(bar.high / bar.low) ** 2);
}

/** 1 = 100 % a year; NaN before n bars. */
export function peekParkinson(state: ParkinsonState, bar: Bar): number {
  const squares = peekRollingSum(state.squares, Math.log(bar.high / bar.low) ** 2);
  return Math.sqrt((squares / (4 * Math.LN2 * state.n)) * state.barsPerYear);
}
