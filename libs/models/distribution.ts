/**
 * How far a row lies from what a model was trained on: the mean over its inputs of the squared distance from their training mean, in standard
 * deviations, each clipped (a diagonal Mahalanobis distance in which no single input can shout). Missing inputs are left out. Training, backtest
 * and serving use this arithmetic.
 */
import { type Input, resolveInputs } from './inputs.ts';
import { readRow } from './matrix.ts';
import { fitScaler, type Scaler } from './networks/windows.ts';
import { gather, type VectorTable } from './vector-table.ts';

/** Where the model's training inputs lay, and the distance beyond which it does not speak. */
export interface Distribution extends Scaler {
  readonly limit: number;
}

/** Squared deviations count up to this. */
const MOST = 25;
/** Of earlier out-of-fold decisions so many lie within the limit. */
const INSIDE = 0.995;
/** Fewer make no limit. */
const LEAST_ROWS = 1_000;

/** A lagged input lies as its feature does. */
export function fitInputs(table: VectorTable, inputs: readonly Input[], rows: Int32Array): Scaler {
  return fitScaler(table, resolveInputs(inputs, table.columns), rows);
}

export function distanceOf({ mean, deviation }: Scaler, values: ArrayLike<number>): number {
  let [sum, present] = [0, 0];
  for (let i = 0; i < mean.length; i++) {
    const z = (values[i]! - mean[i]!) / deviation[i]!;
    if (z !== z) continue;
    sum += Math.min(z * z, MOST);
    present++;
  }
  return present === 0 ? MOST : sum / present;
}

/** Of each of `rows`, from the training rows. */
export function distancesFrom(trained: Int32Array, table: VectorTable, inputs: readonly Input[], rows: Int32Array): Float64Array {
  const scaler = fitInputs(table, inputs, trained);
  const matrix = gather(table, inputs, rows);
  const values = new Float32Array(inputs.length);
  return Float64Array.from(rows, (_, row) => {
    readRow(matrix, row, values);
    return distanceOf(scaler, values);
  });
}

/** From out-of-fold distances; undefined = too few. */
export function limitOf(distances: Float64Array | undefined): number | undefined {
  if (distances === undefined || distances.length < LEAST_ROWS) return undefined;
  return distances.toSorted()[Math.floor(INSIDE * (distances.length - 1))]!;
}
