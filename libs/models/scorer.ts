/** Scores vectors with a bundle: gather the inputs, ask each member, vote, calibrate. */
import { calibrate } from './calibration.ts';
import { type Bundle, type BundleHead, type Target } from './bundle.ts';
import { parseInput, resolveInputs } from './inputs.ts';
import { predictFlat } from './flat-trainers.ts';
import { vote } from './ensemble.ts';

export interface Score {
  /** Calibrated probability that the price is higher at the end of the horizon, given that it moves. */
  readonly probabilityUp: number;
  /** max(p, 1 - p). */
  readonly confidence: number;
  /** Least confidence that speaks; above 1 = silenced. */
  readonly threshold: number;
}

export interface Scorer {
  readonly bundleId: string;
  readonly target: Target;
  /** Earlier vectors that it reads: give the newest and this many before it. */
  readonly lags: number;
  readonly heads: readonly {
    readonly venue: string;
    readonly instrument: string;
    readonly horizon: string;
    readonly silenced: string;
  }[];
  /**
   * `window`: vectors of (venue, instrument) one cadence apart, newest last, values in the schema's order; a shorter window or
   * `undefined` for a vector that was never made reads as missing values. Undefined where the bundle has no such head.
   */
  score(
    venue: string,
    instrument: string,
    horizon: string,
    window: readonly (ArrayLike<number> | undefined)[],
  ): Score | undefined;
}

/** Throws `TRB_BUNDLE_FEATURES` where the schema lacks one of the bundle's features at its version. */
export function createScorer(bundle: Bundle, schemaColumns: readonly string[]): Scorer {
  const inputs = bundle.inputs.map(parseInput);
  const places = resolveInputs(inputs, schemaColumns);
  const heads = new Map(bundle.heads.map((head) => [keyOf(head.venue, head.instrument, head.horizon), head]));
  return {
    bundleId: bundle.id,
    target: bundle.target,
    lags: inputs.reduce((most, input) => Math.max(most, input.lag), 0),
    heads: bundle.heads.map(({ venue, instrument, horizon, silenced }) => ({ venue, instrument, horizon, silenced })),
    score(venue, instrument, horizon, window) {
      const head = heads.get(keyOf(venue, instrument, horizon));
      if (head === undefined) return undefined;
      const values = new Float32Array(head.inputs.length);
      for (let i = 0; i < values.length; i++) {
        const input = head.inputs[i]!;
        const vector = window[window.length - 1 - inputs[input]!.lag];
        values[i] = vector?.[places[input]!] ?? Number.NaN;
      }
      return scoreRow(head, values);
    },
  };
}

/** Scores one row of a head's own inputs. */
export function scoreRow(head: BundleHead, values: Float32Array): Score {
  const opinions = head.members.map(({ model }) => predictFlat(model, values));
  const raw = vote(
    opinions,
    head.members.map((member) => member.weight),
  );
  const probabilityUp = calibrate(head.calibration, raw);
  return { probabilityUp, confidence: Math.max(probabilityUp, 1 - probabilityUp), threshold: head.threshold };
}

function keyOf(venue: string, instrument: string, horizon: string): string {
  return `${venue}\u0000${instrument}\u0000${horizon}`;
}
