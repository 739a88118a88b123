/**
 * Combinatorial purged cross-validation of one head: every choice of groups is decided by members, weights, calibration and threshold of the other
 * groups, which lie on both sides of it in time. It shows how much results vary from path to path, not what would have been earned.
 */
import { type Decider, fitDecider, type OutOfFold } from '#libs/models/decide.ts';
import { memberName } from '#libs/models/fit.ts';
import { HORIZON_MS } from '#libs/market/horizon.ts';
import { type Prediction } from '#libs/validation/metrics.ts';
import { type Combinations, type Fold, isApart, type Span } from '#libs/validation/splits.ts';
import { type HeadData, isMove, upsOf } from '#services/training/head-data.ts';
import { joinMoves, LEAST_MOVES, type PredictedFold } from '#services/training/train.ts';
import { decisions, summaryOf, type Walk, type WalkOptions } from './walk.ts';

export interface CombinatorialWalk extends Walk {
  /** Each a decision a minute; `predictions`, `members` and `folds` are those of the first. */
  readonly paths: readonly (readonly Prediction[])[];
}

/** `place`: the head's table in the pool. */
export async function walkCombinations(
  place: number,
  data: HeadData,
  plan: Combinations,
  options: Omit<WalkOptions, 'shared'>,
): Promise<CombinatorialWalk> {
  const { groups, splits, paths } = plan;
  const decided = await Promise.all(
    splits.map(async (tested) => {
      const split = await decideSplit(place, data, plan, tested, options);
      options.onFold();
      return split;
    }),
  );
  const names = options.recipe.members.map(memberName);
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
  options: Omit<WalkOptions, 'shared'>,
): Promise<Split> {
  const { pool, recipe, seed, threshold, ensemble } = options;
  const { t } = data.table;
  const horizon = HORIZON_MS[data.horizon];
  const tests = tested.map((group) => groups[group]!);
  const others = groups.filter((_, group) => !tested.includes(group));
  const fit = async (
    from: readonly Span[],
    predict: readonly Span[],
    apartFrom: readonly Span[],
  ): Promise<PredictedFold | undefined> => {
    const rows = rowsOf(data, from).filter((row) => isMove(data, row) && isApart(apartFrom, t[row]!, horizon, embargo));
    if (rows.length < LEAST_MOVES / 2) return undefined;
    const asked = rowsOf(data, predict);
    const size = Float64Array.from(rows, (row) => data.size[row]!);
    const fitted = await pool.fit(place, { rows, up: upsOf(data, rows), size, predict: asked, recipe, seed });
    return { rows: asked, trained: rows.length, fitted, predictions: fitted.predictions };
  };
  // The members' votes, calibration and threshold come from the training groups alone: each half of them as the other half sees it.
  const middle = Math.ceil(others.length / 2);
  const halves = [others.slice(0, middle), others.slice(middle)] as const;
  const [part, ...seen] = await Promise.all([
    fit(others, tests, tests),
    fit(halves[1], halves[0], [...tests, ...halves[0]]),
    fit(halves[0], halves[1], [...tests, ...halves[1]]),
  ]);
  const apart = seen.flatMap((half) => (half === undefined ? [] : [onlyApart(data, half, tests, embargo)]));
  const known: OutOfFold = joinMoves(data, apart, Infinity, recipe.members.length);
  return { part, decider: fitDecider(known, threshold, ensemble) };
}

function rowsOf({ table }: HeadData, spans: readonly Span[]): Int32Array {
  return Int32Array.from(table.t.keys()).filter((row) => isWithin(spans, table.t[row]!));
}

function isWithin(spans: readonly Span[], t: number): boolean {
  return spans.some(({ from, to }) => t >= from && t < to);
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
