/** Parquet, one row group at a time. */
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  type RowGroup,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

import { messageOf, TributaryError } from '../errors/errors.ts';
import { formatError } from './format-error.ts';
import { checkPages, Implausible } from './parquet-pages.ts';
import { type Cell, type TableBlock } from './table.ts';

/** Row groups are read whole; writers make them of about 128 MiB. */
const MAX_GROUP_BYTES = 1 << 30;
const MAX_GROUP_ROWS = 20_000_000;
/** Of a table that people look at; a deep schema has as many elements. */
const MAX_COLUMNS = 1_000;

export async function* readParquet(path: string): AsyncGenerator<TableBlock> {
  try {
    yield* readGroups(path, await asyncBufferFromFile(path));
  } catch (thrown) {
    if (thrown instanceof TributaryError) throw thrown;
    if (thrown instanceof Implausible)
      throw formatError(path, undefined, thrown.message, 'Fetch or write the file again.', thrown);
    throw formatError(path, undefined, `damaged or cut short (${messageOf(thrown)})`, 'Fetch the file again.', thrown);
  }
}

async function* readGroups(path: string, file: AsyncBuffer): AsyncGenerator<TableBlock> {
  const metadata = await parquetMetadataAsync(file);
  const names = flatColumns(path, metadata);
  const columns = names.map((name) => name.toLowerCase());
  let rowStart = 0;
  if (metadata.row_groups.length === 0) yield { columns, place: String, rows: [] };
  for (const group of metadata.row_groups) {
    if (group.total_byte_size > MAX_GROUP_BYTES || group.num_rows > MAX_GROUP_ROWS || group.num_rows < 0) {
      throw formatError(path, undefined, 'a row group is larger than 1 GiB', 'Write the file with smaller row groups.');
    }
    await checkGroup(file, group);
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

function flatColumns(path: string, metadata: FileMetaData): string[] {
  if (metadata.schema.length > MAX_COLUMNS)
    throw formatError(path, undefined, `it has more than ${MAX_COLUMNS} columns`, 'Write those that are needed.');
  return parquetSchema(metadata).children.map(({ children, element: { name, repetition_type: repetition } }) => {
    if (children.length > 0 || repetition === 'REPEATED')
      throw formatError(path, undefined, `column "${name}" holds lists or records`, 'Write one value a column.');
    return name;
  });
}

/** What the group says of itself may be a lie: its pages are asked. */
async function checkGroup(file: AsyncBuffer, { columns, num_rows: rows }: RowGroup): Promise<void> {
  let left = MAX_GROUP_BYTES;
  for (const { meta_data: chunk } of columns) {
    if (chunk === undefined) continue;
    const column = chunk.path_in_schema.join('.');
    // Some writers put 0 where there is none.
    const begin = Number(chunk.dictionary_page_offset) || Number(chunk.data_page_offset);
    const end = begin + Number(chunk.total_compressed_size);
    if (begin < 4 || end < begin || end > file.byteLength) throw new Implausible(`column "${column}" lies outside the file`);
    left -= checkPages(await file.slice(begin, end), { column, rows: Number(rows), bytes: left });
  }
}
