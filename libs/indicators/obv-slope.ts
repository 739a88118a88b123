/**
 * Least-squares slope of on-balance volume (Granville 1963) over the last n bars, per bar, over their mean volume: dimensionless, about
 * -1..1. Equals TA-Lib LINEARREG_SLOPE(OBV, n) / SMA(volume, n). The volume is kept relative to the window's start, so its level, which
 * only grows, costs no digits.
 */
import { type Bar } from './bar.ts';
import { createRollingSum, peekRollingSum, pushRollingSum, type RollingSumState } from './rolling-sum.ts';
import { aged, createWindow, isFull, oldest, pushWindow, type Window } from './window.ts';

export interface ObvSlopeState {
  /** NaN before the first bar. */
  previous: number;
  /** On-balance volume of the n - 1 closed bars; their sum; their sum weighted 0 (oldest), 1, 2… */
  readonly window: Window;
  sum: number;
  weighted: number;
  readonly volume: RollingSumState;
  untilFresh: number;
}

export function createObvSlope(n = 20): ObvSlopeState {
  return { previous: NaN, window: createWindow(n - 1), sum: 0, weighted: 0, volume: createRollingSum(n), untilFresh: n };
}

export function pushObvSlope(state: ObvSlopeState, bar: Bar): void {
  const { window } = state;
  const value = onBalance(state, bar);
  if (isFull(window)) {
    state.sum -= oldest(window);
    state.weighted += (window.count - 1) * value - state.sum;
  } else state.weighted += window.count * value;
  state.sum += value;
  pushWindow(window, value);
  pushRollingSum(state.volume, bar.volume);
  state.previous = bar.close;
  if (--state.untilFresh <= 0) rebase(state);
}

/** 0 where nothing was traded; NaN before n bars. */
export function peekObvSlope(state: ObvSlopeState, bar: Bar): number {
  const volume = peekRollingSum(state.volume, bar.volume);
  if (Number.isNaN(volume) || volume === 0) return volume;
  const n = state.window.count + 1;
  const value = onBalance(state, bar);
  const centred = state.weighted + (n - 1) * value - ((n - 1) / 2) * (state.sum + value);
  return centred / ((n * (n * n - 1)) / 12) / (volume / n);
}

function onBalance({ window, previous }: ObvSlopeState, bar: Bar): number {
  const before = window.count === 0 ? 0 : aged(window, 0);
  if (bar.close > previous) return before + bar.volume;
  return bar.close < previous ? before - bar.volume : before;
}

function rebase(state: ObvSlopeState): void {
  const { window } = state;
  const { values, count } = window;
  const base = aged(window, count - 1);
  state.sum = state.weighted = 0;
  for (let i = 0; i < count; i++) values[i]! -= base;
  for (let i = 0; i < count; i++) {
    const value = aged(window, count - 1 - i);
    state.sum += value;
    state.weighted += i * value;
  }
  state.untilFresh = values.length + 1;
}
