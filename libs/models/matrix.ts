/** A table of numbers for training, column by column: column c fills [c * rows, (c + 1) * rows). NaN = missing. */
export interface Matrix {
  readonly rows: number;
  readonly width: number;
  readonly values: Float32Array;
}

export function column(matrix: Matrix, index: number): Float32Array {
  return matrix.values.subarray(index * matrix.rows, (index + 1) * matrix.rows);
}

/** The given columns, copied. */
export function selectColumns(matrix: Matrix, columns: readonly number[]): Matrix {
  const values = new Float32Array(matrix.rows * columns.length);
  columns.forEach((from, to) => values.set(column(matrix, from), to * matrix.rows));
  return { rows: matrix.rows, width: columns.length, values };
}

/** Copies one row into `out`. */
export function readRow(matrix: Matrix, row: number, out: Float32Array): void {
  for (let c = 0; c < matrix.width; c++) out[c] = matrix.values[c * matrix.rows + row]!;
}
