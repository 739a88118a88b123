/**
 * The search: every configuration (grid), or successive halving (Jamieson and Talwalkar 2016): all of them on a part of the budget, the better third
 * on three times as much, and so on to all of it. Each trial is in the store before the next one begins, and one that is there is not
 * run again, by nobody: a search that was killed goes on, and workers share one through the store alone.
 */
import { type WallClock } from '#libs/clock/clock.ts';
import { messageOf, TributaryError } from '#libs/errors/errors.ts';
import { type Store } from '#libs/store/port.ts';
import { insertTrial, readTrials, type TrialRow } from '#libs/store/trials.ts';
import { type Score, scoreOf } from './score.ts';
import { type Configuration, configurationsOf, idOf, type Kind, type Space } from './space.ts';
import { Fitter, type FitterOptions, type Ground } from './trial.ts';

export interface SearchPlan {
  readonly kinds: readonly Kind[];
  readonly space: Space;
  readonly method: 'grid' | 'halving';
  /** Configurations of a kind, at most. */
  readonly most: number;
  /** Of halving: how many times the budget grows, and by what. */
  readonly rungs: number;
  readonly eta: number;
  readonly folds: number;
  readonly seed: number;
}

export interface SearchOptions {
  readonly plan: SearchPlan;
  readonly ground: Ground;
  /** Hash of plan and data. */
  readonly searchId: string;
  readonly store: Store;
  readonly clock: WallClock;
  /** This one of so many; from 0. */
  readonly worker: { readonly index: number; readonly of: number };
  /** Without news from the others for so long, milliseconds, their trials are done here. */
  readonly patienceMs: number;
  readonly fitter: FitterOptions;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/** A configuration over all folds at one budget. */
export interface Result {
  readonly configuration: Configuration;
  readonly budget: number;
  readonly folds: readonly TrialRow[];
  /** Over the folds, by their moves; Infinity where a trial failed or has no number. */
  readonly logLoss: number;
  readonly coverageAt68: number;
  /** Of the paper strategy before costs, per hour; plain mean over the folds. */
  readonly sharpe: number;
}

const POLL_MS = 1_000;
const NOTHING: Score = {
  ...{ moves: 0, logLoss: NaN, brier: NaN, accuracy: NaN, coverageAt68: NaN, decisions: 0, signals: 0, hours: 0 },
  ...{ netMeanBps: NaN, netDeviationBps: NaN, grossSharpe: NaN, netSharpe: NaN },
};

/** Shares of the budget, rising to 1. */
export function budgetsOf({ method, rungs, eta }: Pick<SearchPlan, 'method' | 'rungs' | 'eta'>): number[] {
  return method === 'grid' ? [1] : Array.from({ length: rungs }, (_, rung) => eta ** (rung + 1 - rungs));
}

/** How many go on to each rung. */
export function sizesOf(configurations: number, rungs: number, eta: number): number[] {
  return Array.from({ length: rungs }, (_, rung) => Math.max(1, Math.floor(configurations / eta ** rung)));
}

/** The results at the whole budget, by kind, best first. Throws `TRB_STORE_…`, `TRB_TENSORFLOW_…`, what fitting cannot go on after. */
export async function runSearch(options: SearchOptions): Promise<Result[]> {
  const fitter = new Fitter(options.ground, options.fitter);
  const stop = (): void => void fitter.close();
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Search(options, fitter).run();
  } finally {
    options.signal.removeEventListener('abort', stop);
    await fitter.close();
  }
}

interface Wanted {
  readonly configuration: Configuration;
  readonly trialId: string;
  readonly budget: number;
  readonly fold: number;
}

class Search {
  readonly #options: SearchOptions;
  readonly #fitter: Fitter;
  #done = 0;

  constructor(options: SearchOptions, fitter: Fitter) {
    this.#options = options;
    this.#fitter = fitter;
  }

