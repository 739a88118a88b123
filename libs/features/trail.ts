/** A log price by minute and the trailing deviation of its one-minute returns: the common base of leg, rate and cross-asset features. */
import { createRolling, deviation, push, valueAgo, type Rolling } from './rolling.ts';

/** Minutes of the longest momentum. */
export const TRAIL_MINUTES = 360;
const SCALE_MINUTES = 120;
const SCALE_LEAST = 30;

export interface Trail {
  readonly prices: Rolling;
  readonly returns: Rolling;
  /** Sample deviation of the last 120 one-minute returns + 1e-6; NaN with fewer than 30. */
  scale: number;
}

export function createTrail(): Trail {
  return { prices: createRolling(TRAIL_MINUTES + 1), returns: createRolling(SCALE_MINUTES), scale: NaN };
}

/** Adds the minute's log price; NaN (no price yet) adds nothing. */
export function extend(trail: Trail, logPrice: number): void {
  if (Number.isNaN(logPrice)) return;
  const before = valueAgo(trail.prices, 0);
  push(trail.prices, logPrice);
  if (Number.isNaN(before)) return;
  push(trail.returns, logPrice - before);
  trail.scale = deviation(trail.returns, SCALE_LEAST) + 1e-6;
}

/** The newest log price; NaN = none yet. */
export function latest(trail: Trail): number {
  return valueAgo(trail.prices, 0);
}

/** Log return over `minutes`, 1 to 360; NaN = not that long. */
export function returnOver(trail: Trail, minutes: number): number {
  return valueAgo(trail.prices, 0) - valueAgo(trail.prices, minutes);
}

/** Return over `minutes` in units of what a random walk of the trailing scale would make. */
export function momentum(trail: Trail, minutes: number): number {
  return returnOver(trail, minutes) / trail.scale / Math.sqrt(minutes);
}
