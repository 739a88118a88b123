/** Simple moving average (TA-Lib SMA). */
import { createRollingSum, peekRollingSum, pushRollingSum, type RollingSumState } from './rolling-sum.ts';

export interface SmaState {
  readonly n: number;
  readonly sum: RollingSumState;
}

export function createSma(n: number): SmaState {
  return { n, sum: createRollingSum(n) };
}

export function pushSma(state: SmaState, price: number): void {
  pushRollingSum(state.sum, price);
}

/** NaN before n values. */
export function peekSma(state: SmaState, price: number): number {
  return peekRollingSum(state.sum, price) / state.n;
}
