/** TRIX: rate of change of a triple exponential average (Hutson 1983), per cent a bar. */
import { createEma, type EmaState, peekEma, pushEma } from './ema.ts';

export interface TrixState {
  readonly first: EmaState;
  readonly second: EmaState;
  readonly third: EmaState;
  /** The triple average at the bar before; NaN = none. */
  previous: number;
}

export function createTrix(n = 15): TrixState {
  return { first: createEma(n), second: createEma(n), third: createEma(n), previous: NaN };
}

export function pushTrix(state: TrixState, price: number): void {
  const { first, second, third } = state;
  const once = peekEma(first, price);
  const twice = Number.isNaN(once) ? NaN : peekEma(second, once);
  state.previous = Number.isNaN(twice) ? NaN : peekEma(third, twice);
  pushEma(first, price);
  if (!Number.isNaN(once)) pushEma(second, once);
  if (!Number.isNaN(twice)) pushEma(third, twice);
}

/** NaN before 3 (n - 1) + 2 prices. As TA-Lib TRIX. */
export function peekTrix({ first, second, third, previous }: TrixState, price: number): number {
  return 100 * (peekEma(third, peekEma(second, peekEma(first, price))) / previous - 1);
}
