/** Where the close stands between the lowest low and the highest high of the last n bars: Donchian position and Williams %R. */
import { type Bar } from './bar.ts';
import { createRollingExtreme, peekRollingExtreme, pushRollingExtreme, type RollingExtremeState } from './rolling-extreme.ts';

export interface ChannelState {
  readonly highest: RollingExtremeState;
  readonly lowest: RollingExtremeState;
}

export function createChannel(n: number): ChannelState {
  return { highest: createRollingExtreme(n, 'highest'), lowest: createRollingExtreme(n, 'lowest') };
}

export function pushChannel(state: ChannelState, bar: Bar): void {
  pushRollingExtreme(state.highest, bar.high);
  pushRollingExtreme(state.lowest, bar.low);
}

/** 0 at the low, 1 at the high; 0.5 where the window is flat; NaN before n bars. */
export function peekDonchianPosition(state: ChannelState, bar: Bar): number {
  const low = peekRollingExtreme(state.lowest, bar.low);
  const range = peekRollingExtreme(state.highest, bar.high) - low;
  return range === 0 ? 0.5 : (bar.close - low) / range;
}

/** -100 at the low, 0 at the high; 0 where the window is flat, as in TA-Lib WILLR; NaN before n bars. */
export function peekWilliamsR(state: ChannelState, bar: Bar): number {
  const high = peekRollingExtreme(state.highest, bar.high);
  const range = high - peekRollingExtreme(state.lowest, bar.low);
  return range === 0 ? 0 : (-100 * (high - bar.close)) / range;
}
