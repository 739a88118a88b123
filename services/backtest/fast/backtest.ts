/** The backtest of the fast lane: ticks folded once, every head trained on the first part and tested on the rest, decision by decision. */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { TributaryError } from '#libs/errors/errors.ts';
import { fastSchema } from '#libs/features/fast/catalogue.ts';
import { type TickRow } from '#libs/history/rows.ts';
import { HORIZON_MS, type Horizon } from '#libs/market/horizon.ts';
import { seedFor } from '#libs/models/random.ts';
import { type AccuracyRow, accuracyTable } from '#libs/validation/accuracy-table.ts';
import { assess, type Assessment, type Prediction } from '#libs/validation/metrics.ts';
import { type MidSeries } from '#libs/validation/mid-labels.ts';
import { fastHeadData } from '#services/training/fast/head-data.ts';
import { type FastHistory, foldTickRows, loadFastHistory, type FastTarget } from '#services/training/fast/history.ts';
import { FAST_BLOCK_MS, FAST_RECIPE, FAST_THRESHOLD } from '#services/training/fast/recipes.ts';
import { createFitPool, type FitPool } from '#services/training/fit-pool.ts';
import { checkWritable, type HeadDecisions, writePredictions, writeReport } from '../files.ts';
import { type FoldSummary, type Walk, walkHead } from '../walk.ts';
import { type FastBacktestOptions } from './options.ts';

export interface FastBacktestResult extends AccuracyRow {
  /** Decisions tested: moves, flats and voids. */
  readonly decisions: number;
  /** Median time between two updates of the venue before the test, milliseconds. */
  readonly update_every_ms: number;
  /** Updates are so far apart that much of what is foreseen has happened already: no such accuracy on a live feed. */
  readonly indicative: boolean;
  readonly folds: readonly FoldSummary[];
  /** Each by itself, as it is: neither calibrated nor silenced. */
  readonly members: readonly (Assessment & { readonly name: string })[];
}

/** The report file. */
export interface FastBacktestReport {
  readonly format: 1;
  readonly lane: 'fast';
  readonly history: { readonly file: string; readonly ticks: number; readonly from: string; readonly to: string };
  readonly train_until: string;
  /** From a decision to the price that its move is measured from. */
  readonly delay_ms: number;
  /** Blocks of the bootstrap. */
  readonly block_ms: number;
  readonly seed: number;
  readonly combine: string;
  readonly calibration: string;
  readonly features: { readonly schema_id: string; readonly count: number };
  readonly threshold: { readonly wanted: number; readonly at_least: number };
  readonly results: readonly FastBacktestResult[];
}

export interface FastBacktestHooks {
  readonly onProgress?: (stage: 'fold' | 'train', done: number, total: number) => void;
  readonly signal?: AbortSignal;
  /** Instead of the file's. */
  readonly ticks?: readonly TickRow[];
}

/** Less than this before the test teaches nothing, milliseconds. */
const LEAST_TRAINING = 5 * 60_000;
/** Updates further apart than half of the shortest horizon, milliseconds: polled, or batched. */
const SPARSE = 500;

interface DecidedHead extends HeadDecisions {
  readonly horizon: Horizon;
  readonly walk: Walk;
  readonly series: MidSeries;
}

/** Throws `TRB_HISTORY_…`, `TRB_UNKNOWN_…`, `TRB_BACKTEST_RANGE`, `TRB_OUTPUT_UNWRITABLE`, `TRB_TRAINING_FAILED`. */
export async function runFastBacktest(options: FastBacktestOptions, hooks: FastBacktestHooks = {}): Promise<FastBacktestReport> {
  for (const path of [options.report, options.predictions]) if (path !== undefined) await checkWritable(path);
  const selection = {
    symbols: options.symbols,
    venues: options.venues,
    signal: hooks.signal,
    onProgress: (done: number, total: number) => hooks.onProgress?.('fold', done, total),
  };
  const history = await (hooks.ticks === undefined
    ? loadFastHistory(options.history, selection)
    : foldTickRows(hooks.ticks, selection));
  const trainUntil = splitOf(history, options);
  const decided = await walkAll(history, trainUntil, options, hooks);
  const report: FastBacktestReport = {
    format: 1,
    lane: 'fast',
    history: { file: basename(options.history), ticks: history.rows, from: iso(history.from), to: iso(history.to) },
    train_until: iso(trainUntil),
    delay_ms: options.delay,
    block_ms: FAST_BLOCK_MS,
    seed: options.seed,
    combine: options.ensemble.combination,
    calibration: options.ensemble.calibration,
    features: { schema_id: fastSchema().id, count: fastSchema().columns.length },
    threshold: { wanted: FAST_THRESHOLD.wanted, at_least: FAST_THRESHOLD.atLeast },
    results: decided.map((head) => resultOf(head, trainUntil, options.seed)),
  };
  if (options.predictions !== undefined) await writePredictions(options.predictions, decided);
  if (options.report !== undefined) await writeReport(options.report, report);
  return report;
}

