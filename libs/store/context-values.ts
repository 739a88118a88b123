/** Context values in the store, each vintage once: what is there, what has been asked for, reading in order of availability. */
import { z } from 'zod';
import { type ContextRow } from '../history/events.ts';
import { mergeRanges, type TimeRange } from './candles.ts';
import { type Store } from './port.ts';

const COLUMNS = ['source', 'series', 'seq', 'value', 'observed_at', 'published_at', 'available_at', 'valid_for'] as const;
const Row = z.object({
  source: z.string(),
  series: z.string(),
  seq: z.number(),
  value: z.number(),
  observedAt: z.number(),
  publishedAt: z.number(),
  availableAt: z.number(),
  validFor: z.number(),
});

/**
 * Enters what `source` made available within `asked`, and that it has been asked for, for `assets`. Values first: a run that is cut off
 * between the two asks again, and the same values enter once.
 */
export async function insertContextValues(
  store: Store,
  source: string,
  assets: readonly string[],
  asked: TimeRange,
  rows: readonly ContextRow[],
): Promise<void> {
  const token = `${source}/${assets.join(',')}/${asked.from}-${asked.to}`;
  const values = rows.map((row) => [
    ...[row.source, row.series, row.seq, row.value],
    ...[row.observedAt, row.publishedAt, row.availableAt, row.validFor],
  ]);
  await store.insert('context_values', COLUMNS, values, token);
  const coverage = assets.map((asset) => [source, asset, asked.from, asked.to]);
  await store.insert('context_coverage', ['source', 'asset', 'from_time', 'to_time'], coverage, token);
}

/** The times of a source's history that have been asked for, for an asset, as disjoint ranges in order. */
export async function coveredContext(store: Store, source: string, asset: string): Promise<TimeRange[]> {
  const rows = await store.query(
    `SELECT toUnixTimestamp64Milli(from_time) AS from, toUnixTimestamp64Milli(to_time) AS to FROM context_coverage
     WHERE source = {source:String} AND asset = {asset:String} ORDER BY from_time`,
    z.object({ from: z.number(), to: z.number() }),
    { source, asset },
  );
  return mergeRanges(rows);
}

export interface ContextQuery {
  /** By availability, milliseconds; `to` excluded. Default: everything. */
  readonly from?: number;
  readonly to?: number;
}

/** Values in order of availability, then source, series, seq, a block at a time: what mergeContext takes. */
export function streamContextValues(store: Store, { from, to }: ContextQuery = {}): AsyncIterable<ContextRow[]> {
  const conditions = [
    ...(from === undefined ? [] : ['available_at >= {from:Int64}']),
    ...(to === undefined ? [] : ['available_at < {to:Int64}']),
  ];
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const sql = `SELECT source, series, seq, value, observed_at AS observedAt, published_at AS publishedAt, available_at AS availableAt,
      valid_for AS validFor
    FROM context_values FINAL ${where} ORDER BY available_at, source, series, seq`;
  return store.stream(sql, Row, { ...(from !== undefined && { from }), ...(to !== undefined && { to }) });
}
