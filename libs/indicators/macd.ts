/**
 * Moving average convergence/divergence (TA-Lib MACD). As there, the fast average is seeded by the values just before the slow one's
 * first, not by the series' first.
 */
import { createEma, type EmaState, peekEma, pushEma } from './ema.ts';

export interface MacdState {
  readonly fast: EmaState;
  readonly slow: EmaState;
  readonly signal: EmaState;
}

export function createMacd(fast = 12, slow = 26, signal = 9): MacdState {
  return { fast: createEma(fast), slow: createEma(slow), signal: createEma(signal) };
}

export function pushMacd(state: MacdState, price: number): void {
  const line = peekEma(state.fast, price) - peekEma(state.slow, price);
  if (!Number.isNaN(line)) pushEma(state.signal, line);
  pushEma(state.slow, price);
  if (state.slow.count > state.slow.n - state.fast.n) pushEma(state.fast, price);
}

/** Writes line, signal and histogram, in units of price; NaN before `slow` values, the last two before `slow + signal - 1`. */
export function peekMacd(state: MacdState, price: number, out: Float64Array, at: number): void {
  const line = peekEma(state.fast, price) - peekEma(state.slow, price);
  const signal = Number.isNaN(line) ? NaN : peekEma(state.signal, line);
  out[at] = line;
  out[at + 1] = signal;
  out[at + 2] = line - signal;
}
