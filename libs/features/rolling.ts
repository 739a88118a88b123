/**
 * Trailing windows of fixed size, O(1) a value, on plain data. Sums are made anew from the ring each time it wraps, so rounding cannot
 * build up and a cold start agrees with a long history.
 */
export interface Rolling {
  readonly ring: Float64Array;
  /** Values held, at most ring.length. */
  count: number;
  /** Where the next value goes. */
  head: number;
  sum: number;
  squares: number;
}

export function createRolling(size: number): Rolling {
  return { ring: new Float64Array(size), count: 0, head: 0, sum: 0, squares: 0 };
}

/** Forgets what it holds. */
export function clear(window: Rolling): void {
  window.count = 0;
  window.head = 0;
  window.sum = 0;
  window.squares = 0;
}

/** Takes a finite value; the oldest leaves when the window is full. */
export function push(window: Rolling, value: number): void {
  const { ring } = window;
  const old = window.count === ring.length ? ring[window.head]! : 0;
  ring[window.head] = value;
  window.sum += value - old;
  window.squares += value * value - old * old;
  if (window.count < ring.length) window.count++;
  if (++window.head === ring.length) {
    window.head = 0;
    window.sum = 0;
    window.squares = 0;
    for (let i = 0; i < ring.length; i++) {
      window.sum += ring[i]!;
      window.squares += ring[i]! * ring[i]!;
    }
  }
}

/** Mean, NaN with fewer than `least` values. */
export function mean(window: Rolling, least = 1): number {
  return window.count < least ? NaN : window.sum / window.count;
}

/** Sample standard deviation, NaN with fewer than `least` values; what is only rounding is 0. */
export function deviation(window: Rolling, least = 2): number {
  const { count, sum, squares } = window;
  if (count < Math.max(least, 2)) return NaN;
  const variance = (squares - (sum * sum) / count) / (count - 1);
  return variance > 1e-13 * (squares / count) ? Math.sqrt(variance) : 0;
}

/** The value pushed `back` pushes ago (0 = the newest); NaN where there was none. */
export function valueAgo(window: Rolling, back: number): number {
  if (back >= window.count) return NaN;
  const size = window.ring.length;
  return window.ring[(window.head - 1 - back + 2 * size) % size]!;
}

/** Sums of products over a trailing window of pairs, for slopes and correlations. */
export interface RollingPair {
  readonly x: Float64Array;
  readonly y: Float64Array;
  count: number;
  head: number;
  sumX: number;
  sumY: number;
  sumXX: number;
  sumXY: number;
}

export function createPair(size: number): RollingPair {
  return { x: new Float64Array(size), y: new Float64Array(size), count: 0, head: 0, sumX: 0, sumY: 0, sumXX: 0, sumXY: 0 };
}

export function pushPair(window: RollingPair, x: number, y: number): void {
  const size = window.x.length;
  if (window.count === size) add(window, window.x[window.head]!, window.y[window.head]!, -1);
  else window.count++;
  window.x[window.head] = x;
  window.y[window.head] = y;
  add(window, x, y, 1);
  if (++window.head === size) {
    window.head = 0;
    window.sumX = window.sumY = window.sumXX = window.sumXY = 0;
    for (let i = 0; i < size; i++) add(window, window.x[i]!, window.y[i]!, 1);
  }
}

/** Least-squares slope of y on x; NaN with fewer than `least` pairs or where x never varied. */
export function slope(window: RollingPair, least: number): number {
  const { count, sumX, sumY, sumXX, sumXY } = window;
  if (count < least) return NaN;
  const spread = sumXX - (sumX * sumX) / count;
  return spread > 1e-13 * sumXX ? (sumXY - (sumX * sumY) / count) / spread : NaN;
}

function add(window: RollingPair, x: number, y: number, sign: 1 | -1): void {
  window.sumX += sign * x;
  window.sumY += sign * y;
  window.sumXX += sign * x * x;
  window.sumXY += sign * x * y;
}
