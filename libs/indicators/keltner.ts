/**
 * Position within Keltner's channel as Raschke drew it: the distance of the close from its exponential average of n bars, over k average
 * true ranges of m bars. -1 at the lower band, 1 at the upper.
 */
import { type AtrState, createAtr, peekAtr, pushAtr } from './atr.ts';
import { type Bar } from './bar.ts';
import { createEma, type EmaState, peekEma, pushEma } from './ema.ts';

export interface KeltnerState {
  readonly k: number;
  readonly middle: EmaState;
  readonly range: AtrState;
}

export function createKeltner(n = 20, m = 10, k = 2): KeltnerState {
  return { k, middle: createEma(n), range: createAtr(m) };
}

export function pushKeltner(state: KeltnerState, bar: Bar): void {
  pushEma(state.middle, bar.close);
  pushAtr(state.range, bar);
}

/** 0 where nothing ever moved; NaN before max(n, m + 1) bars. */
export function peekKeltner(state: KeltnerState, bar: Bar): number {
  const distance = bar.close - peekEma(state.middle, bar.close);
  const band = state.k * peekAtr(state.range, bar);
  return band === 0 && !Number.isNaN(distance) ? 0 : distance / band;
}
