/**
 * Mean and population standard deviation of the last n values, the forming one included. Welford's update for a sliding window, about
 * the running mean: no sum of squares, so a price of 1e6 that moves by 1e-2 keeps its digits; taken afresh every n values and
 * whenever most of the spread left with one value.
 */
import { createWindow, isFull, oldest, pushWindow, type Window } from './window.ts';

export interface RollingMomentsState {
  /** The n - 1 closed values, with their mean and their sum of squared deviations from it. */
  readonly window: Window;
  mean: number;
  spread: number;
  untilFresh: number;
}

/** Less than this share of the spread remaining means digits were lost. */
const REMAINING = 1e-3;

/** `n` at least 2. */
export function createRollingMoments(n: number): RollingMomentsState {
  return { window: createWindow(n - 1), mean: 0, spread: 0, untilFresh: n };
}

export function pushRollingMoments(state: RollingMomentsState, value: number): void {
  const { window, mean, spread } = state;
  const isSliding = isFull(window);
  const leaving = isSliding ? oldest(window) : mean;
  pushWindow(window, value);
  state.mean += (value - leaving) / window.count;
  state.spread += (value - leaving) * (value - state.mean + (isSliding ? leaving - mean : 0));
  if (--state.untilFresh <= 0 || state.spread < REMAINING * spread) refresh(state);
}

/** NaN before n values. */
export function peekRollingMean(state: RollingMomentsState, value: number): number {
  const { window, mean } = state;
  return isFull(window) ? mean + (value - mean) / (window.count + 1) : NaN;
}

/** Population standard deviation; NaN before n values, exactly 0 where all are equal. */
export function peekRollingSd(state: RollingMomentsState, value: number): number {
  const { window, mean, spread } = state;
  if (!isFull(window)) return NaN;
  const n = window.count + 1;
  const distance = value - mean;
  return Math.sqrt((spread + (distance * distance * window.count) / n) / n);
}

/** Distance of the value from the window's mean in standard deviations; 0 where all are equal; NaN before n values. */
export function peekRollingZ(state: RollingMomentsState, value: number): number {
  const sd = peekRollingSd(state, value);
  return sd === 0 ? 0 : (value - peekRollingMean(state, value)) / sd;
}

/** About the first value, so that equal values give exactly that value and no spread. */
function refresh(state: RollingMomentsState): void {
  const { values, count } = state.window;
  const origin = values[0]!;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i]! - origin;
  state.mean = origin + sum / count;
  state.spread = 0;
  for (let i = 0; i < count; i++) state.spread += (values[i]! - state.mean) ** 2;
  state.untilFresh = values.length + 1;
}
