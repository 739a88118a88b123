/** The backtest: history folded once, every head walked forward, decisions and accuracy written as files that others can check. */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { TributaryError } from '#libs/errors/errors.ts';
import { COLUMNS, featureSchema } from '#libs/features/catalogue.ts';
import { type Category } from '#libs/features/declaration.ts';
import { loadCandles } from '#libs/history/candles.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { seedFor } from '#libs/models/random.ts';
import { type AccuracyRow } from '#libs/validation/accuracy-table.ts';
import { assess, type Assessment, type Prediction } from '#libs/validation/metrics.ts';
import { type Fold, innerFolds, walkForward } from '#libs/validation/splits.ts';
import { createNetworkPool } from '#services/training/deep/network-pool.ts';
import {
  INCUMBENT_RECIPE,
  LSTM_RECIPE,
  type NetworkRecipe,
  TENSORFLOW_THREADS,
  TRANSFORMER_RECIPE,
} from '#services/training/deep/network-recipes.ts';
import { createSharedMembers } from '#services/training/deep/shared-members.ts';
import { isTensorflowStaged, tensorflowMissing } from '#services/training/deep/tensorflow.ts';
import { createFitPool } from '#services/training/fit-pool.ts';
import { headData, type HeadData } from '#services/training/head-data.ts';
import { foldCandles, type TrainingHistory } from '#services/training/history.ts';
import { FULL_RECIPE, QUICK_RECIPE } from '#services/training/recipes.ts';
import { DEFAULT_THRESHOLD, FIRST_SHARE, INNER_PARTS, seriesOf } from '#services/training/train.ts';
import { curveOf, type Evidence, equityOf, importanceOf, reliabilityOf } from './evidence.ts';
import { type BacktestOptions } from './options.ts';
import { checkWritable, type HeadDecisions, writePredictions, writeReport, writeText } from './files.ts';
import { reportPage } from './page.ts';
import { regimesOf } from './regimes.ts';
import { type FoldSummary, type Walk, walkHead, type WalkOptions } from './walk.ts';

export interface BacktestResult extends AccuracyRow {
  readonly folds: readonly FoldSummary[];
  /** Each by itself, as it is: neither calibrated nor silenced. */
  readonly members: readonly (Assessment & { readonly name: string })[];
  /** Calibrated and silenced like the ensemble. */
  readonly incumbent?: Assessment;
  readonly regimes: readonly (Assessment & { readonly kind: string; readonly name: string })[];
}

/** The report file. */
export interface BacktestReport {
  readonly format: 1;
  readonly history: { readonly file: string; readonly candles: number; readonly from: string; readonly to: string };
  readonly train_until: string;
  readonly retrain_every_minutes: number;
  readonly seed: number;
  readonly quick: boolean;
  readonly models: 'fast' | 'all';
  readonly combine: string;
  readonly calibration: string;
  /** What was done for speed, in words. */
  readonly flags: readonly string[];
  readonly features: { readonly schema_id: string; readonly count: number; readonly without: readonly Category[] };
  /** Venues whose candles were used; null = all of the file. */
  readonly only_venues: readonly string[] | null;
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
  /** Of `--models all`, instead of the usual. */
  readonly networks?: readonly NetworkRecipe[];
}

const MINUTE = 60_000;
const DEEP_RECIPES = [LSTM_RECIPE, TRANSFORMER_RECIPE, INCUMBENT_RECIPE];
const DEEP_FLAGS = [
  'each network is one of its table: all horizons and targets share everything but the last layer',
  'networks start each retraining from the one before it',
  'networks have one out-of-fold split, the other members two',
];
/** Less than this before the first test teaches nothing. */
const LEAST_TRAINING_MINUTES = 360;

/** Throws `TRB_HISTORY_…`, `TRB_UNKNOWN_…`, `TRB_BACKTEST_RANGE`, `TRB_OUTPUT_UNWRITABLE`, `TRB_TENSORFLOW_MISSING`, `TRB_TRAINING_FAILED`. */
export async function runBacktest(options: BacktestOptions, hooks: BacktestHooks = {}): Promise<BacktestReport> {
  for (const path of [options.report, options.predictions, options.html]) if (path !== undefined) await checkWritable(path);
  if (options.models === 'all' && !isTensorflowStaged()) throw tensorflowMissing();
  const selection = {
    symbols: options.symbols,
    context: options.context,
    venues: options.venues,
    signal: hooks.signal,
    onProgress: (done: number, total: number) => hooks.onProgress?.('fold', done, total),
  };
  const { onlyVenues } = options;
  const candles = hooks.candles ?? (await loadCandles(options.history)).rows;
  const history = await foldCandles(
    onlyVenues === undefined ? candles : candles.filter(({ venue }) => onlyVenues.includes(venue)),
    selection,
  );
  for (const { values } of history.tables) switchOff(values, options.without);
  checkRange(history, options.trainUntil);
  const decided = await walkAll(history, options, hooks);
  const report: BacktestReport = {
    format: 1,
    history: { file: basename(options.history), candles: history.candles, from: iso(history.from), to: iso(history.to) },
    train_until: iso(options.trainUntil),
    retrain_every_minutes: options.retrainEvery / MINUTE,
    seed: options.seed,
    quick: options.quick,
    models: options.models,
    combine: options.ensemble.combination,
    calibration: options.ensemble.calibration,
    flags: options.models === 'all' ? DEEP_FLAGS : [],
    features: { schema_id: featureSchema().id, count: featureSchema().columns.length, without: options.without },
    only_venues: onlyVenues ?? null,
    threshold: { wanted: DEFAULT_THRESHOLD.wanted, at_least: DEFAULT_THRESHOLD.atLeast },
    results: decided.map((head) => resultOf(head, options)),
  };
  if (options.predictions !== undefined) await writePredictions(options.predictions, decided);
  if (options.report !== undefined) await writeReport(options.report, report);
  if (options.html !== undefined)
    await writeText(options.html, reportPage(report, await evidenceOf(decided, options.seed, hooks.signal)));
  return report;
}

