/**
 * History files as tables, a block of rows at a time: CSV, gzipped CSV, Parquet. What a file is, is read from its first bytes, so a file
 * that was renamed or unpacked by a download tool is read all the same.
 */
import { open } from 'node:fs/promises';

import { messageOf, TributaryError } from '../errors/errors.ts';
import { readCsv } from './csv.ts';
import { formatError } from './format-error.ts';
import { readParquet } from './parquet.ts';

/** A value as the file holds it: text in CSV, typed in Parquet. */
export type Cell = string | number | bigint | boolean | Date | null | undefined;

export interface TableBlock {
  /** Names from the header, lower case; the same in each block. */
  readonly columns: readonly string[];
  /** Where `rows[i]` stands in the file, for messages: "line 17". */
  readonly place: (i: number) => string;
  readonly rows: readonly (readonly Cell[])[];
}

/**
 * Blocks in the file's order; at least one, so that the columns of an empty table are known.
 * Throws `TRB_HISTORY_NOT_FOUND`, `TRB_HISTORY_FORMAT` (damaged, cut short, or larger unpacked than anything plausible).
 */
export async function* readTable(path: string): AsyncGenerator<TableBlock> {
  const magic = await firstBytes(path);
  if (magic.length === 0) throw formatError(path, undefined, 'the file is empty', 'Fetch it again.');
  if (magic.toString('latin1') === 'PAR1') yield* readParquet(path);
  else yield* readCsv(path, magic[0] === 0x1f && magic[1] === 0x8b);
}

async function firstBytes(path: string): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (thrown) {
    throw new TributaryError('TRB_HISTORY_NOT_FOUND', `Cannot read ${path}: ${messageOf(thrown)}.`, {
      hint: 'Give the path of a .csv, .csv.gz or .parquet file.',
      cause: thrown,
    });
  }
}
