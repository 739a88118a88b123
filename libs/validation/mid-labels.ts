/**
 * What came of a decision at t by the mid (design: Labels): the last mid received by t + horizon against the last one received by t. What came
 * in the same millisecond as the quote that made the decision is known by t: nobody could have acted between the two.
 */
import { DOWN, FLAT, type Labels, UP, VOID } from './labels.ts';

/** One venue's instrument, change by change. */
export interface MidSeries {
  readonly venue: string;
  readonly instrument: string;
  /** When the mid became what it is, milliseconds, never falling. */
  readonly t: Float64Array;
  readonly mid: Float64Array;
  /** Every sign of life of the instrument, milliseconds, never falling. */
  readonly heard: Float64Array;
}

/** Nothing heard of any venue for longer is a stall of the recorder, milliseconds: what happened in it is not known. */
export const LONGEST_STALL = 1_000;

/** Milliseconds from the decision to the end of the move, and to its begin. */
export interface MidMove {
  readonly horizon: number;
  readonly delay: number;
}

/**
 * Labels of decisions at `times` (milliseconds, rising). Void: nothing was heard of the instrument within the horizon, or its end is not in the
 * recording (which ends at `end`), or lies in one of the `stalls`, flat pairs [from, to, from, to…].
 */
export function labelMids(
  series: MidSeries,
  { horizon, delay }: MidMove,
  times: Float64Array,
  stalls: readonly number[],
  end: number,
): Labels {
  const y = new Int8Array(times.length).fill(VOID);
  const logReturn = new Float64Array(times.length).fill(Number.NaN);
  const start = midsAt(
    series,
    times.map((t) => t + delay),
  );
  const finish = midsAt(
    series,
    times.map((t) => t + horizon),
  );
  let heard = 0;
  let stall = 0;
  for (let i = 0; i < times.length; i++) {
    const until = times[i]! + horizon;
    while (heard < series.heard.length && series.heard[heard]! <= until) heard++;
    while (stall < stalls.length && stalls[stall + 1]! <= until) stall += 2;
    const isHeard = heard > 0 && series.heard[heard - 1]! > times[i]!;
    const isStalled = stall < stalls.length && stalls[stall]! < until;
    const move = finish[i]! - start[i]!;
    if (!isHeard || isStalled || until > end || Number.isNaN(move)) continue;
    y[i] = move > 0 ? UP : move < 0 ? DOWN : FLAT;
    logReturn[i] = Math.log(finish[i]! / start[i]!);
  }
  return { y, logReturn };
}

/** The last mid known at each of `times`; NaN = none. */
function midsAt({ t, mid }: MidSeries, times: Float64Array): Float64Array {
  let at = 0;
  return times.map((time) => {
    while (at < t.length && t[at]! <= time) at++;
    return at > 0 ? mid[at - 1]! : Number.NaN;
  });
}
