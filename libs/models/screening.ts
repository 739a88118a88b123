/** Keeps the inputs that say most about the outcome by themselves (sure independence screening, Fan and Lv 2008); training rows only. */
import { column, type Matrix } from './matrix.ts';

/** Places of at most `most` columns by |correlation| with `up`, in their old order. */
export function strongestColumns(matrix: Matrix, up: Uint8Array, most: number): number[] {
  const all = Array.from({ length: matrix.width }, (_, c) => c);
  if (matrix.width <= most) return all;
  const strength = all.map((c) => Math.abs(correlation(column(matrix, c), up)));
  return all
    .toSorted((a, b) => strength[b]! - strength[a]! || a - b)
    .slice(0, most)
    .sort((a, b) => a - b);
}

/** Over the rows that have a value. */
function correlation(values: Float32Array, up: Uint8Array): number {
  let [count, sum, squares, ups, cross] = [0, 0, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== value) continue;
    count++;
    sum += value;
    squares += value * value;
    ups += up[i]!;
    cross += value * up[i]!;
  }
  const spread = (squares - (sum * sum) / count) * (ups - (ups * ups) / count);
  return spread > 0 ? (cross - (sum * ups) / count) / Math.sqrt(spread) : 0;
}
