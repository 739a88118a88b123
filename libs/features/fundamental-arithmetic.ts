/** What category C is made of: logarithms and changes of context series. NaN where there is nothing to take a logarithm of. */
import { type ContextFeature, type ContextReader } from './context-block.ts';

export const DAY = 86_400_000;
const DAY_MINUTES = 1440;

/**
 * Minutes until every series of a source has been published again: from a cold start a column has its value after that. Where an answer
 * comes oftener (markets: ten minutes), an hour, the pace at which history has it.
 */
export const HOURLY = 61;
export const DAILY = DAY_MINUTES + 1;

/** Warm-up of a change over `days`: what contextBefore may reach back to is one kept value a day. */
export function changeWarmup(days: number, cadence = HOURLY): number {
  return (days + 1) * DAY_MINUTES + Math.max(cadence, 3 * HOURLY);
}

/** ln(x) of a positive number, else NaN. */
export function ln(x: number): number {
  return x > 0 && x < Infinity ? Math.log(x) : NaN;
}

/** ln(numerator / denominator), both positive, else NaN. */
export function logRatio(numerator: number, denominator: number): number {
  return ln(numerator) - ln(denominator);
}

/** ln(1 + count), NaN for what cannot be a count. */
export function logCount(count: number): number {
  return count >= 0 ? ln(1 + count) : NaN;
}

/** ln(1 + percent / 100): the log return of a change in percent. */
export function logOfPercent(percent: number): number {
  return ln(1 + percent / 100);
}

/** ln(newest / the one `days` before), both positive, else NaN. */
export function logChange(read: ContextReader, series: string, days: number): number {
  return logRatio(read.value(series), read.before(series, days * DAY));
}

/** Newest less the one `days` before. */
export function difference(read: ContextReader, series: string, days: number): number {
  return read.value(series) - read.before(series, days * DAY);
}

/** The log change of a series over so many days. */
export function logChangeOver(
  name: string,
  series: string,
  days: number,
  what: string,
  { source, cadence }: { readonly source: string; readonly cadence: number },
): ContextFeature {
  return {
    name,
    unit: 'log',
    formula: `ln(${what} / that of ${days === 1 ? 'a day' : `${days} days`} before)`,
    reads: [series],
    source,
    warmup: changeWarmup(days, cadence),
    compute: (read) => logChange(read, series, days),
  };
}
