/** Population covariance, correlation and regression slope (beta) of the last n pairs, the forming one included. Stable as rolling-moments.ts. */
import { createWindow, isFull, oldest, pushWindow, type Window } from './window.ts';

export interface RollingCovarianceState {
  /** The n - 1 closed pairs, their means, and the sums of squared and crossed deviations. */
  readonly x: Window;
  readonly y: Window;
  meanX: number;
  meanY: number;
  spreadX: number;
  spreadY: number;
  cross: number;
  untilFresh: number;
}

const REMAINING = 1e-3;

/** `n` at least 2. */
export function createRollingCovariance(n: number): RollingCovarianceState {
  const x = createWindow(n - 1);
  const y = createWindow(n - 1);
  return { x, y, meanX: 0, meanY: 0, spreadX: 0, spreadY: 0, cross: 0, untilFresh: n };
}

export function pushRollingCovariance(state: RollingCovarianceState, x: number, y: number): void {
  const { meanX, meanY, spreadX, spreadY } = state;
  const isSliding = isFull(state.x);
  const leavingX = isSliding ? oldest(state.x) : meanX;
  const leavingY = isSliding ? oldest(state.y) : meanY;
  pushWindow(state.x, x);
  pushWindow(state.y, y);
  state.meanX += (x - leavingX) / state.x.count;
  state.meanY += (y - leavingY) / state.x.count;
  state.spreadX += (x - leavingX) * (x - state.meanX + leavingX - meanX);
  state.spreadY += (y - leavingY) * (y - state.meanY + leavingY - meanY);
  state.cross += (x - meanX) * (y - state.meanY) - (leavingX - meanX) * (leavingY - state.meanY);
  const isLossy = state.spreadX < REMAINING * spreadX || state.spreadY < REMAINING * spreadY;
  if (--state.untilFresh <= 0 || isLossy) refresh(state);
}

/** NaN before n pairs. */
export function peekRollingCovariance(state: RollingCovarianceState, x: number, y: number): number {
  return isFull(state.x) ? withPair(state, state.cross, x - state.meanX, y - state.meanY) / (state.x.count + 1) : NaN;
}

/** Slope of y on x; 0 where x does not move; NaN before n pairs. */
export function peekRollingBeta(state: RollingCovarianceState, x: number, y: number): number {
  if (!isFull(state.x)) return NaN;
  const dx = x - state.meanX;
  const spread = withPair(state, state.spreadX, dx, dx);
  return spread > 0 ? withPair(state, state.cross, dx, y - state.meanY) / spread : 0;
}

/** -1..1; 0 where either does not move; NaN before n pairs. */
export function peekRollingCorrelation(state: RollingCovarianceState, x: number, y: number): number {
  if (!isFull(state.x)) return NaN;
  const dx = x - state.meanX;
  const dy = y - state.meanY;
  const scale = Math.sqrt(withPair(state, state.spreadX, dx, dx) * withPair(state, state.spreadY, dy, dy));
  return scale > 0 ? Math.min(1, Math.max(-1, withPair(state, state.cross, dx, dy) / scale)) : 0;
}

/** A sum of products of deviations with one more pair in the window. */
function withPair(state: RollingCovarianceState, sum: number, a: number, b: number): number {
  const { count } = state.x;
  return sum + (a * b * count) / (count + 1);
}

function refresh(state: RollingCovarianceState): void {
  const { count } = state.x;
  const xs = state.x.values;
  const ys = state.y.values;
  let sumX = 0;
  let sumY = 0;
  for (let i = 0; i < count; i++) {
    sumX += xs[i]! - xs[0]!;
    sumY += ys[i]! - ys[0]!;
  }
  state.meanX = xs[0]! + sumX / count;
  state.meanY = ys[0]! + sumY / count;
  state.spreadX = state.spreadY = state.cross = 0;
  for (let i = 0; i < count; i++) {
    const dx = xs[i]! - state.meanX;
    const dy = ys[i]! - state.meanY;
    state.spreadX += dx * dx;
    state.spreadY += dy * dy;
    state.cross += dx * dy;
  }
  state.untilFresh = xs.length + 1;
}
