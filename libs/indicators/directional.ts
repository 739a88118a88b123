/** Directional movement: ADX, +DI, -DI (Wilder 1978; TA-Lib ADX, PLUS_DI, MINUS_DI with their seeding). */
import { type Bar, trueRange } from './bar.ts';

export interface DirectionalState {
  readonly n: number;
  /** Bars so far, the first of which only gives the previous high, low and close. */
  count: number;
  high: number;
  low: number;
  close: number;
  /** Wilder sums of the upward and downward movement and of the true range. */
  up: number;
  down: number;
  range: number;
  /** Sum of the first n direction indexes, then their Wilder average. */
  adx: number;
}

export function createDirectional(n = 14): DirectionalState {
  return { n, count: 0, high: 0, low: 0, close: 0, up: 0, down: 0, range: 0, adx: 0 };
}

export function pushDirectional(state: DirectionalState, bar: Bar): void {
  if (state.count > 0) {
    const up = smoothed(state, state.up, upMove(state, bar));
    const down = smoothed(state, state.down, downMove(state, bar));
    state.adx = nextAdx(state, up, down);
    state.range = smoothed(state, state.range, trueRange(bar, state.close));
    state.up = up;
    state.down = down;
  }
  state.high = bar.high;
  state.low = bar.low;
  state.close = bar.close;
  state.count++;
}

/**
 * Writes ADX, +DI, -DI, each 0..100; NaN before 2n bars (ADX), n + 1 bars (DI). Where nothing moved, DI is 0 and ADX keeps its value, as
 * in TA-Lib.
 */
export function peekDirectional(state: DirectionalState, bar: Bar, out: Float64Array, at: number): void {
  const { n, count } = state;
  const up = smoothed(state, state.up, upMove(state, bar));
  const down = smoothed(state, state.down, downMove(state, bar));
  const range = smoothed(state, state.range, trueRange(bar, state.close));
  out[at] = count < 2 * n - 1 ? NaN : nextAdx(state, up, down);
  out[at + 1] = count < n ? NaN : range > 0 ? (100 * up) / range : 0;
  out[at + 2] = count < n ? NaN : range > 0 ? (100 * down) / range : 0;
}

function upMove(state: DirectionalState, bar: Bar): number {
  const up = bar.high - state.high;
  return up > 0 && up > state.low - bar.low ? up : 0;
}

function downMove(state: DirectionalState, bar: Bar): number {
  const down = state.low - bar.low;
  return down > 0 && down > bar.high - state.high ? down : 0;
}

/** The first n - 1 movements are summed as they are. */
function smoothed({ n, count }: DirectionalState, sum: number, value: number): number {
  return count < n ? sum + value : sum - sum / n + value;
}

function nextAdx({ n, count, adx }: DirectionalState, up: number, down: number): number {
  if (count < n) return 0;
  const moved = up + down;
  const dx = moved > 0 ? (100 * Math.abs(up - down)) / moved : 0;
  if (count < 2 * n - 1) return adx + dx;
  if (count === 2 * n - 1) return (adx + dx) / n;
  return moved > 0 ? (adx * (n - 1) + dx) / n : adx;
}
