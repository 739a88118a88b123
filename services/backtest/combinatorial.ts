/**
 * Combinatorial purged cross-validation of one head: every choice of groups is decided by members, weights, calibration and threshold of the other
 * groups, which lie on both sides of it in time. It shows how much results vary from path to path, not what would have been earned.
 */
import { type Decider, fitDecider, type OutOfFold } from '#libs/models/decide.ts';
import { memberName } from '#libs/models/fit.ts';
import { HORIZON_MS } from '#libs/market/horizon.ts';
import { type Prediction } from '#libs/validation/metrics.ts';
import { type Combinations, type Fold, isApart, isWithin, type Span, type TrainingSet } from '#libs/validation/splits.ts';
import { type HeadData, rowsOf, upsOf } from '#services/training/head-data.ts';
import { joinMoves, LEAST_MOVES, type PredictedFold, type SharedMembers } from '#services/training/train.ts';
import { decisions, summaryOf, type Walk, type WalkOptions } from './walk.ts';

export interface CombinatorialWalk extends Walk {
  /** Each a decision a minute; `predictions`, `members` and `folds` are those of the first. */
  readonly paths: readonly (readonly Prediction[])[];
}

export interface CombinatorialOptions extends Omit<WalkOptions, 'pooled' | 'shared'> {
  /** Members beside the recipe's own, whose votes follow theirs. */
  readonly others: readonly SharedMembers<TrainingSet>[];
}

/** On all that may be trained on, and on each half of it for what the other half says. */
export const FITS_A_SPLIT = 3;

/** `place`: the head's table in the pool. */
export async function walkCombinations(
  place: number,
  data: HeadData,
  plan: Combinations,
  options: CombinatorialOptions,
): Promise<CombinatorialWalk> {
  const { groups, splits, paths } = plan;
  const decided = await Promise.all(
    splits.map(async (tested) => {
      const split = await decideSplit(place, data, plan, tested, options);
      options.onFold();
      return split;
    }),
  );
  const names = namesOf(options);
  const all = names.map((_, m) => m);
  const along = (path: readonly number[], members: readonly number[], isDecided: boolean): Prediction[] =>
    groups.flatMap((group, g) => {
      const { part, decider } = decided[path[g]!]!;
      return decisions(data, testOf(group), part && within(data, part, group), members, isDecided ? decider : undefined);
    });
  const predicted = paths.map((path) => along(path, all, true));
  const first = paths[0]!;
  return {
    paths: predicted,
    predictions: predicted[0]!,
    members: names.map((name, m) => ({ name, predictions: along(first, [m], false) })),
    folds: groups.map((group, g) => {
      const { part, decider } = decided[first[g]!]!;
      return summaryOf(testOf(group), part, decider, names, all);
    }),
    incumbent: undefined,
    last: decided[first.at(-1)!]!.part,
  };
}

interface Split {
  /** Of all the tested groups; undefined = too few moves. */
  readonly part: PredictedFold | undefined;
  readonly decider: Decider;
}

async function decideSplit(
  place: number,
  data: HeadData,
  { groups, embargo }: Combinations,
  tested: readonly number[],
  options: CombinatorialOptions,
): Promise<Split> {
  const { pool, recipe, seed, threshold, ensemble, others } = options;
  const tests = tested.map((group) => groups[group]!);
  const training = groups.filter((_, group) => !tested.includes(group));
  const fit = async (set: TrainingSet, predict: readonly Span[]): Promise<PredictedFold | undefined> => {
    const rows = rowsOf(data, set);
    if (rows.length < LEAST_MOVES / 2) return undefined;
    const asked = decisionsOf(data, predict);
    const size = Float64Array.from(rows, (row) => data.size[row]!);
    const [fitted, ...beside] = await Promise.all([
      pool.fit(place, { rows, up: upsOf(data, rows), size, predict: asked, recipe, seed }),
      ...others.map((members) => members.predict(set, data, asked)),
    ]);
    return { rows: asked, trained: rows.length, fitted, predictions: [...fitted.predictions, ...beside.flat()] };
  };
  // The members' votes, calibration and threshold come from the training groups alone: each half of them as the other half sees it.
  const middle = Math.ceil(training.length / 2);
  const halves = [training.slice(0, middle), training.slice(middle)] as const;
  const all: TrainingSet = { within: training, apart: tests, embargo };
  const [part, ...seen] = await Promise.all([
    fit(all, tests),
    fit({ within: halves[1], apart: [...tests, ...halves[0]], embargo }, halves[0]),
    fit({ within: halves[0], apart: [...tests, ...halves[1]], embargo }, halves[1]),
  ]);
  const apart = seen.flatMap((half) => (half === undefined ? [] : [onlyApart(data, half, tests, embargo)]));
  const known: OutOfFold = joinMoves(data, apart, Infinity, namesOf(options).length);
  return { part, decider: fitDecider(known, threshold, ensemble, part && (await repeatsOf(options, all, data))) };
}

/** In the order of predictions. */
function namesOf({ recipe, others }: CombinatorialOptions): string[] {
  return [...recipe.members.map(memberName), ...others.flatMap(({ names }) => names)];
}

/** In the order of predictions, whether a member says no more than another does. */
async function repeatsOf({ recipe, others }: CombinatorialOptions, set: TrainingSet, data: HeadData): Promise<boolean[]> {
  const beside = others.map(async (members) => (await members.repeats?.(set, data)) ?? members.names.map(() => false));
  return [...recipe.members.map(() => false), ...(await Promise.all(beside)).flat()];
}

function decisionsOf({ table }: HeadData, spans: readonly Span[]): Int32Array {
  return Int32Array.from(table.t.keys()).filter((row) => isWithin(spans, table.t[row]!));
}

function within(data: HeadData, part: PredictedFold, group: Span): PredictedFold {
  return only(part, (row) => isWithin([group], data.table.t[row]!));
}

/** Thresholds and calibration may see no label that reaches into a test, either. */
function onlyApart(data: HeadData, part: PredictedFold, tests: readonly Span[], embargo: number): PredictedFold {
  return only(part, (row) => isApart(tests, data.table.t[row]!, HORIZON_MS[data.horizon], embargo));
}

function only(part: PredictedFold, keep: (row: number) => boolean): PredictedFold {
  const kept = [...part.rows.keys()].filter((i) => keep(part.rows[i]!));
  return {
    ...part,
    rows: Int32Array.from(kept, (i) => part.rows[i]!),
    predictions: part.predictions.map((member) => Float64Array.from(kept, (i) => member[i]!)),
  };
}

function testOf({ from, to }: Span): Pick<Fold, 'testFrom' | 'testTo'> {
  return { testFrom: from, testTo: to };
}
