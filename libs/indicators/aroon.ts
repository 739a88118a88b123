/** Aroon oscillator: which came last, the highest high or the lowest low of n + 1 bars (Chande 1995; TA-Lib AROONOSC). */
import { type Bar } from './bar.ts';
import { createRollingExtreme, peekExtremeAge, pushRollingExtreme, type RollingExtremeState } from './rolling-extreme.ts';

export interface AroonState {
  readonly n: number;
  readonly highest: RollingExtremeState;
  readonly lowest: RollingExtremeState;
}

export function createAroon(n = 25): AroonState {
  return { n, highest: createRollingExtreme(n + 1, 'highest'), lowest: createRollingExtreme(n + 1, 'lowest') };
}

export function pushAroon(state: AroonState, bar: Bar): void {
  pushRollingExtreme(state.highest, bar.high);
  pushRollingExtreme(state.lowest, bar.low);
}

/** -100..100, 100 = the high is now and the low n bars ago; 0 where the window is flat; NaN before n + 1 bars. */
export function peekAroon(state: AroonState, bar: Bar): number {
  return (100 * (peekExtremeAge(state.lowest, bar.low) - peekExtremeAge(state.highest, bar.high))) / state.n;
}
