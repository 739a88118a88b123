/**
 * Files of context values: `source,series,seq,value,observed_at,published_at,available_at,valid_for`, times in milliseconds since the Unix
 * epoch; .csv, .csv.gz or .parquet. Every vintage is a row of its own.
 */
import { type ContextRow } from './events.ts';
import { formatError } from './format-error.ts';
import { createNames, type Fields, fieldsOf, findColumns } from './fields.ts';
import { readTable } from './table.ts';
import { writeTable } from './write-table.ts';

const COLUMNS = ['source', 'series', 'seq', 'value', 'observed_at', 'published_at', 'available_at', 'valid_for'] as const;
/** What a source or a series may be called; a spreadsheet takes none of it for a formula, and no reader for a line of its own. */
const NAME = /^[a-z0-9][\w.:-]{0,127}$/i;
type Columns = Readonly<Record<(typeof COLUMNS)[number], number>>;

/** The whole file, in order of availability. Throws `TRB_HISTORY_NOT_FOUND`, `TRB_HISTORY_FORMAT`. */
export async function loadContext(path: string): Promise<readonly ContextRow[]> {
  const names = createNames();
  const rows: ContextRow[] = [];
  let columns: Columns | undefined;
  for await (const block of readTable(path)) {
    columns ??= findColumns<keyof Columns>(path, block, COLUMNS, []);
    const fields = fieldsOf(path, block, names);
    for (; fields.row < block.rows.length; fields.row++) rows.push(rowOf(fields, columns));
  }
  return rows.sort(compareContext);
}

/** By availability, then source, series, seq: by code unit, so that the order is the same in every locale. */
export function compareContext(a: ContextRow, b: ContextRow): number {
  return a.availableAt - b.availableAt || compareText(a.source, b.source) || compareText(a.series, b.series) || a.seq - b.seq;
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function rowOf(fields: Fields, columns: Columns): ContextRow {
  const row = {
    source: fields.text(columns.source),
    series: fields.text(columns.series),
    seq: fields.count(columns.seq, Number.MAX_SAFE_INTEGER),
    value: fields.number(columns.value),
    observedAt: fields.milliseconds(columns.observed_at),
    publishedAt: fields.milliseconds(columns.published_at),
    availableAt: fields.milliseconds(columns.available_at),
    validFor: fields.number(columns.valid_for),
  };
  if (!NAME.test(row.source) || !NAME.test(row.series)) throw fields.fail('source or series is empty or no name');
  if (row.availableAt < row.publishedAt || row.availableAt < row.observedAt) {
    throw fields.fail('available_at is before the value was published, or before the period that it describes was over');
  }
  if (!(row.validFor > 0)) throw fields.fail('valid_for is not above 0');
  return row;
}

/** Writes blocks of values, gzipped; returns how many. Throws `TRB_HISTORY_FORMAT` where a name is none. */
export function writeContext(file: string, blocks: AsyncIterable<readonly ContextRow[]>): Promise<number> {
  return writeTable(file, COLUMNS, blocks, (row) => {
    if (NAME.test(row.source) && NAME.test(row.series)) return lineOf(row);
    const what = `${JSON.stringify(row.source)} ${JSON.stringify(row.series)} is no source with a series`;
    throw formatError(file, undefined, what, 'Delete such rows from the archive: no source of this project writes them.');
  });
}

function lineOf({ source, series, seq, value, observedAt, publishedAt, availableAt, validFor }: ContextRow): string {
  return `${source},${series},${seq},${value},${observedAt},${publishedAt},${availableAt},${validFor}\n`;
}
