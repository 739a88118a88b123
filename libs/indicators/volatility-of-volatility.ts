/** Volatility of volatility: population standard deviation, over the last m bars, of the realised volatility of n bars. */
import {
  createRealizedVolatility,
  peekRealizedVolatility,
  pushRealizedVolatility,
  type RealizedVolatilityState,
} from './realized-volatility.ts';
import { createRollingMoments, peekRollingSd, pushRollingMoments, type RollingMomentsState } from './rolling-moments.ts';

export interface VolatilityOfVolatilityState {
  readonly volatility: RealizedVolatilityState;
  readonly moments: RollingMomentsState;
}

export function createVolatilityOfVolatility(n: number, m: number, barsPerYear?: number): VolatilityOfVolatilityState {
  return { volatility: createRealizedVolatility(n, barsPerYear), moments: createRollingMoments(m) };
}

export function pushVolatilityOfVolatility(state: VolatilityOfVolatilityState, price: number): void {
  const volatility = peekRealizedVolatility(state.volatility, price);
  if (!Number.isNaN(volatility)) pushRollingMoments(state.moments, volatility);
  pushRealizedVolatility(state.volatility, price);
}

/** Annualised, as the volatility; NaN before n + m values. */
export function peekVolatilityOfVolatility(state: VolatilityOfVolatilityState, price: number): number {
  const volatility = peekRealizedVolatility(state.volatility, price);
  return Number.isNaN(volatility) ? NaN : peekRollingSd(state.moments, volatility);
}