function resultOf({ data, walk, symbol, venue, horizon, target }: DecidedHead, options: BacktestOptions): BacktestResult {
  const of = (predictions: readonly Prediction[]): Assessment => assess(predictions, seedFor(options.seed, 'bootstrap'));
  const { predictions, folds, members, incumbent } = walk;
  return {
    ...{ symbol, venue, horizon, target },
    ...of(predictions),
    folds,
    members: members.map((member) => ({ name: member.name, ...of(member.predictions) })),
    ...(incumbent === undefined ? {} : { incumbent: of(incumbent) }),
    regimes: regimesOf(data.table, options.trainUntil).map(({ kind, name, holds }) => ({
      ...{ kind, name },
      ...of(predictions.filter(({ t }) => holds(t))),
    })),
  };
}

async function evidenceOf(heads: readonly DecidedHead[], seed: number, signal: AbortSignal | undefined): Promise<Evidence[]> {
  const all: Evidence[] = [];
  for (const { data, walk } of heads) {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    const { predictions, last } = walk;
    all.push({
      reliability: reliabilityOf(predictions),
      curve: curveOf(predictions),
      equity: equityOf(data, predictions),
      importance: importanceOf(data, last, seedFor(seed, 'importance')),
    });
  }
  return all;
}

interface DecidedHead extends HeadDecisions {
  readonly data: HeadData;
  readonly walk: Walk;
}

async function walkAll(history: TrainingHistory, options: BacktestOptions, hooks: BacktestHooks): Promise<DecidedHead[]> {
  const folds = walkForward(history.from, options.trainUntil, history.to, options.retrainEvery);
  const pool = createFitPool(history.tables, options.workers ?? Math.min(availableParallelism(), 4));
  const recipes = options.models === 'all' ? (hooks.networks ?? DEEP_RECIPES) : [];
  const networks = recipes.length === 0 ? undefined : createNetworkPool(history.tables, { threads: TENSORFLOW_THREADS });
  const stop = (): void => void Promise.all([pool.close(), networks?.close()]);
  hooks.signal?.addEventListener('abort', stop, { once: true });
  const heads = options.horizons.length * options.targets.length;
  const total = history.tables.length * (heads * folds.length + recipes.length * (folds.length + 1));
  let done = 0;
  const onFit = (): void => hooks.onProgress?.('train', ++done, total);
  const onEpoch = (share: number): void => hooks.onProgress?.('train', Math.min(done + share, total), total);
  try {
    const walked = await Promise.all(
      history.tables.map(async (table, place) => {
        const series = seriesOf(history.series, table);
        const datas = options.horizons.flatMap((horizon) =>
          options.targets.map((target) => headData(table, series, horizon, target)),
        );
        const inner = innerFolds(table.t[0] ?? history.from, options.trainUntil, FIRST_SHARE, INNER_PARTS);
        const shared =
          networks === undefined
            ? undefined
            : await createSharedMembers(recipes, {
                ...{ pool: networks, place, heads: datas, folds: [inner[0]!, ...folds], seed: options.seed, onFit, onEpoch },
              });
        return Promise.all(datas.map((data) => walkOne(place, data, folds, { pool, shared, onFold: onFit }, options)));
      }),
    );
    return walked.flat();
  } finally {
    hooks.signal?.removeEventListener('abort', stop);
    await Promise.all([pool.close(), networks?.close()]);
  }
}

/** Makes the columns of the categories missing, as if their sources were not there. */
function switchOff(values: Float32Array, categories: readonly Category[]): void {
  const off = COLUMNS.flatMap(({ category }, column) => (categories.includes(category) ? [column] : []));
  for (let row = 0; row < values.length && off.length > 0; row += COLUMNS.length)
    for (const column of off) values[row + column] = NaN;
}

async function walkOne(
  place: number,
  data: HeadData,
  folds: readonly Fold[],
  fitting: Pick<WalkOptions, 'pool' | 'shared' | 'onFold'>,
  options: BacktestOptions,
): Promise<DecidedHead> {
  const { venue, instrument: symbol } = data.table;
  const { horizon, target } = data;
  const seed = seedFor(options.seed, `${venue}:${symbol}:${horizon}:${target}`);
  const recipe = options.quick ? QUICK_RECIPE : FULL_RECIPE;
  const walk = await walkHead(place, data, folds, {
    ...fitting,
    recipe,
    threshold: DEFAULT_THRESHOLD,
    ensemble: options.ensemble,
    seed,
  });
  return { symbol, venue, horizon, target, predictions: walk.predictions, data, walk };
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
