/**
 * Commodity channel index: distance of the typical price from its mean in mean absolute deviations (Lambert 1980; TA-Lib CCI). Deviations
 * are about a mean that moves with each bar, so the n values are gone through: n is fixed, and so is the work.
 */
import { type Bar, typicalPrice } from './bar.ts';
import { createWindow, isFull, pushWindow, type Window } from './window.ts';

export interface CciState {
  /** The n - 1 closed typical prices. */
  readonly window: Window;
}

export function createCci(n = 20): CciState {
  return { window: createWindow(n - 1) };
}

export function pushCci(state: CciState, bar: Bar): void {
  pushWindow(state.window, typicalPrice(bar));
}

/** 0 where the window is flat; NaN before n bars. */
export function peekCci({ window }: CciState, bar: Bar): number {
  if (!isFull(window)) return NaN;
  const { values } = window;
  const typical = typicalPrice(bar);
  const n = values.length + 1;
  let distances = 0;
  for (let i = 0; i < values.length; i++) distances += values[i]! - typical;
  const distance = -distances / n;
  let deviations = Math.abs(distance);
  for (let i = 0; i < values.length; i++) deviations += Math.abs(values[i]! - typical + distance);
  return deviations === 0 ? 0 : distance / ((0.015 * deviations) / n);
}
