/** Vectors of one (venue, instrument) as a table, and the training matrices cut from it. */
import { mirrorOf } from '../features/mirror.ts';
import { formatInput, type Input, resolveInputs } from './inputs.ts';
import { column, type Matrix } from './matrix.ts';
import { mirrorInput } from './mirror.ts';

/** As the fold of history gives them: oldest first. */
export interface VectorTable {
  readonly venue: string;
  readonly instrument: string;
  /** `name@version`, in order of a vector's values. */
  readonly columns: readonly string[];
  /** Decision times, milliseconds, rising. */
  readonly t: Float64Array;
  /** Row by row; NaN = missing. */
  readonly values: Float32Array;
  /** Bits of libs/features/quality.ts by row; undefined = nothing is known to be wrong. */
  readonly quality?: Uint32Array;
}

const MINUTE = 60_000;
/** A feature present in a smaller share of the training rows is no input. */
const LEAST_PRESENT = 0.8;

/** Names the inputs that a column may give: itself and its lags. */
export type LagsOf = (column: string) => readonly number[];

/** Inputs that enough of `rows` have, that are not constant over them, and that are no copy of an earlier one. */
export function usableInputs(table: VectorTable, rows: Int32Array, lagsOf: LagsOf): Input[] {
  const seen = new Set<string>();
  return table.columns.flatMap((feature, c) => {
    const lags = lagsOf(feature);
    const print = lags.length === 0 ? undefined : fingerprint(table, rows, c);
    if (print === undefined || seen.has(print)) return [];
    seen.add(print);
    return lags.map((lag) => ({ feature, lag }));
  });
}

/** Undefined for a column that is no input; equal for columns with the same values in the same rows. */
function fingerprint(table: VectorTable, rows: Int32Array, c: number): string | undefined {
  const width = table.columns.length;
  let present = 0;
  let low = Infinity;
  let high = -Infinity;
  let moment = 0;
  for (let i = 0; i < rows.length; i++) {
    const value = table.values[rows[i]! * width + c]!;
    if (value !== value) continue;
    present++;
    low = Math.min(low, value);
    high = Math.max(high, value);
    moment += value * (i + 1);
  }
  return high > low && present >= LEAST_PRESENT * rows.length ? `${present}:${low}:${high}:${moment}` : undefined;
}

/** The inputs of the given rows; a lag that no vector stands at is missing, as it is for the scorer. */
export function gather(table: VectorTable, inputs: readonly Input[], rows: Int32Array): Matrix {
  const places = resolveInputs(inputs, table.columns);
  const width = table.columns.length;
  const values = new Float32Array(rows.length * inputs.length);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    for (let c = 0; c < inputs.length; c++) {
      const { lag } = inputs[c]!;
      const from = row - lag;
      const isThere = lag === 0 || (from >= 0 && table.t[from] === table.t[row]! - lag * MINUTE);
      values[c * rows.length + i] = isThere ? table.values[from * width + places[c]!]! : Number.NaN;
    }
  }
  return { rows: rows.length, width: inputs.length, values };
}

/** The mirror images of the given rows. */
export function gatherMirrored(table: VectorTable, inputs: readonly Input[], rows: Int32Array): Matrix {
  const matrix = gather(table, inputs.map(mirrorInput), rows);
  inputs.forEach(({ feature }, c) => {
    const { about } = mirrorOf(feature);
    if (about === undefined) return;
    const values = column(matrix, c);
    for (let i = 0; i < values.length; i++) values[i] = 2 * about - values[i]!;
  });
  return matrix;
}

/** A table's last rows: a copy, or the table itself where it has no more. */
export function newestRows(table: VectorTable, rows: number): VectorTable {
  const from = table.t.length - rows;
  if (from <= 0) return table;
  return { ...table, t: table.t.slice(from), values: table.values.slice(from * table.columns.length) };
}

/**
 * Several tables as one, table behind table, in memory that threads share; a column that a table lacks is missing there. Rows without a time
 * stand behind each, so that no lag reaches from one into another.
 */
export function stackTables(tables: readonly VectorTable[]): VectorTable {
  const columns = [...new Set(tables.flatMap((table) => table.columns))];
  const total = tables.reduce((sum, { t }) => sum + t.length + SEAM_ROWS, 0);
  const t = new Float64Array(new SharedArrayBuffer(8 * total)).fill(NaN);
  const values = new Float32Array(new SharedArrayBuffer(4 * total * columns.length)).fill(NaN);
  let at = 0;
  for (const table of tables) {
    const places = table.columns.map((column) => columns.indexOf(column));
    t.set(table.t, at);
    for (let row = 0; row < table.t.length; row++) {
      const source = row * places.length;
      const target = (at + row) * columns.length;
      for (let c = 0; c < places.length; c++) values[target + places[c]!] = table.values[source + c]!;
    }
    at += table.t.length + SEAM_ROWS;
  }
  return { venue: '', instrument: '', columns, t, values };
}

/** More than any lag. */
export const SEAM_ROWS = 8;

export function inputNames(inputs: readonly Input[]): string[] {
  return inputs.map(formatInput);
}
