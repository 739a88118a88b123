/** History by minute in the store: what is there, what has been asked for, reading in order of time. */
import { z } from 'zod';
import { type CandleRow } from '../history/rows.ts';
import { type Store } from './port.ts';

/** What a candle was built from. */
export type CandleOrigin = 'rest' | 'trades' | 'file';

/** Milliseconds, `to` excluded; whole minutes. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

const COLUMNS = ['venue', 'instrument', 'start', 'open', 'high', 'low', 'close', 'volume', 'trades', 'origin'] as const;
const Row = z.object({
  venue: z.string(),
  instrument: z.string(),
  start: z.number(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  trades: z.number(),
});

/**
 * Enters candles of one venue and instrument that lie in `asked`, and that these minutes have been asked for. The caller asks only for
 * what `coveredMinutes` lacks, so that each minute enters once; the same call repeated changes nothing.
 */
export async function insertCandles(
  store: Store,
  venue: string,
  instrument: string,
  asked: TimeRange,
  candles: readonly CandleRow[],
  origin: CandleOrigin,
): Promise<void> {
  const token = `${venue}/${instrument}/${asked.from}-${asked.to}/${origin}`;
  const rows = candles.map((c) => [venue, instrument, c.start, c.open, c.high, c.low, c.close, c.volume, c.trades, origin]);
  await store.insert('candles', COLUMNS, rows, token);
  const coverage = [[venue, instrument, asked.from, asked.to, origin]];
  await store.insert('candle_coverage', ['venue', 'instrument', 'from_time', 'to_time', 'origin'], coverage, token);
}

/** The minutes that have been asked for, as disjoint ranges in order. */
export async function coveredMinutes(store: Store, venue: string, instrument: string): Promise<TimeRange[]> {
  const rows = await store.query(
    `SELECT toUnixTimestamp64Milli(from_time) AS from, toUnixTimestamp64Milli(to_time) AS to FROM candle_coverage
     WHERE venue = {venue:String} AND instrument = {instrument:String} ORDER BY from_time`,
    z.object({ from: z.number(), to: z.number() }),
    { venue, instrument },
  );
  return mergeRanges(rows);
}

/** Ranges in order of their beginnings as disjoint ones. */
export function mergeRanges(ranges: readonly TimeRange[]): TimeRange[] {
  const merged: { from: number; to: number }[] = [];
  for (const range of ranges) {
    const last = merged.at(-1);
    if (last !== undefined && range.from <= last.to) last.to = Math.max(last.to, range.to);
    else merged.push({ ...range });
  }
  return merged;
}

/** What is left of `wanted` without the ranges of `covered` (disjoint, in order). */
export function missingRanges(wanted: TimeRange, covered: readonly TimeRange[]): TimeRange[] {
  const missing: TimeRange[] = [];
  let from = wanted.from;
  for (const range of covered) {
    if (range.to <= from) continue;
    if (range.from >= wanted.to) break;
    if (range.from > from) missing.push({ from, to: range.from });
    from = range.to;
  }
  if (from < wanted.to) missing.push({ from, to: wanted.to });
  return missing;
}

export interface CandleQuery {
  /** BASE-QUOTE; default: all. */
  readonly instruments?: readonly string[];
  /** Default: all. */
  readonly venues?: readonly string[];
  /** Milliseconds; `to` excluded. Default: everything. */
  readonly from?: number;
  readonly to?: number;
}

/** Candles in order of minute, then venue, then instrument, a block at a time: what the fold takes (after candlesToTicks). */
export function streamCandles(store: Store, query: CandleQuery = {}): AsyncIterable<CandleRow[]> {
  const conditions: string[] = [];
  const parameters: Record<string, unknown> = {};
  const add = (name: string, condition: string, value: unknown) => {
    if (value === undefined) return;
    conditions.push(condition);
    parameters[name] = value;
  };
  add('instruments', 'instrument IN {instruments:Array(String)}', query.instruments);
  add('venues', 'venue IN {venues:Array(String)}', query.venues);
  add('from', 'candles.start >= fromUnixTimestamp64Milli({from:Int64})', query.from);
  add('to', 'candles.start < fromUnixTimestamp64Milli({to:Int64})', query.to);
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const sql = `SELECT venue, instrument, toUnixTimestamp64Milli(candles.start) AS start, open, high, low, close, volume, trades
    FROM candles FINAL ${where} ORDER BY candles.start, venue, instrument`;
  return store.stream(sql, Row, parameters);
}
