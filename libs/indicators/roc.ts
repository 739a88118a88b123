/** Rate of change over n values, per cent (TA-Lib ROC). */
import { createWindow, isFull, oldest, pushWindow, type Window } from './window.ts';

export interface RocState {
  readonly window: Window;
}

export function createRoc(n = 10): RocState {
  return { window: createWindow(n) };
}

export function pushRoc(state: RocState, price: number): void {
  pushWindow(state.window, price);
}

/** NaN before n + 1 values. */
export function peekRoc({ window }: RocState, price: number): number {
  return isFull(window) ? 100 * (price / oldest(window) - 1) : NaN;
}
