/** Money flow index: the share of typical price times volume that went with a rising typical price (Quong, Soudack 1989). */
import { type Bar, typicalPrice } from './bar.ts';
import { createRollingSum, peekRollingSum, pushRollingSum, type RollingSumState } from './rolling-sum.ts';

export interface MfiState {
  /** NaN before the first bar. */
  previous: number;
  readonly rising: RollingSumState;
  readonly falling: RollingSumState;
}

export function createMfi(n = 14): MfiState {
  return { previous: NaN, rising: createRollingSum(n), falling: createRollingSum(n) };
}

export function pushMfi(state: MfiState, bar: Bar): void {
  const typical = typicalPrice(bar);
  if (!Number.isNaN(state.previous)) {
    pushRollingSum(state.rising, typical > state.previous ? typical * bar.volume : 0);
    pushRollingSum(state.falling, typical < state.previous ? typical * bar.volume : 0);
  }
  state.previous = typical;
}

/**
 * 0..100; 0 where no money flowed; NaN before n + 1 bars. As TA-Lib MFI, save that TA-Lib also gives 0 where the window's flow is below 1
 * unit of quote currency.
 */
export function peekMfi(state: MfiState, bar: Bar): number {
  const typical = typicalPrice(bar);
  const rising = peekRollingSum(state.rising, typical > state.previous ? typical * bar.volume : 0);
  const falling = peekRollingSum(state.falling, typical < state.previous ? typical * bar.volume : 0);
  return rising + falling === 0 ? 0 : (100 * rising) / (rising + falling);
}
