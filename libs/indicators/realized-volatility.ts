/** Realised volatility: root of the mean squared log return of n bars, annualised; the mean return counts as zero, as is usual at high frequency. */
import { createRollingSum, peekRollingSum, pushRollingSum, type RollingSumState } from './rolling-sum.ts';

/** Crypto trades all year. */
export const MINUTES_PER_YEAR = 525_600;

export interface RealizedVolatilityState {
  readonly n: number;
  readonly barsPerYear: number;
  /** NaN before the first value. */
  previous: number;
  readonly squares: RollingSumState;
}

export function createRealizedVolatility(n: number, barsPerYear = MINUTES_PER_YEAR): RealizedVolatilityState {
  return { n, barsPerYear, previous: NaN, squares: createRollingSum(n) };
}

export function pushRealizedVolatility(state: RealizedVolatilityState, price: number): void {
  if (!Number.isNaN(state.previous)) pushRollingSum(state.squares, Math.log(price / state.previous) ** 2);
  state.previous = price;
}

/** 1 = 100 % a year; NaN before n + 1 values. */
export function peekRealizedVolatility(state: RealizedVolatilityState, price: number): number {
  const squares = peekRollingSum(state.squares, Math.log(price / state.previous) ** 2);
  return Math.sqrt((squares / state.n) * state.barsPerYear);
}
