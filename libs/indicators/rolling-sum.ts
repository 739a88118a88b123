/**
 * Sum of the last n values, the forming one included. Rounding does not pile up: the sum is taken afresh every n values, and whenever a
 * value leaves that was so much larger than what remains that its rounding would show.
 */
import { createWindow, isFull, oldest, pushWindow, type Window } from './window.ts';

export interface RollingSumState {
  /** The n - 1 closed values. */
  readonly window: Window;
  sum: number;
  untilFresh: number;
}

/** A value this many times what remains takes digits with it when it leaves. */
const DOMINANT = 1000;

/** `n` at least 2. */
export function createRollingSum(n: number): RollingSumState {
  return { window: createWindow(n - 1), sum: 0, untilFresh: n };
}

export function pushRollingSum(state: RollingSumState, value: number): void {
  const { window } = state;
  const leaving = isFull(window) ? oldest(window) : 0;
  pushWindow(window, value);
  state.sum += value - leaving;
  if (--state.untilFresh > 0 && Math.abs(leaving) <= DOMINANT * Math.abs(state.sum)) return;
  state.sum = 0;
  for (let i = 0; i < window.count; i++) state.sum += window.values[i]!;
  state.untilFresh = window.values.length + 1;
}

/** NaN before n values. */
export function peekRollingSum(state: RollingSumState, value: number): number {
  return isFull(state.window) ? state.sum + value : NaN;
}
