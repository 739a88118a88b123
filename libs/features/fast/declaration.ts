/**
 * How a feature of the fast lane is declared: as in ../declaration.ts, but computed at quote changes, and warm-up is in seconds. Columns are
 * named `name[.variant]@version`; all begin with `fast_`, so none is taken for one of the slow lane.
 */
import { type Feature } from '../declaration.ts';
import { type FastAsset, type FastInstrument } from './state.ts';

/** `warmup`: seconds of quotes. */
export type FastFeature = Feature;

/** What a block may look at: everything that came before, or with, the quote that makes the vector. */
export interface FastView {
  /** Decision time, milliseconds. */
  readonly now: number;
  readonly asset: FastAsset;
  /** Newest clock, milliseconds. */
  readonly clock: number;
  /** The instrument that the vector belongs to. */
  readonly target: FastInstrument;
  /** Standard deviation of the target's log return over a second; the unit `sd`. */
  readonly scale: number;
}

export interface FastBlock {
  /** One column per feature and variant, ordered by variant first; default one variant without name. */
  readonly features: readonly FastFeature[];
  readonly variants?: readonly string[];
  /** Writes at out[at] and after; what is not written is missing. Must not change the state. */
  write(view: FastView, out: Float64Array, at: number): void;
}

export function fastColumns({ features, variants = [''] }: FastBlock): readonly string[] {
  return variants.flatMap((variant) =>
    features.map(({ name, version = 1 }) => `${name}${variant === '' ? '' : `.${variant}`}@${version}`),
  );
}
