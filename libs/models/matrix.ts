/** A table of numbers for training, column by column: column c fills [c * rows, (c + 1) * rows). NaN = missing. */
export interface Matrix {
  readonly rows: number;
  readonly width: number;
  readonly values: Float32Array;
}

export function column(matrix: Matrix, index: number): Float32Array {
  return matrix.values.subarray(index * matrix.rows, (index + 1) * matrix.rows);
}

/** The rows of both, of the same columns. */
export function stackRows(upper: Matrix, lower: Matrix): Matrix {
  const rows = upper.rows + lower.rows;
  const values = new Float32Array(rows * upper.width);
  for (let c = 0; c < upper.width; c++) {
    values.set(column(upper, c), c * rows);
    values.set(column(lower, c), c * rows + upper.rows);
  }
  return { rows, width: upper.width, values };
}

/** Copies one row into `out`. */
export function readRow(matrix: Matrix, row: number, out: Float32Array): void {
  for (let c = 0; c < matrix.width; c++) out[c] = matrix.values[c * matrix.rows + row]!;
}
