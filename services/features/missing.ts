/** How much of the newest vectors is missing, by formula and instrument: what the metric says when it is asked. */
import { COLUMNS } from '#libs/features/catalogue.ts';
import { FORMULAS } from '#libs/features/formulas.ts';
import { type FeatureVector } from '#libs/wire/tributary/v1/features.ts';

/** Instruments beyond these are one, `other`: the number of series must not grow with the number of markets. */
export const MOST_INSTRUMENTS = 40;

/** Formula names with the places of their columns. */
const PLACES = FORMULAS.map(({ name, columns }) => ({ name, places: columns.map((column) => COLUMNS.indexOf(column)) }));

interface Pool {
  /** Vectors of the newest minute, and how often each column was missing in them. */
  t: number;
  vectors: number;
  readonly missing: Uint32Array;
}

export class MissingValues {
  readonly #pools = new Map<string, Pool>();

  /** Takes a vector in. */
  add(vector: FeatureVector): void {
    const pool = this.#poolOf(this.labelOf(vector));
    if (vector.t !== pool.t) {
      pool.t = vector.t;
      pool.vectors = 0;
      pool.missing.fill(0);
    }
    pool.vectors++;
    for (let i = 0; i < vector.values.length; i++) if (Number.isNaN(vector.values[i])) pool.missing[i]!++;
  }

  /** `venue:BASE-QUOTE`, or `other`. */
  labelOf({ venue, instrument }: FeatureVector): string {
    const label = `${venue}:${instrument}`;
    if (!this.#pools.has(label) && this.#pools.size >= MOST_INSTRUMENTS) return 'other';
    this.#poolOf(label);
    return label;
  }

  /** Share of the formula's values that were missing at the newest minute, 0..1. */
  *ratios(): Generator<{ readonly feature: string; readonly instrument: string; readonly ratio: number }> {
    for (const [instrument, { vectors, missing }] of this.#pools) {
      // Of the fast lane alone.
      if (vectors === 0) continue;
      for (const { name, places } of PLACES) {
        let sum = 0;
        for (const place of places) sum += missing[place]!;
        yield { feature: name, instrument, ratio: sum / (vectors * places.length) };
      }
    }
  }

  #poolOf(label: string): Pool {
    let pool = this.#pools.get(label);
    if (pool === undefined) {
      pool = { t: NaN, vectors: 0, missing: new Uint32Array(COLUMNS.length) };
      this.#pools.set(label, pool);
    }
    return pool;
  }
}