/** The accuracy table, and which of its lines are indicative only. */
export function fastBacktestText(report: FastBacktestReport): string {
  const sparse = new Map(
    report.results
      .filter(({ indicative }) => indicative)
      .map((result) => [`${result.venue} ${result.symbol}`, (result.update_every_ms / 1000).toFixed(1)]),
  );
  const notes = [...sparse].map(
    ([name, seconds]) =>
      `indicative: ${name} is updated every ${seconds} s in this recording, so much of what is foreseen has happened already`,
  );
  return [accuracyTable(report), ...notes].join('\n');
}

async function walkAll(
  history: FastHistory,
  trainUntil: number,
  options: FastBacktestOptions,
  hooks: FastBacktestHooks,
): Promise<DecidedHead[]> {
  const { targets } = history;
  const pool = createFitPool(
    targets.map(({ table }) => table),
    options.workers ?? Math.min(availableParallelism(), 4),
  );
  const stop = (): void => void pool.close();
  hooks.signal?.addEventListener('abort', stop, { once: true });
  const total = targets.length * options.horizons.length;
  let done = 0;
  try {
    const walked = targets.flatMap((target, place) =>
      options.horizons.map(async (horizon) => {
        const head = await walkOne(pool, place, target, horizon, history, trainUntil, options);
        hooks.onProgress?.('train', ++done, total);
        return head;
      }),
    );
    return await Promise.all(walked);
  } finally {
    hooks.signal?.removeEventListener('abort', stop);
    await pool.close();
  }
}

async function walkOne(
  pool: FitPool,
  place: number,
  target: FastTarget,
  horizon: Horizon,
  history: FastHistory,
  trainUntil: number,
  options: FastBacktestOptions,
): Promise<DecidedHead> {
  const data = fastHeadData(target, horizon, history, options.delay);
  const { venue, instrument: symbol } = target.table;
  const fold = { from: history.from, trainTo: trainUntil, testFrom: trainUntil, testTo: history.to };
  const walk = await walkHead(place, data, [fold], {
    pool,
    recipe: FAST_RECIPE,
    threshold: FAST_THRESHOLD,
    ensemble: options.ensemble,
    seed: seedFor(options.seed, `${venue}:${symbol}:${horizon}:mid`),
    onFold: () => undefined,
  });
  return { symbol, venue, horizon, target: 'mid', predictions: walk.predictions, walk, series: target.series };
}

function resultOf(
  { symbol, venue, horizon, target, walk, series }: DecidedHead,
  until: number,
  seed: number,
): FastBacktestResult {
  const of = (predictions: readonly Prediction[]): Assessment =>
    assess(predictions, seedFor(seed, 'bootstrap'), HORIZON_MS[horizon], FAST_BLOCK_MS);
  const every = medianGap(series.heard, until);
  return {
    ...{ symbol, venue, horizon, target },
    decisions: walk.predictions.length,
    update_every_ms: every,
    indicative: every > SPARSE,
    ...of(walk.predictions),
    folds: walk.folds,
    members: walk.members.map((member) => ({ name: member.name, ...of(member.predictions) })),
  };
}

function medianGap(heard: Float64Array, until: number): number {
  const before = heard.filter((t) => t < until);
  const gaps = before.subarray(1).map((t, i) => t - before[i]!);
  return gaps.sort()[gaps.length >>> 1] ?? 0;
}

/** First decision that is tested, milliseconds. */
function splitOf({ from, to }: FastHistory, { trainUntil }: FastBacktestOptions): number {
  const until = 'time' in trainUntil ? trainUntil.time : Math.round(from + (to - from) * trainUntil.share);
  if (until - from >= LEAST_TRAINING && until < to) return until;
  throw new TributaryError('TRB_BACKTEST_RANGE', `A test from ${iso(until)} on leaves nothing to train on or nothing to test.`, {
    hint:
      to - from > LEAST_TRAINING
        ? `The history runs from ${iso(from)} to ${iso(to)}, and five minutes are the least to train on.`
        : 'The history is shorter than five minutes: give a longer one.',
  });
}

function iso(t: number): string {
  return new Date(t).toISOString();
}
