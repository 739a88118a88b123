/**
 * Store: what services know of ClickHouse, embedded (chdb) or a server by URL; both through @clickhouse/client.
 * Errors: `TRB_STORE_UNAVAILABLE` (canRetry), `TRB_STORE_REFUSED` (too many parts, disk full: canRetry), `TRB_STORE_QUERY`.
 */
import { type z } from 'zod';

export type Row = readonly unknown[];

export interface Store {
  /**
   * Inserts rows (values in the order of `columns`). The same `token` for the same table inserts once, whatever happens between;
   * resolves when durable.
   */
  insert(table: string, columns: readonly string[], rows: readonly Row[], token: string): Promise<void>;
  /** Parameters are bound as ClickHouse query parameters (`{name:Type}`); every row is checked by `row`. */
  query<T>(sql: string, row: z.ZodType<T>, parameters?: Readonly<Record<string, unknown>>): Promise<T[]>;
  /** Streams a large answer in blocks. */
  stream<T>(sql: string, row: z.ZodType<T>, parameters?: Readonly<Record<string, unknown>>): AsyncIterable<T[]>;
  execute(sql: string): Promise<void>;
  close(): Promise<void>;
}
