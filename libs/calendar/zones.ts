/** Local time of the financial centres by rule: Intl is slow, and what it says depends on the build. US rule from 2007, UK from 1996. */
import { DAY_MS, lastWeekday, nthWeekday, onceAYear, SUNDAY } from './dates.ts';

const HOUR = 3_600_000;

interface Summer {
  /** Milliseconds, UTC. */
  readonly start: number;
  readonly end: number;
}

const usSummer = onceAYear<Summer>((year) => ({
  start: nthWeekday(year, 3, SUNDAY, 2) * DAY_MS + 7 * HOUR,
  end: nthWeekday(year, 11, SUNDAY, 1) * DAY_MS + 6 * HOUR,
}));

const ukSummer = onceAYear<Summer>((year) => ({
  start: lastWeekday(year, 3, SUNDAY) * DAY_MS + HOUR,
  end: lastWeekday(year, 10, SUNDAY) * DAY_MS + HOUR,
}));

/** Second Sunday of March 02:00 to first Sunday of November 02:00 on the clock. */
export function isUsSummer(t: number): boolean {
  const { start, end } = usSummer(new Date(t).getUTCFullYear());
  return t >= start && t < end;
}

/** Last Sunday of March to last Sunday of October, 01:00 UTC. */
export function isUkSummer(t: number): boolean {
  const { start, end } = ukSummer(new Date(t).getUTCFullYear());
  return t >= start && t < end;
}

/** What a clock in New York shows at t, as if it were UTC, milliseconds. */
export function newYorkClock(t: number): number {
  return t - (isUsSummer(t) ? 4 : 5) * HOUR;
}

export function londonClock(t: number): number {
  return t + (isUkSummer(t) ? HOUR : 0);
}

export function tokyoClock(t: number): number {
  return t + 9 * HOUR;
}

/** UTC time at which New York's clock shows `hour` on its day, milliseconds. Not for the hours that a change of clock takes or gives. */
export function newYorkTime(day: number, hour: number): number {
  const standard = day * DAY_MS + (hour + 5) * HOUR;
  return isUsSummer(standard - HOUR) ? standard - HOUR : standard;
}
