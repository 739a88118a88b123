/** Relative strength index (Wilder 1978; TA-Lib RSI). */
import { createWilder, peekWilder, pushWilder, type WilderState } from './wilder.ts';

export interface RsiState {
  /** NaN before the first value. */
  previous: number;
  readonly gain: WilderState;
  readonly loss: WilderState;
}

export function createRsi(n = 14): RsiState {
  return { previous: NaN, gain: createWilder(n), loss: createWilder(n) };
}

export function pushRsi(state: RsiState, price: number): void {
  if (!Number.isNaN(state.previous)) {
    pushWilder(state.gain, Math.max(price - state.previous, 0));
    pushWilder(state.loss, Math.max(state.previous - price, 0));
  }
  state.previous = price;
}

/** 0..100; 0 where the price never moved, as in TA-Lib; NaN before n + 1 values. */
export function peekRsi(state: RsiState, price: number): number {
  const gain = peekWilder(state.gain, Math.max(price - state.previous, 0));
  const loss = peekWilder(state.loss, Math.max(state.previous - price, 0));
  return gain + loss === 0 ? 0 : (100 * gain) / (gain + loss);
}
