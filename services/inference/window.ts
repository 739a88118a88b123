/** The newest vectors of each (venue, instrument) of one partition and lane, one cadence apart: what a model with lags reads. */
import { type FeatureVector } from '#libs/wire/tributary/v1/features.ts';

/** Most earlier vectors that a bundle may read. */
export const MAX_LAGS = 120;
/** Cadence of the slow lane, milliseconds. */
export const CADENCE_MS = 60_000;

interface Window {
  /** Oldest first. */
  readonly vectors: FeatureVector[];
  /** Newest time that came by the log. */
  newest: number;
}

export class Windows {
  readonly #windows = new Map<string, Window>();

  /** Takes a vector of history, so that the first ones of the log have something before them. Oldest first, before any `add`. */
  prime(vector: FeatureVector): void {
    push(this.#of(vector).vectors, vector);
  }

  /** Takes the next vector of the log; false = it is not newer than the last one and changes nothing. */
  add(vector: FeatureVector): boolean {
    const window = this.#of(vector);
    if (vector.t <= window.newest) return false;
    window.newest = vector.t;
    push(window.vectors, vector);
    return true;
  }

  /** Values of the newest vector and the `lags` before it, newest last; undefined where one of them was never made. */
  ending(venue: string, instrument: string, lags: number): readonly (readonly number[])[] | undefined {
    const last = this.#windows.get(keyOf(venue, instrument))?.vectors.slice(-(lags + 1));
    if (last === undefined || last.length <= lags) return undefined;
    return last.at(-1)!.t - last[0]!.t === lags * CADENCE_MS ? last.map((vector) => vector.values) : undefined;
  }

  #of({ venue, instrument }: FeatureVector): Window {
    const key = keyOf(venue, instrument);
    let window = this.#windows.get(key);
    if (window === undefined) this.#windows.set(key, (window = { vectors: [], newest: -Infinity }));
    return window;
  }
}

function push(vectors: FeatureVector[], vector: FeatureVector): void {
  while (vectors.length > 0 && vectors.at(-1)!.t >= vector.t) vectors.pop();
  // Columns of another schema stand in other places.
  if (vectors.length > 0 && vectors[0]!.schemaId !== vector.schemaId) vectors.length = 0;
  vectors.push(vector);
  if (vectors.length > MAX_LAGS + 1) vectors.shift();
}

function keyOf(venue: string, instrument: string): string {
  return `${venue}\u0000${instrument}`;
}
