/** Trade counts and sizes by minute: how busy it is, and who trades large. The 99th percentile comes from a histogram of an hour. */
import { createRolling, push, type Rolling } from './rolling.ts';

const BINS = 128;
const HOUR_MINUTES = 60;
const LARGE_MINUTES = 15;
const QUANTILE = 0.99;

export interface TradeSizes {
  /** Whole minutes seen; -1 = none, the one under way may be cut. */
  minutes: number;
  /** The minute under way. */
  count: number;
  total: number;
  large: number;
  readonly now: Uint32Array;
  /** Counts by bin of 60 minutes, by minute modulo 60, and their sum. */
  readonly histograms: Uint32Array;
  readonly hour: Uint32Array;
  /** Value above which a trade is large; Infinity until an hour has been seen. */
  threshold: number;
  readonly counts: Rolling;
  readonly totals: Rolling;
  readonly larges: Rolling;
}

export function createSizes(): TradeSizes {
  return {
    minutes: -1,
    count: 0,
    total: 0,
    large: 0,
    now: new Uint32Array(BINS),
    histograms: new Uint32Array(BINS * HOUR_MINUTES),
    hour: new Uint32Array(BINS),
    threshold: Infinity,
    counts: createRolling(HOUR_MINUTES),
    totals: createRolling(LARGE_MINUTES),
    larges: createRolling(LARGE_MINUTES),
  };
}

/** `sign` of the aggressor: 1 bought, -1 sold, 0 not known. */
export function sizeTrade(sizes: TradeSizes, value: number, sign: number): void {
  sizes.count++;
  sizes.total += value;
  sizes.now[binOf(value)]!++;
  if (value > sizes.threshold) sizes.large += sign * value;
}

/** Ends the minute of t. */
export function endSizeMinute(sizes: TradeSizes, t: number): void {
  if (sizes.minutes >= 0) {
    push(sizes.counts, sizes.count);
    if (sizes.threshold < Infinity) {
      push(sizes.totals, sizes.total);
      push(sizes.larges, sizes.large);
    }
    const base = (Math.floor(t / 60_000) % HOUR_MINUTES) * BINS;
    for (let bin = 0; bin < BINS; bin++) {
      sizes.hour[bin]! += sizes.now[bin]! - sizes.histograms[base + bin]!;
      sizes.histograms[base + bin] = sizes.now[bin]!;
    }
  }
  sizes.minutes++;
  if (sizes.minutes >= HOUR_MINUTES) sizes.threshold = percentile(sizes.hour);
  sizes.count = sizes.total = sizes.large = 0;
  sizes.now.fill(0);
}

/** Signed value of large trades over the value of all, 15 minutes; NaN = not warm or nothing traded. */
export function largeShare(sizes: TradeSizes): number {
  if (sizes.totals.count < LARGE_MINUTES) return NaN;
  return sizes.totals.sum > 1e-6 ? sizes.larges.sum / sizes.totals.sum : NaN;
}

/** Quarter octaves from 1/16 of the quote currency up. */
function binOf(value: number): number {
  return Math.min(Math.max(Math.floor(4 * Math.log2(value) + 16), 0), BINS - 1);
}

/** Upper edge of the bin that holds the percentile; Infinity = no trade. */
function percentile(hour: Uint32Array): number {
  let total = 0;
  for (const count of hour) total += count;
  if (total === 0) return Infinity;
  let below = 0;
  let bin = 0;
  while (bin < BINS - 1 && below + hour[bin]! < QUANTILE * total) below += hour[bin++]!;
  return 2 ** ((bin + 1 - 16) / 4);
}
