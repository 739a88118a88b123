/** What the sources of perpetual futures publish, and in which unit, whatever their venues quote. */
import { type SeriesDeclaration } from './source.ts';

const HOUR = 3_600_000;

/** Every five minutes: what is asked of futures. */
export const DERIVATIVES_EVERY = HOUR / 12;

/** `intervalHours`: the longest between two payments, so that history, which has one value for each, leaves no hole. */
export function fundingSeries(intervalHours: number): SeriesDeclaration {
  return {
    name: 'funding_8h.{asset}',
    unit: 'fraction per 8 h',
    meaning:
      'funding rate of the perpetual future, positive = longs pay; live: the running rate, history: the rate that was paid',
    validFor: (intervalHours + 2) * HOUR,
  };
}

export const OPEN_INTEREST_SERIES: SeriesDeclaration = {
  name: 'open_interest.{asset}',
  unit: 'base units',
  meaning: 'open contracts of the perpetual future, one side counted',
  validFor: HOUR,
};

export const FUNDING_INTERVAL_SERIES: SeriesDeclaration = {
  name: 'funding_interval.{asset}',
  unit: 'h',
  meaning: 'time between two payments of funding',
  validFor: 10 * HOUR,
};

export const BASIS_SERIES: SeriesDeclaration = {
  name: 'basis.{asset}',
  unit: 'per year',
  meaning: 'ln(mark / index) of a dated future, over the years until it ends: the one nearest 60 days from now, 20 to 100',
  validFor: HOUR,
};

/** A rate for `hours` as one for eight. */
export function eightHours(rate: number, hours: number): number {
  return (rate * 8) / hours;
}

export interface DatedFuture {
  /** Milliseconds. */
  readonly expiry: number;
  readonly mark: number;
  readonly index: number;
}

const DAY = 24 * HOUR;
const WANTED_DAYS = 60;

/** Annualised basis of the future that ends nearest 60 days from `now`, 20 to 100 days; undefined = there is none. */
export function basisOf(futures: readonly DatedFuture[], now: number): number | undefined {
  let best: { readonly days: number; readonly basis: number } | undefined;
  for (const { expiry, mark, index } of futures) {
    const days = (expiry - now) / DAY;
    if (days < 20 || days > 100 || !(mark > 0) || !(index > 0)) continue;
    if (best === undefined || Math.abs(days - WANTED_DAYS) < Math.abs(best.days - WANTED_DAYS))
      best = { days, basis: (Math.log(mark / index) * 365) / days };
  }
  return best?.basis;
}

export interface PaidRate {
  /** Milliseconds. */
  readonly time: number;
  readonly rate: number;
}

/**
 * Rates as they were paid, as rates for eight hours. A rate is for the time since the payment before, so the first of the rows only
 * tells the interval of the second. `rows` in any order; times jitter by milliseconds.
 */
export function paidRates(rows: readonly PaidRate[]): PaidRate[] {
  const ordered = rows
    .map(({ time, rate }) => ({ hour: Math.round(time / HOUR), rate }))
    .sort((a, b) => a.hour - b.hour)
    .filter(({ hour }, i, all) => i === 0 || hour !== all[i - 1]!.hour);
  return ordered.slice(1).map(({ hour, rate }, i) => {
    // After a hole nobody knows the interval: no venue has one above eight hours.
    const hours = Math.min(8, hour - ordered[i]!.hour);
    return { time: hour * HOUR, rate: eightHours(rate, hours) };
  });
}
