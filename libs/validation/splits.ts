/** Walk-forward splits: train on the past, test on what follows, never the other way round (López de Prado 2018, chapter 7). */

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
