/** The two ways to a ClickHouse: in this process (embedded.ts) or over HTTP (server.ts). Both speak through @clickhouse/client. */
export type Parameters = Readonly<Record<string, unknown>>;

export interface Backend {
  /** `statement` without its FORMAT; `bytes` are RowBinary. Settings stand in the statement: see embedded.ts. */
  insert(statement: InsertStatement, bytes: Buffer): Promise<void>;
  /** Rows as objects. */
  query(sql: string, parameters: Parameters): Promise<unknown[]>;
  stream(sql: string, parameters: Parameters): AsyncIterable<unknown[]>;
  execute(sql: string): Promise<void>;
  close(): Promise<void>;
}

export interface InsertStatement {
  /** `INSERT INTO table (columns)`. */
  readonly into: string;
  /** `SETTINGS name = value, …`. */
  readonly settings: string;
}

/** Plain JSON numbers for 64-bit integers: all of ours are safe integers. */
export const ANSWER_SETTINGS = { output_format_json_quote_64bit_integers: 0 } as const;
