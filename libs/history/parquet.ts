/** Parquet, one row group at a time. */
import { type AsyncBuffer, asyncBufferFromFile, parquetMetadataAsync, parquetRead, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

import { messageOf, TributaryError } from '../errors/errors.ts';
import { formatError } from './format-error.ts';
import { type Cell, type TableBlock } from './table.ts';

/** Row groups are read whole; writers make them of about 128 MiB. */
const MAX_GROUP_BYTES = 1 << 30;
const MAX_GROUP_ROWS = 20_000_000;

export async function* readParquet(path: string): AsyncGenerator<TableBlock> {
  try {
    yield* readGroups(path, await asyncBufferFromFile(path));
  } catch (thrown) {
    if (thrown instanceof TributaryError) throw thrown;
    throw formatError(path, undefined, `damaged or cut short (${messageOf(thrown)})`, 'Fetch the file again.', thrown);
  }
}

async function* readGroups(path: string, file: AsyncBuffer): AsyncGenerator<TableBlock> {
  const metadata = await parquetMetadataAsync(file);
  const names = parquetSchema(metadata).children.map((child) => child.element.name);
  const columns = names.map((name) => name.toLowerCase());
  let rowStart = 0;
  if (metadata.row_groups.length === 0) yield { columns, place: String, rows: [] };
  for (const group of metadata.row_groups) {
    if (group.total_byte_size > MAX_GROUP_BYTES || group.num_rows > MAX_GROUP_ROWS) {
      throw formatError(path, undefined, 'a row group is larger than 1 GiB', 'Write the file with smaller row groups.');
    }
    const first = rowStart + 1;
    const rowEnd = rowStart + Number(group.num_rows);
    let rows: Cell[][] = [];
    const onComplete = (read: Cell[][]) => {
      rows = read;
    };
    await parquetRead({ file, metadata, columns: names, rowStart, rowEnd, compressors, rowFormat: 'array', onComplete });
    yield { columns, place: (i) => `row ${first + i}`, rows };
    rowStart = rowEnd;
  }
}
