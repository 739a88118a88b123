/**
 * Highest or lowest of the last n values, the forming one included: a queue of the values that can still become the extreme (each is
 * pushed and popped at most once), in fixed rings. Of equal values the newest counts, as in TA-Lib's AROON.
 */
export interface RollingExtremeState {
  readonly n: number;
  /** 1 = highest, -1 = lowest; values are kept multiplied by it. */
  readonly sign: 1 | -1;
  readonly values: Float64Array;
  /** Which push each value came with. */
  readonly pushes: Float64Array;
  head: number;
  size: number;
  count: number;
}

/** `n` at least 2. */
export function createRollingExtreme(n: number, which: 'highest' | 'lowest'): RollingExtremeState {
  const sign = which === 'highest' ? 1 : -1;
  return { n, sign, values: new Float64Array(n), pushes: new Float64Array(n), head: 0, size: 0, count: 0 };
}

export function pushRollingExtreme(state: RollingExtremeState, value: number): void {
  const { n, values, pushes } = state;
  const signed = value * state.sign;
  while (state.size > 0 && values[(state.head + state.size - 1) % n]! <= signed) state.size--;
  const at = (state.head + state.size) % n;
  values[at] = signed;
  pushes[at] = state.count++;
  state.size++;
  // The n - 1 newest stay: with the forming one they are n.
  while (pushes[state.head]! < state.count - (n - 1)) {
    state.head = (state.head + 1) % n;
    state.size--;
  }
}

/** NaN before n values. */
export function peekRollingExtreme(state: RollingExtremeState, value: number): number {
  if (state.count < state.n - 1) return NaN;
  return state.sign * Math.max(state.values[state.head]!, value * state.sign);
}

/** How many values ago the extreme was, 0 = the forming one; NaN before n values. */
export function peekExtremeAge(state: RollingExtremeState, value: number): number {
  if (state.count < state.n - 1) return NaN;
  return value * state.sign >= state.values[state.head]! ? 0 : state.count - state.pushes[state.head]!;
}
