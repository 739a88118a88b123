/** Windows as networks see them: standardised, clipped to ±4, missing values 0. Training and serving use the same arithmetic. */
import { type Input } from '../inputs.ts';
import { type MirrorMap } from '../bundle.ts';
import { lagsOf } from '../lags.ts';
import { strongestInputs, strongestMirrored } from '../screening.ts';
import { usableInputs, type VectorTable } from '../vector-table.ts';

export interface Scaler {
  readonly mean: readonly number[];
  /** Standard deviation, > 0. */
  readonly deviation: readonly number[];
}

const CLIP = 4;
const MINUTE = 60_000;
/**
 * Of the features that are read, with their lags below `steps`, the inputs that say most of the outcome over the training rows, at most `most`; in the
 * table's order.
 */
export function windowInputs(
  table: VectorTable,
  rows: Int32Array,
  up: Uint8Array,
  most: number,
  steps: number,
  isRead: (column: string) => boolean,
  isMirrored = false,
): Input[] {
  const usable = usableInputs(table, rows, (column) => (isRead(column) ? lagsOf(column).filter((lag) => lag < steps) : []));
  return (isMirrored ? strongestMirrored : strongestInputs)(table, usable, rows, up, most);
}

/** Over the given rows of the table, the present values of each place; with `mirror`, those of the rows' mirror images, too. */
export function fitScaler(table: VectorTable, places: Int32Array, rows: Int32Array, mirror?: MirrorMap): Scaler {
  const width = table.columns.length;
  const mean: number[] = [];
  const deviation: number[] = [];
  for (const [i, place] of places.entries()) {
    let [count, sum, squares] = [0, 0, 0];
    const add = (value: number): void => {
      if (!Number.isFinite(value)) return;
      count++;
      sum += value;
      squares += value * value;
    };
    const partner = mirror === undefined ? place : places[mirror.from[i]!]!;
    const about = mirror?.about[i] ?? null;
    for (const row of rows) {
      add(table.values[row * width + place]!);
      if (mirror === undefined) continue;
      const value = table.values[row * width + partner]!;
      add(about === null ? value : 2 * about - value);
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

/**
 * Mirror images of standardised windows: where the scaler was fitted on both, what turns is reflected about zero. `isTurned`: of a window of the batch;
 * the others stay.
 */
export function turnWindows(
  windows: Float32Array,
  batch: number,
  { from, about }: MirrorMap,
  isTurned: (window: number) => boolean = () => true,
): Float32Array {
  const inputs = from.length;
  const out = windows.slice();
  for (let at = 0; at < windows.length; at += inputs) {
    if (!isTurned((at / inputs) % batch)) continue;
    for (let i = 0; i < inputs; i++) {
      const value = windows[at + from[i]!]!;
      out[at + i] = about[i] === null ? value : -value;
    }
  }
  return out;
}

/** [steps, batch, inputs] -> [steps, 2 batch, inputs]: at each step the windows and, behind them, their mirror images. */
export function withMirrorImages(windows: Float32Array, steps: number, batch: number, mirror: MirrorMap): Float32Array {
  const turned = turnWindows(windows, batch, mirror);
  const length = windows.length / steps;
  const out = new Float32Array(2 * windows.length);
  for (let step = 0; step < steps; step++) {
    out.set(windows.subarray(step * length, (step + 1) * length), 2 * step * length);
    out.set(turned.subarray(step * length, (step + 1) * length), (2 * step + 1) * length);
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
