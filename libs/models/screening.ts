/** Keeps the inputs that say most about the outcome by themselves (sure independence screening, Fan and Lv 2008); training rows only. */
import { type Input, formatInput } from './inputs.ts';
import { column, type Matrix, stackRows } from './matrix.ts';
import { isSteady, mirrorInput } from './mirror.ts';
import { gather, gatherMirrored, type VectorTable } from './vector-table.ts';

/** Of mirrored rows: at most this share are inputs that keep their value, which by themselves say nothing of up or down. */
const STEADY_SHARE = 0.25;
/** Inputs that are gathered at once: all of a table may be more than memory likes. */
const SLICE = 64;

/** At most `most` of `inputs`, in their old order: those most correlated with `up` over `rows`. */
export function strongestInputs(
  table: VectorTable,
  inputs: readonly Input[],
  rows: Int32Array,
  up: Uint8Array,
  most: number,
): Input[] {
  if (inputs.length <= most) return [...inputs];
  const strength = perInput(inputs, (slice) => correlations(gather(table, slice, rows), up));
  return largest(strength, most).map((c) => inputs[c]!);
}

/**
 * The same over `rows` and their mirror images, of which `up` is the opposite. An input that keeps its value there cannot be correlated with it: it is
 * as strong as its correlation with how often a plain vote of the strongest others is right. An input brings along the one that takes its
 * place in the mirror.
 */
export function strongestMirrored(
  table: VectorTable,
  all: readonly Input[],
  rows: Int32Array,
  up: Uint8Array,
  most: number,
): Input[] {
  const names = new Set(all.map(formatInput));
  const inputs = all.filter((input) => names.has(formatInput(mirrorInput(input))));
  if (inputs.length <= most) return inputs;
  const ups = Float64Array.from(up, (each) => 2 * each - 1);
  const steady = inputs.filter(isSteady);
  const turning = inputs.filter((input) => !isSteady(input));
  const steadyMost = Math.min(steady.length, Math.floor(most * STEADY_SHARE));
  const both = (slice: readonly Input[]): Matrix => stackRows(gather(table, slice, rows), gatherMirrored(table, slice, rows));
  const twice = Float64Array.from([...ups, ...ups.map((each) => -each)]);
  const strength = perInput(turning, (slice) => correlations(both(slice), twice));
  const chosen = largest(strength, most - steadyMost);
  const right = agreement(
    both(chosen.map((c) => turning[c]!)),
    twice,
    chosen.map((c) => strength[c]!),
  ).subarray(0, rows.length);
  const help = perInput(steady, (slice) => correlations(gather(table, slice, rows), right));
  const kept = new Set(
    [...chosen.map((c) => turning[c]!), ...largest(help, steadyMost).map((c) => steady[c]!)].flatMap((input) => [
      formatInput(input),
      formatInput(mirrorInput(input)),
    ]),
  );
  return inputs.filter((input) => kept.has(formatInput(input)));
}

/** How far the vote of standardised columns, each weighing as its correlation, points to what came: positive = right. */
function agreement(matrix: Matrix, ups: Float64Array, weights: readonly number[]): Float64Array {
  const vote = new Float64Array(matrix.rows);
  for (let c = 0; c < matrix.width; c++) {
    const values = column(matrix, c);
    let [count, sum, squares] = [0, 0, 0];
    for (const value of values) {
      if (value !== value) continue;
      count++;
      sum += value;
      squares += value * value;
    }
    const mean = sum / count;
    const deviation = Math.sqrt(squares / count - mean * mean);
    if (!(deviation > 0)) continue;
    for (let i = 0; i < values.length; i++) {
      const z = (values[i]! - mean) / deviation;
      if (z === z) vote[i]! += weights[c]! * z;
    }
  }
  return vote.map((each, i) => Math.sign(each) * ups[i]!);
}

function perInput(inputs: readonly Input[], of: (slice: readonly Input[]) => number[]): number[] {
  const all: number[] = [];
  for (let from = 0; from < inputs.length; from += SLICE) all.push(...of(inputs.slice(from, from + SLICE)));
  return all;
}

/** Places of the `most` largest magnitudes, in order of place. */
function largest(strength: readonly number[], most: number): number[] {
  return [...strength.keys()]
    .sort((a, b) => Math.abs(strength[b]!) - Math.abs(strength[a]!) || a - b)
    .slice(0, most)
    .sort((a, b) => a - b);
}

/** Of each column with `outcome`, over the rows that have a value. */
function correlations(matrix: Matrix, outcome: ArrayLike<number>): number[] {
  return Array.from({ length: matrix.width }, (_, c) => correlation(column(matrix, c), outcome));
}

function correlation(values: Float32Array, outcome: ArrayLike<number>): number {
  let [count, sum, squares, total, totalSquares, cross] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== value) continue;
    const what = outcome[i]!;
    count++;
    sum += value;
    squares += value * value;
    total += what;
    totalSquares += what * what;
    cross += value * what;
  }
  const spread = (squares - (sum * sum) / count) * (totalSquares - (total * total) / count);
  return spread > 0 ? (cross - (sum * total) / count) / Math.sqrt(spread) : 0;
}
