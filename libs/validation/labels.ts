/**
 * What came of a decision at t, from one-minute candles (design: Labels). Only trades count: `entry` compares the last trade before
 * t + horizon with the first at or after t, `close` with the last before t. A minute without a candle had no trade.
 */
import { type CandleRow } from '../history/rows.ts';

/** What candles can tell of. */
export type CandleTarget = 'entry' | 'close';
export type LabelTarget = CandleTarget | 'mid';

export const UP = 1;
export const DOWN = -1;
export const FLAT = 0;
/** No trade within the horizon, or none before it. */
export const VOID = 2;

const MINUTE = 60_000;

/** One venue's instrument minute by minute; NaN = no trade in that minute. */
export interface MinuteSeries {
  readonly venue: string;
  readonly instrument: string;
  /** Start of the first minute, milliseconds. */
  readonly from: number;
  readonly open: Float64Array;
  readonly close: Float64Array;
}

export interface Labels {
  /** UP, DOWN, FLAT or VOID for each t. */
  readonly y: Int8Array;
  /** ln(exit / entry); NaN where void. */
  readonly logReturn: Float64Array;
}

/** One series for each (venue, instrument), in order of first appearance. The last candle of a minute wins. */
export function minuteSeries(candles: readonly CandleRow[]): MinuteSeries[] {
  const groups = new Map<string, CandleRow[]>();
  for (const candle of candles) {
    const key = `${candle.venue}:${candle.instrument}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [candle]);
    else group.push(candle);
  }
  return [...groups.values()].map((group) => {
    const starts = group.map((candle) => candle.start);
    const from = starts.reduce((least, start) => Math.min(least, start), Infinity);
    const to = starts.reduce((most, start) => Math.max(most, start), -Infinity);
    const open = new Float64Array((to - from) / MINUTE + 1).fill(Number.NaN);
    const close = open.slice();
    for (const candle of group) {
      open[(candle.start - from) / MINUTE] = candle.open;
      close[(candle.start - from) / MINUTE] = candle.close;
    }
    return { venue: group[0]!.venue, instrument: group[0]!.instrument, from, open, close };
  });
}

/** Labels of the decisions at `from`, `from` + 1 minute, … (`count` of them); `horizon` in milliseconds, a multiple of a minute. */
export function labelMinutes(series: MinuteSeries, target: CandleTarget, horizon: number, from: number, count: number): Labels {
  const y = new Int8Array(count).fill(VOID);
  const logReturn = new Float64Array(count).fill(Number.NaN);
  const width = horizon / MINUTE;
  const first = (from - series.from) / MINUTE;
  let before = lastClose(series, first);
  for (let i = 0; i < count; i++) {
    const at = first + i;
    const start = target === 'entry' ? firstOpen(series, at, width) : before;
    const end = lastCloseWithin(series, at, width);
    if (start === start && end === end) {
      y[i] = end > start ? UP : end < start ? DOWN : FLAT;
      logReturn[i] = Math.log(end / start);
    }
    const close = series.close[at];
    if (close !== undefined && close === close) before = close;
  }
  return { y, logReturn };
}

function firstOpen(series: MinuteSeries, at: number, width: number): number {
  for (let minute = Math.max(at, 0); minute < at + width; minute++) {
    const price = series.open[minute];
    if (price !== undefined && price === price) return price;
  }
  return Number.NaN;
}

function lastCloseWithin(series: MinuteSeries, at: number, width: number): number {
  for (let minute = at + width - 1; minute >= Math.max(at, 0); minute--) {
    const price = series.close[minute];
    if (price !== undefined && price === price) return price;
  }
  return Number.NaN;
}

/** The last close before minute `at`. */
function lastClose(series: MinuteSeries, at: number): number {
  for (let minute = Math.min(at, series.close.length) - 1; minute >= 0; minute--) {
    if (series.close[minute] === series.close[minute]) return series.close[minute]!;
  }
  return Number.NaN;
}