  async run(): Promise<Result[]> {
    const { plan } = this.#options;
    const budgets = budgetsOf(plan);
    const all = plan.kinds.map((kind) => configurationsOf(plan.space, kind, plan.most, plan.seed));
    const sizes = all.map(({ length }) => sizesOf(length, budgets.length, plan.eta));
    const total = plan.folds * sizes.flat().reduce((sum, size) => sum + size, 0);
    const best: Result[] = [];
    for (const [k, configurations] of all.entries()) {
      let alive = configurations;
      let ranked: Result[] = [];
      for (const [rung, budget] of budgets.entries()) {
        if (rung > 0) alive = ranked.slice(0, sizes[k]![rung]).map(({ configuration }) => configuration);
        ranked = (await this.#rung(alive, budget, total)).sort(compareResults);
      }
      best.push(...ranked);
    }
    return best;
  }

  /** Until all of it is in the store, whoever does it. */
  async #rung(configurations: readonly Configuration[], budget: number, total: number): Promise<Result[]> {
    const { plan, worker, clock, patienceMs, signal, onProgress } = this.#options;
    const wanted = configurations.flatMap((configuration) =>
      Array.from({ length: plan.folds }, (_, fold) => ({ configuration, trialId: idOf(configuration), budget, fold })),
    );
    let last = { known: -1, at: clock.now() };
    for (;;) {
      signal.throwIfAborted();
      const known = new Map((await this.#read()).map((row) => [keyOf(row), row]));
      const open = wanted.flatMap((trial, place) => (known.has(keyOf(trial)) ? [] : [{ trial, place }]));
      const found = wanted.length - open.length;
      onProgress(this.#done + found, total);
      if (open.length === 0) {
        this.#done += wanted.length;
        return configurations.map((configuration) => {
          const folds = Array.from({ length: plan.folds }, (_, fold) =>
            known.get(keyOf({ trialId: idOf(configuration), budget, fold }))!,
          );
          return resultOf(configuration, budget, folds);
        });
      }
      if (found !== last.known) last = { known: found, at: clock.now() };
      const own = open.find(({ place }) => place % worker.of === worker.index);
      const isLate = clock.now() - last.at >= patienceMs;
      // Workers that come to help begin in different places.
      const next = own ?? (isLate ? open[worker.index % open.length] : undefined);
      if (next === undefined) await clock.sleep(Math.min(POLL_MS, patienceMs), signal);
      else await this.#run(next.trial);
    }
  }

  #read(): Promise<TrialRow[]> {
    return readTrials(this.#options.store, this.#options.searchId);
  }

  async #run({ configuration, trialId, budget, fold }: Wanted): Promise<void> {
    const { searchId, store, clock, worker, plan, signal } = this.#options;
    const started = clock.now();
    let score = NOTHING;
    let error = '';
    try {
      score = scoreOf(await this.#fitter.run(configuration, budget, fold));
    } catch (thrown) {
      signal.throwIfAborted();
      await this.#fitter.close();
      // Not this configuration's fault: it is tried again, by the next start.
      if (!(thrown instanceof TributaryError) || thrown.canRetry || thrown.code.startsWith('TRB_TENSORFLOW')) throw thrown;
      error = messageOf(thrown);
    }
    await insertTrial(store, {
      ...{ searchId, trialId, model: configuration.model, config: JSON.stringify(configuration), budget, fold, seed: plan.seed },
      ...{ status: error === '' ? 'done' : 'failed', error, ...score },
      ...{ worker: `${worker.index}/${worker.of}`, started, tookSeconds: (clock.now() - started) / 1000 },
    });
  }
}

function keyOf({ trialId, budget, fold }: Pick<TrialRow, 'trialId' | 'budget' | 'fold'>): string {
  return `${trialId} ${budget} ${fold}`;
}

function resultOf(configuration: Configuration, budget: number, folds: readonly TrialRow[]): Result {
  const moves = folds.reduce((sum, fold) => sum + fold.moves, 0);
  const weighed = (of: (fold: TrialRow) => number): number => folds.reduce((sum, fold) => sum + of(fold) * fold.moves, 0) / moves;
  const logLoss = weighed((fold) => fold.logLoss);
  return {
    ...{ configuration, budget, folds, logLoss: Number.isFinite(logLoss) ? logLoss : Infinity },
    coverageAt68: weighed((fold) => fold.coverageAt68),
    sharpe: folds.reduce((sum, { grossSharpe }) => sum + grossSharpe, 0) / folds.length,
  };
}

/** Less log loss first, then more coverage; the id, so that workers agree on what goes on. */
function compareResults(a: Result, b: Result): number {
  if (a.logLoss !== b.logLoss) return a.logLoss - b.logLoss;
  return b.coverageAt68 - a.coverageAt68 || (idOf(a.configuration) < idOf(b.configuration) ? -1 : 1);
}
