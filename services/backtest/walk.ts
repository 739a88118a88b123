/** Walk-forward over one head: every test minute is decided by members, weights, calibration and threshold made of earlier data only. */
import { BLOCKING } from '#libs/features/quality.ts';
import { decide, type Decider, type EnsembleOptions, fitDecider, type OutOfFold } from '#libs/models/decide.ts';
import { heardMembers } from '#libs/models/ensemble.ts';
import { type Recipe } from '#libs/models/fit.ts';
import { type ThresholdOptions } from '#libs/models/threshold.ts';
import { type Prediction } from '#libs/validation/metrics.ts';
import { VOID } from '#libs/validation/labels.ts';
import { type Fold, innerFolds } from '#libs/validation/splits.ts';
import { type FitPool } from '#services/training/fit-pool.ts';
import { type PooledMembers } from '#services/training/pooled-members.ts';
import { type HeadData, testRows, trainingRows } from '#services/training/head-data.ts';
import {
  FIRST_SHARE,
  INNER_PARTS,
  joinDistances,
  joinMoves,
  LEAST_MOVES,
  memberNames,
  outOfFold,
  predictFold,
  type PredictedFold,
  repeatsOf,
  type SharedMembers,
} from '#services/training/train.ts';

export interface WalkOptions {
  readonly pool: FitPool;
  readonly recipe: Recipe;
  readonly threshold: ThresholdOptions;
  readonly ensemble: EnsembleOptions;
  readonly seed: number;
  readonly pooled?: PooledMembers | undefined;
  /** Deep members, and the incumbent, which is shown beside and votes nowhere. */
  readonly shared?: SharedMembers | undefined;
  readonly onFold: () => void;
}

/** What a fold decided by. */
export interface FoldSummary {
  /** Decisions from here on, ISO. */
  readonly from: string;
  readonly trained: number;
  readonly inputs: number;
  /** Of the vote, by member. */
  readonly weights: Readonly<Record<string, number>>;
  /** Above 1 = silenced. */
  readonly threshold: number;
  readonly silenced: string;
}

/** What one member says by itself, neither calibrated nor silenced. */
export interface MemberWalk {
  readonly name: string;
  readonly predictions: readonly Prediction[];
}

export interface Walk {
  /** One for each minute of the folds' tests. */
  readonly predictions: readonly Prediction[];
  readonly folds: readonly FoldSummary[];
  readonly members: readonly MemberWalk[];
  /** Calibrated and silenced as the ensemble is, by itself. */
  readonly incumbent: readonly Prediction[] | undefined;
  /** The newest fold, for what its models attend to. */
  readonly last: PredictedFold | undefined;
}

export const INCUMBENT = 'incumbent';
const MINUTE = 60_000;

/** `place`: the head's table in the pool. `folds` in order of time, without holes. */
export async function walkHead(place: number, data: HeadData, folds: readonly Fold[], options: WalkOptions): Promise<Walk> {
  const { seed, threshold } = options;
  const first = folds[0]!;
  const inner = innerFolds(data.table.t[0] ?? first.from, first.trainTo, FIRST_SHARE, INNER_PARTS);
  const before = outOfFold(place, data, inner, options, seed, first.trainTo);
  const fits = folds.map(async (fold) => {
    const isEnough = trainingRows(data, fold).length >= LEAST_MOVES;
    const part = isEnough ? await predictFold(place, data, fold, options, seed) : undefined;
    options.onFold();
    return part;
  });
  const repeated = folds.map((fold) => repeatsOf(options, fold.trainTo, data));
  const [known, parts, repeats] = await Promise.all([before, Promise.all(fits), Promise.all(repeated)]);
  const names = memberNames(options);
  const voting = names.flatMap((name, m) => (name === INCUMBENT ? [] : [m]));
  const incumbent = names.indexOf(INCUMBENT);
  const deciders = folds.map((fold, k) => {
    const earlier = parts.slice(0, k).filter((part) => part !== undefined);
    const later = joinMoves(data, earlier, fold.trainTo, names.length);
    const all = joined(known, later);
    return {
      ensemble: fitDecider(
        only(all, voting),
        threshold,
        options.ensemble,
        voting.map((m) => repeats[k]![m]!),
      ),
      incumbent: incumbent < 0 ? undefined : fitDecider(only(all, [incumbent]), threshold),
    };
  });
  const decided = (members: readonly number[], of: (k: number) => Decider | undefined): Prediction[] =>
    folds.flatMap((fold, k) => decisions(data, fold, parts[k], members, of(k)));
  return {
    predictions: decided(voting, (k) => deciders[k]!.ensemble),
    incumbent: incumbent < 0 ? undefined : decided([incumbent], (k) => deciders[k]!.incumbent),
    members: names.map((name, m) => ({ name, predictions: decided([m], () => undefined) })),
    folds: folds.map((fold, k) => summaryOf(fold, parts[k], deciders[k]!.ensemble, names, voting)),
    last: parts.at(-1),
  };
}

