/** Bollinger bands: the mean of n prices, k population standard deviations to either side (Bollinger 2001; TA-Lib BBANDS). */
import {
  createRollingMoments,
  peekRollingMean,
  peekRollingSd,
  pushRollingMoments,
  type RollingMomentsState,
} from './rolling-moments.ts';

export interface BollingerState {
  readonly k: number;
  readonly moments: RollingMomentsState;
}

export function createBollinger(n = 20, k = 2): BollingerState {
  return { k, moments: createRollingMoments(n) };
}

export function pushBollinger(state: BollingerState, price: number): void {
  pushRollingMoments(state.moments, price);
}

/** %b: 0 at the lower band, 1 at the upper; 0.5 where the window is flat; NaN before n values. */
export function peekBollingerPosition(state: BollingerState, price: number): number {
  const sd = peekRollingSd(state.moments, price);
  return sd === 0 ? 0.5 : 0.5 + (price - peekRollingMean(state.moments, price)) / (2 * state.k * sd);
}

/** Distance of the bands over the mean; NaN before n values. */
export function peekBollingerWidth(state: BollingerState, price: number): number {
  return (2 * state.k * peekRollingSd(state.moments, price)) / peekRollingMean(state.moments, price);
}
