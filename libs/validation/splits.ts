/** Splits: walk-forward, which trains on the past and tests on what follows (López de Prado 2018, chapter 7), and combinatorial. */

export interface Fold {
  /** Rows with from <= t and label known by trainTo are trained on. */
  readonly from: number;
  readonly trainTo: number;
  /** Rows with testFrom <= t < testTo are predicted. */
  readonly testFrom: number;
  readonly testTo: number;
}

/** Folds of `every` milliseconds from `trainUntil` to `end`, each trained on all that came before it. */
export function walkForward(from: number, trainUntil: number, end: number, every: number): Fold[] {
  const folds: Fold[] = [];
  for (let at = trainUntil; at < end; at += every)
    folds.push({ from, trainTo: at, testFrom: at, testTo: Math.min(at + every, end) });
  return folds;
}

/**
 * Inner folds of a training window for out-of-fold predictions: the first `firstShare` trains, the rest is predicted in `parts` steps, each by
 * members trained on all before it.
 */
export function innerFolds(from: number, to: number, firstShare: number, parts: number): Fold[] {
  const start = from + Math.round(((to - from) * firstShare) / 60_000) * 60_000;
  return walkForward(from, start, to, Math.max(60_000, Math.ceil((to - start) / parts / 60_000) * 60_000));
}

/** Purging: a row may be trained on only if its label was known when the fold's test began. */
export function isTrained(fold: Fold, t: number, horizon: number): boolean {
  return t >= fold.from && t + horizon <= fold.trainTo;
}

/** A stretch of time, milliseconds: from <= t < to. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What may be trained on: rows of some spans whose label keeps `embargo` (ms) apart from every one of others. */
export interface TrainingSet {
  readonly within: readonly Span[];
  readonly apart: readonly Span[];
  readonly embargo: number;
}

/** All that was known at `until` (ms). */
export function upTo(until: number): TrainingSet {
  return { within: [{ from: -Infinity, to: until }], apart: [{ from: until, to: Infinity }], embargo: 0 };
}

export function isInSet({ within, apart, embargo }: TrainingSet, t: number, horizon: number): boolean {
  return isWithin(within, t) && isApart(apart, t, horizon, embargo);
}

export function isWithin(spans: readonly Span[], t: number): boolean {
  return spans.some(({ from, to }) => t >= from && t < to);
}

/** Combinatorial cross-validation (López de Prado 2018, chapter 12): every choice of `tested` groups is predicted by models of the others. */
export interface Combinations {
  /** In order of time, without holes. */
  readonly groups: readonly Span[];
  /** Places of the tested groups, rising. */
  readonly splits: readonly (readonly number[])[];
  /** Each a whole history: by group, the place of the split that predicts it. No prediction is in two paths. */
  readonly paths: readonly (readonly number[])[];
  /** Left out on both sides of a test, milliseconds. */
  readonly embargo: number;
}

export interface CombinationsOptions {
  /** `from` <= t < `end`, whole minutes, milliseconds. */
  readonly from: number;
  readonly end: number;
  readonly groups: number;
  /** Groups that are tested at once. */
  readonly testGroups: number;
  readonly embargo: number;
}

export function combinations({ from, end, groups, testGroups, embargo }: CombinationsOptions): Combinations {
  const cut = (place: number): number => from + Math.round(((end - from) * place) / groups / 60_000) * 60_000;
  const splits = choices(groups, testGroups);
  const testing = Array.from({ length: groups }, (_, group) =>
    splits.flatMap((split, place) => (split.includes(group) ? [place] : [])),
  );
  return {
    groups: testing.map((_, group) => ({ from: cut(group), to: cut(group + 1) })),
    splits,
    paths: testing[0]!.map((_, path) => testing.map((places) => places[path]!)),
    embargo,
  };
}

/** Purging and embargo on both sides: no label that a row may be trained on reaches to within `embargo` of one that is tested. */
export function isApart(tested: readonly Span[], t: number, horizon: number, embargo: number): boolean {
  return tested.every(({ from, to }) => t + horizon + embargo <= from || t >= to + horizon + embargo);
}

/** Every way to choose `count` of the numbers below `total`, in order. */
function choices(total: number, count: number, from = 0): number[][] {
  if (count === 0) return [[]];
  return Array.from({ length: Math.max(0, total - count - from + 1) }, (_, i) => from + i).flatMap((first) =>
    choices(total, count - 1, first + 1).map((rest) => [first, ...rest]),
  );
}
