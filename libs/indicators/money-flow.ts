/** Chaikin money flow: volume weighted by where the bar closed in its range, over the volume. */
import { type Bar } from './bar.ts';
import { createRollingSum, peekRollingSum, pushRollingSum, type RollingSumState } from './rolling-sum.ts';

export interface MoneyFlowState {
  readonly signed: RollingSumState;
  readonly volume: RollingSumState;
}

export function createMoneyFlow(n = 20): MoneyFlowState {
  return { signed: createRollingSum(n), volume: createRollingSum(n) };
}

export function pushMoneyFlow({ signed, volume }: MoneyFlowState, bar: Bar): void {
  pushRollingSum(signed, locationOf(bar) * bar.volume);
  pushRollingSum(volume, bar.volume);
}

/** -1..1; 0 where nothing was traded; NaN before n bars. */
export function peekMoneyFlow({ signed, volume }: MoneyFlowState, bar: Bar): number {
  const total = peekRollingSum(volume, bar.volume);
  return total === 0 ? 0 : peekRollingSum(signed, locationOf(bar) * bar.volume) / total;
}

function locationOf({ high, low, close }: Bar): number {
  return high > low ? (2 * close - high - low) / (high - low) : 0;
}
