/** The fold of history as matrices, one per target: what training and backtests read. */
import { type FeatureVector } from '../wire/tributary/v1/features.ts';
import { type Tick } from '../wire/tributary/v1/market.ts';
import { createFold, foldTick, type FoldOptions } from './fold.ts';
import { featureSchema } from './catalogue.ts';

/** Vectors of one target, oldest first. */
export interface VectorMatrix {
  readonly venue: string;
  readonly instrument: string;
  /** Decision times, milliseconds. */
  readonly t: Float64Array;
  /** Row-major: values[row * columns.length + column]; NaN = missing. */
  readonly values: Float32Array;
  /** Bits of quality.ts. */
  readonly quality: Uint32Array;
  /** Last trade price known at t; 0 = none. */
  readonly lastPrice: Float64Array;
  readonly columns: readonly string[];
}

export interface CollectOptions extends FoldOptions {
  /** Vectors before this time (ms) are folded but not kept. */
  readonly from?: number;
}

interface Growing {
  readonly venue: string;
  readonly instrument: string;
  rows: number;
  t: Float64Array;
  values: Float32Array;
  quality: Uint32Array;
  lastPrice: Float64Array;
}

/** Folds `ticks` and keeps every vector, by `venue:BASE-QUOTE`. */
export async function collectVectors(
  ticks: Iterable<Tick> | AsyncIterable<Tick>,
  options: CollectOptions = {},
): Promise<Map<string, VectorMatrix>> {
  const from = options.from ?? -Infinity;
  const collector = collectorOf(featureSchema().columns);
  const state = createFold(options);
  let offset = 0;
  for await (const tick of ticks) {
    foldTick(state, tick, offset, (vector) => {
      if (vector.t >= from) collector.add(vector);
    });
    offset++;
  }
  return collector.matrices();
}

/** Takes vectors of one schema, oldest first, and keeps them as matrices by `venue:BASE-QUOTE`. */
export interface VectorCollector {
  add(vector: FeatureVector): void;
  matrices(): Map<string, VectorMatrix>;
}

export function collectorOf(columns: readonly string[]): VectorCollector {
  const growing = new Map<string, Growing>();
  return {
    add(vector) {
      const key = `${vector.venue}:${vector.instrument}`;
      let matrix = growing.get(key);
      if (matrix === undefined) growing.set(key, (matrix = empty(vector.venue, vector.instrument, columns.length)));
      if (matrix.rows === matrix.t.length) grow(matrix, columns.length);
      matrix.t[matrix.rows] = vector.t;
      matrix.values.set(vector.values, matrix.rows * columns.length);
      matrix.quality[matrix.rows] = vector.quality;
      matrix.lastPrice[matrix.rows] = vector.lastPrice;
      matrix.rows++;
    },
    matrices: () => new Map([...growing].map(([key, matrix]) => [key, trimmed(matrix, columns)])),
  };
}

function empty(venue: string, instrument: string, width: number): Growing {
  const rows = 1024;
  return {
    venue,
    instrument,
    rows: 0,
    t: new Float64Array(rows),
    values: new Float32Array(rows * width),
    quality: new Uint32Array(rows),
    lastPrice: new Float64Array(rows),
  };
}

function grow(matrix: Growing, width: number): void {
  const rows = matrix.t.length * 2;
  const { t, values, quality, lastPrice } = matrix;
  (matrix.t = new Float64Array(rows)).set(t);
  (matrix.values = new Float32Array(rows * width)).set(values);
  (matrix.quality = new Uint32Array(rows)).set(quality);
  (matrix.lastPrice = new Float64Array(rows)).set(lastPrice);
}

function trimmed(matrix: Growing, columns: readonly string[]): VectorMatrix {
  const { venue, instrument, rows } = matrix;
  return {
    venue,
    instrument,
    t: matrix.t.subarray(0, rows),
    values: matrix.values.subarray(0, rows * columns.length),
    quality: matrix.quality.subarray(0, rows),
    lastPrice: matrix.lastPrice.subarray(0, rows),
    columns,
  };
}
