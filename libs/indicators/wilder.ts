/** Wilder's smoothing: the mean of the first n values, then each new value with weight 1 / n (Wilder 1978). */
export interface WilderState {
  readonly n: number;
  count: number;
  /** Sum of the values while fewer than n, then the average. */
  value: number;
}

export function createWilder(n: number): WilderState {
  return { n, count: 0, value: 0 };
}

export function pushWilder(state: WilderState, value: number): void {
  state.value = state.count < state.n - 1 ? state.value + value : next(state, value);
  state.count++;
}

/** NaN before n values. */
export function peekWilder(state: WilderState, value: number): number {
  return state.count < state.n - 1 ? NaN : next(state, value);
}

function next({ n, count, value: before }: WilderState, value: number): number {
  return count < n ? (before + value) / n : (before * (n - 1) + value) / n;
}
