/** Exponentially weighted mean of everything so far: a value `halfLife` pushes old weighs half. Unbiased from the first value on. */
export interface EwmaState {
  readonly decay: number;
  weighted: number;
  weights: number;
}

/** `halfLife` in pushes, above 0. */
export function createEwma(halfLife: number): EwmaState {
  return { decay: 0.5 ** (1 / halfLife), weighted: 0, weights: 0 };
}

export function pushEwma(state: EwmaState, value: number): void {
  state.weighted = state.weighted * state.decay + value;
  state.weights = state.weights * state.decay + 1;
}

export function peekEwma(state: EwmaState, value: number): number {
  return (state.weighted * state.decay + value) / (state.weights * state.decay + 1);
}
