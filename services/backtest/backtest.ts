/** The backtest: history folded once, every head walked forward, decisions and accuracy written as files that others can check. */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { TributaryError } from '#libs/errors/errors.ts';
import { featureSchema } from '#libs/features/catalogue.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { seedFor } from '#libs/models/random.ts';
import { type AccuracyRow } from '#libs/validation/accuracy-table.ts';
import { assess } from '#libs/validation/metrics.ts';
import { walkForward } from '#libs/validation/splits.ts';
import { createFitPool } from '#services/training/fit-pool.ts';
import { headData } from '#services/training/head-data.ts';
import { foldCandles, loadTrainingHistory, type TrainingHistory } from '#services/training/history.ts';
import { FULL_RECIPE, QUICK_RECIPE } from '#services/training/recipes.ts';
import { DEFAULT_THRESHOLD, seriesOf } from '#services/training/train.ts';
import { type BacktestOptions } from './options.ts';
import { checkWritable, type HeadDecisions, writePredictions, writeReport } from './files.ts';
import { type FoldSummary, walkHead } from './walk.ts';

export interface BacktestResult extends AccuracyRow {
  readonly folds: readonly FoldSummary[];
}

/** The report file. */
export interface BacktestReport {
  readonly format: 1;
  readonly history: { readonly file: string; readonly candles: number; readonly from: string; readonly to: string };
  readonly train_until: string;
  readonly retrain_every_minutes: number;
  readonly seed: number;
  readonly quick: boolean;
  readonly features: { readonly schema_id: string; readonly count: number };
  /** Accuracy on moves that a threshold must have reached on earlier data. */
  readonly threshold: { readonly wanted: number; readonly at_least: number };
  readonly results: readonly BacktestResult[];
}

export type BacktestStage = 'fold' | 'train';

export interface BacktestHooks {
  readonly onProgress?: (stage: BacktestStage, done: number, total: number) => void;
  readonly signal?: AbortSignal;
  /** Instead of the file's. */
  readonly candles?: readonly CandleRow[];
}

const MINUTE = 60_000;
/** Less than this before the first test teaches nothing. */
const LEAST_TRAINING_MINUTES = 360;

/** Throws `TRB_HISTORY_…`, `TRB_UNKNOWN_…`, `TRB_BACKTEST_RANGE`, `TRB_OUTPUT_UNWRITABLE`, `TRB_TRAINING_FAILED`. */
export async function runBacktest(options: BacktestOptions, hooks: BacktestHooks = {}): Promise<BacktestReport> {
  for (const path of [options.report, options.predictions]) if (path !== undefined) await checkWritable(path);
  const selection = {
    symbols: options.symbols,
    context: options.context,
    venues: options.venues,
    signal: hooks.signal,
    onProgress: (done: number, total: number) => hooks.onProgress?.('fold', done, total),
  };
  const history =
    hooks.candles === undefined
      ? await loadTrainingHistory(options.history, selection)
      : await foldCandles(hooks.candles, selection);
  checkRange(history, options.trainUntil);
  const decided = await walkAll(history, options, hooks);
  const report: BacktestReport = {
    format: 1,
    history: { file: basename(options.history), candles: history.candles, from: iso(history.from), to: iso(history.to) },
    train_until: iso(options.trainUntil),
    retrain_every_minutes: options.retrainEvery / MINUTE,
    seed: options.seed,
    quick: options.quick,
    features: { schema_id: featureSchema().id, count: featureSchema().columns.length },
    threshold: { wanted: DEFAULT_THRESHOLD.wanted, at_least: DEFAULT_THRESHOLD.atLeast },
    results: decided.map(({ symbol, venue, horizon, target, predictions, folds }) => ({
      symbol,
      venue,
      horizon,
      target,
      ...assess(predictions, seedFor(options.seed, 'bootstrap')),
      folds,
    })),
  };
  if (options.predictions !== undefined) await writePredictions(options.predictions, decided);
  if (options.report !== undefined) await writeReport(options.report, report);
  return report;
}

type DecidedHead = HeadDecisions & { readonly folds: readonly FoldSummary[] };

async function walkAll(history: TrainingHistory, options: BacktestOptions, hooks: BacktestHooks): Promise<DecidedHead[]> {
  const folds = walkForward(history.from, options.trainUntil, history.to, options.retrainEvery);
  const pool = createFitPool(history.tables, options.workers ?? Math.min(availableParallelism(), 4));
  const stop = (): void => void pool.close();
  hooks.signal?.addEventListener('abort', stop, { once: true });
  const total = history.tables.length * options.horizons.length * options.targets.length * folds.length;
  let done = 0;
  const onFold = (): void => hooks.onProgress?.('train', ++done, total);
  try {
    return await Promise.all(
      history.tables.flatMap((table, place) =>
        options.horizons.flatMap((horizon) =>
          options.targets.map(async (target) => {
            const data = headData(table, seriesOf(history.series, table), horizon, target);
            const seed = seedFor(options.seed, `${table.venue}:${table.instrument}:${horizon}:${target}`);
            const recipe = options.quick ? QUICK_RECIPE : FULL_RECIPE;
            const walk = await walkHead(place, data, folds, { pool, recipe, threshold: DEFAULT_THRESHOLD, seed, onFold });
            return { symbol: table.instrument, venue: table.venue, horizon, target, ...walk };
          }),
        ),
      ),
    );
  } finally {
    hooks.signal?.removeEventListener('abort', stop);
    await pool.close();
  }
}

function checkRange(history: TrainingHistory, trainUntil: number): void {
  const earliest = history.from + LEAST_TRAINING_MINUTES * MINUTE;
  if (trainUntil >= earliest && trainUntil < history.to) return;
  throw new TributaryError(
    'TRB_BACKTEST_RANGE',
    `--train-until ${iso(trainUntil)} leaves nothing to train on or nothing to test.`,
    {
      hint:
        earliest < history.to
          ? `The history runs from ${iso(history.from)} to ${iso(history.to)}: choose a time between ${iso(earliest)} and its end.`
          : 'The history is shorter than six hours: give a longer one.',
    },
  );
}

function iso(t: number): string {
  return new Date(t).toISOString();
}
