/** Values as small integers for histogram trees: at most 255 bins a column with about equally many rows, the last for missing values. */
import { column, type Matrix } from './matrix.ts';

export interface Bins {
  readonly rows: number;
  readonly width: number;
  /** Column by column like the matrix. */
  readonly codes: Uint8Array;
  /** Upper edges of each column's bins but the last: a value goes into the first bin whose edge it does not exceed. */
  readonly edges: readonly Float64Array[];
  /** Whether the column has missing values; their code is edges.length + 1. */
  readonly missing: Uint8Array;
}

/** Edges are quantiles of about this many evenly spaced rows: more would not move the trees. */
const EDGE_ROWS = 2_048;

/** `most`: bins for present values, at most 254. */
export function binMatrix(matrix: Matrix, most: number): Bins {
  const codes = new Uint8Array(matrix.values.length);
  const missing = new Uint8Array(matrix.width);
  const edges: Float64Array[] = [];
  const scratch = new Float32Array(matrix.rows);
  for (let c = 0; c < matrix.width; c++) {
    const values = column(matrix, c);
    const step = Math.max(1, Math.floor(values.length / EDGE_ROWS));
    let present = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value !== value) missing[c] = 1;
      else if (i % step === 0) scratch[present++] = value;
    }
    const cuts = edgesOf(scratch.subarray(0, present).sort(), most);
    encode(values, cuts, codes.subarray(c * matrix.rows, (c + 1) * matrix.rows));
    edges.push(cuts);
  }
  return { rows: matrix.rows, width: matrix.width, codes, edges, missing };
}

function edgesOf(sorted: Float32Array, most: number): Float64Array {
  const cuts: number[] = [];
  let at = 0;
  for (let bin = 1; bin < most && at < sorted.length; bin++) {
    at = Math.max(at + 1, Math.round((sorted.length * bin) / most));
    while (at < sorted.length && sorted[at] === sorted[at - 1]) at++;
    if (at < sorted.length) cuts.push((sorted[at]! + sorted[at - 1]!) / 2);
  }
  return Float64Array.from(cuts);
}

function encode(values: Float32Array, cuts: Float64Array, out: Uint8Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== value) {
      out[i] = cuts.length + 1;
      continue;
    }
    let low = 0;
    let high = cuts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= cuts[middle]!) high = middle;
      else low = middle + 1;
    }
    out[i] = low;
  }
}