function joined(a: OutOfFold, b: OutOfFold): OutOfFold {
  return {
    predictions: a.predictions.map((member, m) => Float64Array.from([...member, ...b.predictions[m]!])),
    up: Uint8Array.from([...a.up, ...b.up]),
    times: Float64Array.from([...a.times, ...b.times]),
    distances: (members) => joinDistances([a.distances?.(members), b.distances?.(members)]),
  };
}

function only({ predictions, distances, ...rest }: OutOfFold, members: readonly number[]): OutOfFold {
  return {
    ...rest,
    predictions: members.map((m) => predictions[m]!),
    distances: (chosen) => distances?.(chosen.map((k) => members[k]!)),
  };
}

export function summaryOf(
  fold: Pick<Fold, 'testFrom'>,
  part: PredictedFold | undefined,
  { weights, threshold }: Decider,
  names: readonly string[],
  voting: readonly number[],
): FoldSummary {
  return {
    from: new Date(fold.testFrom).toISOString(),
    trained: part?.trained ?? 0,
    inputs: part?.fitted.inputs.length ?? 0,
    weights: Object.fromEntries(voting.map((m, i) => [names[m]!, weights[i]!])),
    threshold: threshold.confidence,
    silenced: threshold.silenced,
  };
}

/**
 * One decision a minute, and a minute without a vector abstains at one half; where decisions are irregular, one for each row that has one. A row of bad
 * quality or far from the training data abstains as the live service does. Probabilities as written to the file: six digits. Without a
 * decider it is the first of the members as it is, which never speaks.
 */
export function decisions(
  data: HeadData,
  fold: Pick<Fold, 'testFrom' | 'testTo'>,
  part: PredictedFold | undefined,
  members: readonly number[],
  decider: Decider | undefined,
): Prediction[] {
  const opinions = part === undefined ? [] : members.map((m) => part.predictions[m]!);
  const rows = part?.rows ?? testRows(data, fold);
  const ups = part === undefined || decider === undefined ? opinions[0] : decide(decider, opinions, rows.length);
  const threshold = decider?.threshold.confidence ?? Infinity;
  const limit = decider?.limit ?? Infinity;
  const heard = decider === undefined ? [] : heardMembers(decider.combination, decider.weights).map((k) => members[k]!);
  const distances = limit === Infinity ? undefined : part?.distances?.(heard);
  const known = new Map(
    [...rows].map((row, i) => {
      const mayNot = ((data.table.quality?.[row] ?? 0) & BLOCKING) !== 0 || (distances?.[i] ?? 0) > limit;
      return [data.table.t[row]!, { row, up: ups?.[i] ?? 0.5, mayNot }];
    }),
  );
  const out: Prediction[] = [];
  const times = data.isDecided === undefined ? minutesOf(fold) : known.keys();
  for (const t of times) {
    const found = known.get(t);
    const probabilityUp = Number((found?.up ?? 0.5).toFixed(6));
    const speaks = found?.mayNot !== true && Math.max(probabilityUp, 1 - probabilityUp) >= threshold;
    out.push({
      t,
      probabilityUp,
      signal: !speaks ? 0 : probabilityUp > 0.5 ? 1 : -1,
      y: found === undefined ? VOID : data.y[found.row]!,
    });
  }
  return out;
}

function* minutesOf(fold: Pick<Fold, 'testFrom' | 'testTo'>): Generator<number> {
  for (let t = fold.testFrom; t < fold.testTo; t += MINUTE) yield t;
}
