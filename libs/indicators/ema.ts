/** Exponential moving average with weight 2 / (n + 1), seeded by the mean of the first n values (TA-Lib EMA). */
export interface EmaState {
  readonly n: number;
  count: number;
  /** Sum of the values while fewer than n, then the average. */
  value: number;
}

export function createEma(n: number): EmaState {
  return { n, count: 0, value: 0 };
}

export function pushEma(state: EmaState, price: number): void {
  state.value = state.count < state.n - 1 ? state.value + price : next(state, price);
  state.count++;
}

/** NaN before n values. */
export function peekEma(state: EmaState, price: number): number {
  return state.count < state.n - 1 ? NaN : next(state, price);
}

function next({ n, count, value }: EmaState, price: number): number {
  return count < n ? (value + price) / n : value + (2 / (n + 1)) * (price - value);
}
