/** Average true range, in units of price (Wilder 1978; TA-Lib ATR). */
import { type Bar, trueRange } from './bar.ts';
import { createWilder, peekWilder, pushWilder, type WilderState } from './wilder.ts';

export interface AtrState {
  /** Close of the bar before; NaN before the first. */
  previous: number;
  readonly average: WilderState;
}

export function createAtr(n = 14): AtrState {
  return { previous: NaN, average: createWilder(n) };
}

export function pushAtr(state: AtrState, bar: Bar): void {
  if (!Number.isNaN(state.previous)) pushWilder(state.average, trueRange(bar, state.previous));
  state.previous = bar.close;
}

/** NaN before n + 1 bars. */
export function peekAtr(state: AtrState, bar: Bar): number {
  return peekWilder(state.average, trueRange(bar, state.previous));
}
