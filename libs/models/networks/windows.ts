/** Windows as networks see them: standardised, clipped to ±4, missing values 0. Training and serving use the same arithmetic. */
import { type Input } from '../inputs.ts';
import { strongestColumns } from '../screening.ts';
import { gather, usableInputs, type VectorTable } from '../vector-table.ts';

export interface Scaler {
  readonly mean: readonly number[];
  /** Standard deviation, > 0. */
  readonly deviation: readonly number[];
}

const CLIP = 4;
const MINUTE = 60_000;
/** A window holds the earlier vectors anyway. */
const NOW = [0];

/** Of the features that are read those most correlated with the outcome over the training rows, at most `most`; in the table's order. */
export function windowInputs(
  table: VectorTable,
  rows: Int32Array,
  up: Uint8Array,
  most: number,
  isRead: (column: string) => boolean,
): Input[] {
  const usable = usableInputs(table, rows, (column) => (isRead(column) ? NOW : []));
  return strongestColumns(gather(table, usable, rows), up, most).map((c) => usable[c]!);
}

/** Over the given rows of the table, the present values of each place. */
export function fitScaler(table: VectorTable, places: Int32Array, rows: Int32Array): Scaler {
  const width = table.columns.length;
  const mean: number[] = [];
  const deviation: number[] = [];
  for (const place of places) {
    let [count, sum, squares] = [0, 0, 0];
    for (const row of rows) {
      const value = table.values[row * width + place]!;
      if (!Number.isFinite(value)) continue;
      count++;
      sum += value;
      squares += value * value;
    }
    const centre = count === 0 ? 0 : sum / count;
    const spread = count === 0 ? 0 : Math.sqrt(Math.max(0, squares / count - centre * centre));
    mean.push(centre);
    deviation.push(spread > 1e-9 ? spread : 1);
  }
  return { mean, deviation };
}

/** Writes one vector's inputs to `out` from `at` on; a vector that was never made is all missing. */
export function standardise(
  vector: ArrayLike<number> | undefined,
  places: Int32Array,
  { mean, deviation }: Scaler,
  out: Float32Array,
  at: number,
): void {
  for (let i = 0; i < places.length; i++) {
    const value = vector?.[places[i]!] ?? Number.NaN;
    const scaled = (value - mean[i]!) / deviation[i]!;
    out[at + i] = scaled !== scaled ? 0 : scaled > CLIP ? CLIP : scaled < -CLIP ? -CLIP : scaled;
  }
}

/** The whole table, row by row. */
export function standardiseTable(table: VectorTable, places: Int32Array, scaler: Scaler): Float32Array {
  const width = table.columns.length;
  const out = new Float32Array(table.t.length * places.length);
  for (let row = 0; row < table.t.length; row++) {
    standardise(table.values.subarray(row * width, (row + 1) * width), places, scaler, out, row * places.length);
  }
  return out;
}

/**
 * Windows of `steps` vectors one cadence apart that end at `rows`, time first: [steps, rows, inputs]. `standardised` is the table's; a
 * step that no vector stands at is all missing.
 */
export function windowsOf(
  t: Float64Array,
  standardised: Float32Array,
  inputs: number,
  rows: ArrayLike<number>,
  steps: number,
): Float32Array {
  const out = new Float32Array(steps * rows.length * inputs);
  for (let i = 0; i < rows.length; i++) {
    const end = rows[i]!;
    for (let back = 0; back < steps; back++) {
      const row = end - back;
      if (row < 0 || t[row] !== t[end]! - back * MINUTE) continue;
      out.set(standardised.subarray(row * inputs, (row + 1) * inputs), ((steps - 1 - back) * rows.length + i) * inputs);
    }
  }
  return out;
}

/** Places of inputs by what they tell of: one venue's legs, the conversion rates, the instrument itself with the rest. */
export function sourcesOf(inputs: readonly Input[]): number[][] {
  const groups = new Map<string, number[]>();
  inputs.forEach(({ feature }, place) => {
    const leg = /\.([a-z0-9]+)_(usd|usdt|usdc|eur)@/.exec(feature)?.[1];
    const source = feature.startsWith('rate_') ? 'rates' : (leg ?? 'own');
    const group = groups.get(source);
    if (group === undefined) groups.set(source, [place]);
    else group.push(place);
  });
  return [...groups.values()];
}
