/** Walk-forward over one head: every test minute is decided by members, weights, calibration and threshold made of earlier data only. */
import { decide, fitDecider } from '#libs/models/decide.ts';
import { type Recipe } from '#libs/models/fit.ts';
import { type ThresholdOptions } from '#libs/models/threshold.ts';
import { type Prediction } from '#libs/validation/metrics.ts';
import { VOID } from '#libs/validation/labels.ts';
import { type Fold, innerFolds } from '#libs/validation/splits.ts';
import { type FitPool } from '#services/training/fit-pool.ts';
import { type HeadData } from '#services/training/head-data.ts';
import { FIRST_SHARE, INNER_PARTS, jobOf, joinMoves, LEAST_MOVES, outOfFold } from '#services/training/train.ts';

export interface WalkOptions {
  readonly pool: FitPool;
  readonly recipe: Recipe;
  readonly threshold: ThresholdOptions;
  readonly seed: number;
  readonly onFold: () => void;
}

/** What a fold decided by. */
export interface FoldSummary {
  /** Decisions from here on, ISO. */
  readonly from: string;
  readonly trained: number;
  readonly inputs: number;
  /** Above 1 = silenced. */
  readonly threshold: number;
  readonly silenced: string;
}

export interface Walk {
  /** One for each minute of the folds' tests. */
  readonly predictions: readonly Prediction[];
  readonly folds: readonly FoldSummary[];
}

const MINUTE = 60_000;

/** `place`: the head's table in the pool. `folds` in order of time, without holes. */
export async function walkHead(place: number, data: HeadData, folds: readonly Fold[], options: WalkOptions): Promise<Walk> {
  const first = folds[0]!;
  const inner = innerFolds(data.table.t[0] ?? first.from, first.trainTo, FIRST_SHARE, INNER_PARTS);
  const before = outOfFold(place, data, inner, options, options.seed, first.trainTo);
  const fits = folds.map(async (fold) => {
    const job = jobOf(data, fold, options.recipe, options.seed);
    const fitted = job.rows.length < LEAST_MOVES ? undefined : await options.pool.fit(place, job);
    options.onFold();
    return {
      rows: job.predict,
      trained: job.rows.length,
      inputs: fitted?.inputs.length ?? 0,
      predictions: fitted?.predictions ?? [],
    };
  });
  const [known, parts] = await Promise.all([before, Promise.all(fits)]);
  const predictions: Prediction[] = [];
  const summaries = folds.map((fold, k): FoldSummary => {
    const part = parts[k]!;
    const earlier = parts.slice(0, k).filter((other) => other.predictions.length > 0);
    const later = joinMoves(data, earlier, fold.trainTo, options.recipe.members.length);
    const decider = fitDecider(
      {
        predictions: known.predictions.map((member, m) => Float64Array.from([...member, ...later.predictions[m]!])),
        up: Uint8Array.from([...known.up, ...later.up]),
        times: Float64Array.from([...known.times, ...later.times]),
      },
      options.threshold,
    );
    const { confidence, silenced } = decider.threshold;
    const ups = part.predictions.length === 0 ? undefined : decide(decider, part.predictions, part.rows.length);
    predictions.push(...decisions(data, fold, part.rows, ups, confidence));
    return {
      from: new Date(fold.testFrom).toISOString(),
      trained: part.trained,
      inputs: part.inputs,
      threshold: confidence,
      silenced,
    };
  });
  return { predictions, folds: summaries };
}

/** One decision a minute; a minute without a vector abstains at one half. Probabilities as written to the file: six digits. */
function decisions(data: HeadData, fold: Fold, rows: Int32Array, ups: Float64Array | undefined, threshold: number): Prediction[] {
  const known = new Map([...rows].map((row, i) => [data.table.t[row]!, { row, up: ups?.[i] ?? 0.5 }]));
  const out: Prediction[] = [];
  for (let t = fold.testFrom; t < fold.testTo; t += MINUTE) {
    const found = known.get(t);
    const probabilityUp = Number((found?.up ?? 0.5).toFixed(6));
    const speaks = Math.max(probabilityUp, 1 - probabilityUp) >= threshold;
    out.push({
      t,
      probabilityUp,
      signal: !speaks ? 0 : probabilityUp > 0.5 ? 1 : -1,
      y: found === undefined ? VOID : data.y[found.row]!,
    });
  }
  return out;
}
