/** Slow stochastic oscillator: %K smoothed, and its own mean %D (Lane; TA-Lib STOCH with simple averages). */
import { type Bar } from './bar.ts';
import { createRollingExtreme, peekRollingExtreme, pushRollingExtreme, type RollingExtremeState } from './rolling-extreme.ts';
import { createSma, peekSma, pushSma, type SmaState } from './sma.ts';

export interface StochasticState {
  readonly highest: RollingExtremeState;
  readonly lowest: RollingExtremeState;
  readonly k: SmaState;
  readonly d: SmaState;
}

export function createStochastic(n = 14, smoothing = 3, signal = 3): StochasticState {
  return {
    highest: createRollingExtreme(n, 'highest'),
    lowest: createRollingExtreme(n, 'lowest'),
    k: createSma(smoothing),
    d: createSma(signal),
  };
}

export function pushStochastic(state: StochasticState, bar: Bar): void {
  const fast = fastK(state, bar);
  if (!Number.isNaN(fast)) {
    const slow = peekSma(state.k, fast);
    if (!Number.isNaN(slow)) pushSma(state.d, slow);
    pushSma(state.k, fast);
  }
  pushRollingExtreme(state.highest, bar.high);
  pushRollingExtreme(state.lowest, bar.low);
}

/** Writes slow %K and %D, each 0..100; a flat window counts as 0, as in TA-Lib; NaN before n + 2 and n + 4 bars (14, 3, 3). */
export function peekStochastic(state: StochasticState, bar: Bar, out: Float64Array, at: number): void {
  const slow = peekSma(state.k, fastK(state, bar));
  out[at] = slow;
  out[at + 1] = peekSma(state.d, slow);
}

function fastK(state: StochasticState, bar: Bar): number {
  const low = peekRollingExtreme(state.lowest, bar.low);
  const range = peekRollingExtreme(state.highest, bar.high) - low;
  return range === 0 ? 0 : (100 * (bar.close - low)) / range;
}
