/** The backtest: history folded once, every head walked forward, decisions and accuracy written as files that others can check. */
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { TributaryError } from '#libs/errors/errors.ts';
import { COLUMNS, featureSchema } from '#libs/features/catalogue.ts';
import { type Category } from '#libs/features/declaration.ts';
import { loadCandles } from '#libs/history/candles.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { takerFeeBps, usualHalfSpreadBps } from '#libs/market/fees.ts';
import { HORIZON_MS } from '#libs/market/horizon.ts';
import { seedFor } from '#libs/models/random.ts';
import { type AccuracyRow } from '#libs/validation/accuracy-table.ts';
import { type Consistency, consistencyOf } from '#libs/validation/consistency.ts';
import { estimateHalfSpreadBps } from '#libs/validation/half-spread.ts';
import { type MinuteSeries } from '#libs/validation/labels.ts';
import { assess, type Assessment, type Prediction } from '#libs/validation/metrics.ts';
import { assessPaper, type PaperAssessment, type PaperTrade, paperTrades } from '#libs/validation/paper.ts';
import { ANNUAL } from '#libs/validation/sharpe.ts';
import { combinations, innerFolds, walkForward } from '#libs/validation/splits.ts';
import { createNetworkPool, type NetworkResult } from '#services/training/deep/network-pool.ts';
import {
  INCUMBENT_RECIPE,
  LSTM_RECIPE,
  type NetworkRecipe,
  TENSORFLOW_THREADS,
  TRANSFORMER_RECIPE,
} from '#services/training/deep/network-recipes.ts';
import { createSetNetworks } from '#services/training/deep/set-networks.ts';
import { createSharedMembers } from '#services/training/deep/shared-members.ts';
import { isTensorflowStaged, tensorflowMissing } from '#services/training/deep/tensorflow.ts';
import { createFitPool } from '#services/training/fit-pool.ts';
import { createPooledMembers, joinHeads } from '#services/training/pooled-members.ts';
import { headData, type HeadData } from '#services/training/head-data.ts';
import { foldCandles, type TrainingHistory } from '#services/training/history.ts';
import { FULL_RECIPE, QUICK_RECIPE } from '#services/training/recipes.ts';
import { DEFAULT_THRESHOLD, FIRST_SHARE, INNER_PARTS, seriesOf } from '#services/training/train.ts';
import { curveOf, type Evidence, equityOf, reliabilityOf } from './evidence.ts';
import { type CombinatorialWalk, FITS_A_SPLIT, walkCombinations } from './combinatorial.ts';
import { type BacktestOptions, type Validation } from './options.ts';
import { checkWritable, type HeadDecisions, writePredictions, writeReport, writeText } from './files.ts';
import { importanceOf, type ShuffledNetwork, shuffleNetwork } from './importance.ts';
import { reportPage } from './page.ts';
import { pathMetrics, type PathsReport, reportPaths } from './paths.ts';
import { regimesOf } from './regimes.ts';
import { appendTrial, configurationOf, readTrials, type Trial, trialsOf } from './trials.ts';
import { type FoldSummary, INCUMBENT, type Walk, walkHead, type WalkOptions } from './walk.ts';

export interface BacktestResult extends AccuracyRow {
  /** `sha256` of what was decided in it (t, probability, signal), which nothing later may change. */
  readonly folds: readonly (FoldSummary & { readonly sha256: string })[];
  /** What a round trip costs, and what the signals earned with and without it. */
  readonly costs: Costs;
  readonly paper: PaperAssessment;
  /** Of combinatorial validation: how much the figures vary from one path to another. */
  readonly paths?: PathsReport;
  /** Each by itself, as it is: neither calibrated nor silenced. */
  readonly members: readonly (Assessment & { readonly name: string })[];
  /** Calibrated and silenced like the ensemble. */
  readonly incumbent?: Assessment;
  readonly regimes: readonly (Assessment & { readonly kind: string; readonly name: string })[];
}

/** Basis points of a trade's value, one way. */
export interface Costs {
  readonly taker_fee_bps: number;
  /** The larger of the venue's usual one and an estimate from the candles before the test. */
  readonly half_spread_bps: number;
}

/** The report file. */
export interface BacktestReport {
  readonly format: 1;
  readonly history: { readonly file: string; readonly candles: number; readonly from: string; readonly to: string };
  readonly validation: Validation;
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
  /** Tried so far, this run among them, and where that is known from: what Sharpe ratios are deflated by. */
  readonly trials: { readonly count: number; readonly from: readonly string[] };
  readonly results: readonly BacktestResult[];
  /** How much heads of one horizon and target differ. */
  readonly consistency: readonly Consistency[];
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
const COMBINATORIAL_FLAGS = [
  'combinatorial: decided by models trained on both sides of each test, so it shows how results vary, not what would have been earned',
  'tables, plots and predictions are those of the first path',
];
const COMBINATORIAL_DEEP_FLAGS = [
  'each network is one of its table and starts from nothing in every fit: all horizons and targets share everything but the last layer',
];
/** Less than this before the first test teaches nothing. */
const LEAST_TRAINING_MINUTES = 360;

/** Throws `TRB_HISTORY_…`, `TRB_UNKNOWN_…`, `TRB_BACKTEST_RANGE`, `TRB_OUTPUT_UNWRITABLE`, `TRB_TRIALS_UNREADABLE`, `TRB_TENSORFLOW_MISSING`, `TRB_TRAINING_FAILED`. */
export async function runBacktest(options: BacktestOptions, hooks: BacktestHooks = {}): Promise<BacktestReport> {
  for (const path of [options.report, options.predictions, options.html]) if (path !== undefined) await checkWritable(path);
  if (options.models === 'all' && !isTensorflowStaged()) throw tensorflowMissing();
  const checkpoints = checkpointsOf(options);
  if (checkpoints !== undefined) await mkdir(checkpoints, { recursive: true });
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
  checkRange(history, options);
  const tried = options.ledger === undefined ? [] : await readTrials(options.ledger);
  const decided = await walkAll(history, options, hooks);
  const configuration = configurationOf(decidedBy(options, hooks));
  const trials = trialsOf(tried, configuration, options.trials, options.searched);
  const spreads = halfSpreads(candles, options.trainUntil);
  const papers = decided.map((head) => paperOf(head, spreads));
  const results = decided.map((head, i) => resultOf(head, papers[i]!, trials, options));
  const report: BacktestReport = {
    format: 1,
    history: { file: basename(options.history), candles: history.candles, from: iso(history.from), to: iso(history.to) },
    validation: options.validation,
    train_until: iso(options.trainUntil),
    retrain_every_minutes: options.retrainEvery / MINUTE,
    seed: options.seed,
    quick: options.quick,
    models: options.models,
    combine: options.ensemble.combination,
    calibration: options.ensemble.calibration,
    flags: flagsOf(options),
    features: { schema_id: featureSchema().id, count: featureSchema().columns.length, without: options.without },
    only_venues: onlyVenues ?? null,
    threshold: { wanted: DEFAULT_THRESHOLD.wanted, at_least: DEFAULT_THRESHOLD.atLeast },
    trials: { count: trials.count, from: trialSources(options) },
    results,
    consistency: consistencyOf(results),
  };
  if (options.predictions !== undefined) await writePredictions(options.predictions, decided);
  if (options.report !== undefined) await writeReport(options.report, report);
  if (options.html !== undefined)
    await writeText(options.html, reportPage(report, await evidenceOf(decided, papers, options.seed, hooks.signal)));
  if (options.ledger !== undefined) await appendTrial(options.ledger, trialOf(configuration, results));
  if (checkpoints !== undefined) await rm(checkpoints, { recursive: true, force: true });
  return report;
}

function flagsOf({ validation, models }: BacktestOptions): string[] {
  if (validation.kind === 'combinatorial') return [...COMBINATORIAL_FLAGS, ...(models === 'all' ? COMBINATORIAL_DEEP_FLAGS : [])];
  return models === 'all' ? DEEP_FLAGS : [];
}

/** Where networks leave what they have learned after each epoch: started again after it was killed, the backtest goes on from there. */
function checkpointsOf({ models, report }: BacktestOptions): string | undefined {
  return models === 'all' && report !== undefined ? `${report}.checkpoints` : undefined;
}

/** All that decides what is predicted, so that two runs with the same are one trial. */
function decidedBy(options: BacktestOptions, hooks: BacktestHooks): object {
  const { history, context, trainUntil, retrainEvery, validation, without, onlyVenues, quick, models, ensemble, seed } = options;
  return {
    ...{ history: basename(history), context, trainUntil, retrainEvery, validation, without, onlyVenues, models, ensemble, seed },
    schema: featureSchema().id,
    recipe: quick ? QUICK_RECIPE : FULL_RECIPE,
    threshold: DEFAULT_THRESHOLD,
    networks: deepRecipes(options, hooks),
  };
}

function deepRecipes({ models }: BacktestOptions, { networks }: BacktestHooks): readonly NetworkRecipe[] {
  return models === 'all' ? (networks ?? DEEP_RECIPES) : [];
}

function trialSources({ ledger, trials, searched }: BacktestOptions): string[] {
  return [
    'this run',
    ...(ledger === undefined ? [] : [`the ledger ${basename(ledger)}`]),
    ...(searched === undefined ? [] : [`${searched.count} of searches in the store`]),
    ...(trials.count === 0 ? [] : [`${trials.count} by --trials`]),
  ];
}

function trialOf(configuration: string, results: readonly BacktestResult[]): Trial {
  const sharpe = results.map(({ paper, ...head }) => [
    headName(head),
    { gross: paper.gross.sharpe / ANNUAL, net: paper.net.sharpe / ANNUAL },
  ]);
  return { at: new Date().toISOString(), configuration, sharpe: Object.fromEntries(sharpe) as Trial['sharpe'] };
}

function headName({ venue, symbol, horizon, target }: Pick<BacktestResult, 'venue' | 'symbol' | 'horizon' | 'target'>): string {
  return `${venue} ${symbol} ${horizon} ${target}`;
}

/** `venue:symbol` to basis points, from the candles before `until`. */
function halfSpreads(candles: readonly CandleRow[], until: number): ReadonlyMap<string, number> {
  const groups = new Map<string, CandleRow[]>();
  for (const candle of candles) {
    if (candle.start >= until) continue;
    const key = `${candle.venue}:${candle.instrument}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [candle]);
    else group.push(candle);
  }
  return new Map([...groups].map(([key, group]) => [key, estimateHalfSpreadBps(group)]));
}

interface Paper {
  readonly costs: Costs;
  readonly tradesOf: (predictions: readonly Prediction[]) => PaperTrade[];
  readonly trades: readonly PaperTrade[];
  readonly incumbent: readonly PaperTrade[] | undefined;
}

function paperOf({ venue, symbol, data, series, walk }: DecidedHead, spreads: ReadonlyMap<string, number>): Paper {
  const fee = takerFeeBps(venue);
  const halfSpread = Math.max(usualHalfSpreadBps(venue), spreads.get(`${venue}:${symbol}`) ?? 0);
  const tradesOf = (predictions: readonly Prediction[]): PaperTrade[] =>
    paperTrades(predictions, series, data.horizon, { takerFeeBps: fee, halfSpreadBps: halfSpread });
  return {
    costs: { taker_fee_bps: fee, half_spread_bps: halfSpread },
    tradesOf,
    trades: tradesOf(walk.predictions),
    incumbent: walk.incumbent === undefined ? undefined : tradesOf(walk.incumbent),
  };
}

function resultOf(
  head: DecidedHead,
  paper: Paper,
  trials: ReturnType<typeof trialsOf>,
  options: BacktestOptions,
): BacktestResult {
  const { data, walk, symbol, venue, horizon, target } = head;
  const seed = seedFor(options.seed, 'bootstrap');
  const of = (predictions: readonly Prediction[]): Assessment => assess(predictions, seed, HORIZON_MS[data.horizon]);
  const { predictions, folds, members, incumbent } = walk;
  const name = headName(head);
  const [from, to] = [predictions[0]?.t ?? options.trainUntil, (predictions.at(-1)?.t ?? options.trainUntil) + MINUTE];
  return {
    ...{ symbol, venue, horizon, target },
    ...of(predictions),
    folds: folds.map((fold, k) => ({ ...fold, sha256: hashOf(predictions, fold.from, folds[k + 1]?.from) })),
    costs: paper.costs,
    paper: assessPaper(paper.trades, {
      ...{ from, to, seed },
      incumbent: paper.incumbent,
      trials: { gross: trials.of(name, 'gross'), net: trials.of(name, 'net') },
    }),
    ...('paths' in walk
      ? { paths: reportPaths(walk.paths.map((path) => pathMetrics(of(path), paper.tradesOf(path), from, to))) }
      : {}),
    members: members.map((member) => ({ name: member.name, ...of(member.predictions) })),
    ...(incumbent === undefined ? {} : { incumbent: of(incumbent) }),
    regimes: regimesOf(data.table, options.trainUntil).map(({ kind, name, holds }) => ({
      ...{ kind, name },
      ...of(predictions.filter(({ t }) => holds(t))),
    })),
  };
}

/** Of what was decided from one time on, until another (ISO); not of what came of it. */
function hashOf(predictions: readonly Prediction[], from: string, until: string | undefined): string {
  const [start, end] = [Date.parse(from), until === undefined ? Infinity : Date.parse(until)];
  const hash = createHash('sha256');
  for (const { t, probabilityUp, signal } of predictions)
    if (t >= start && t < end) hash.update(`${t},${probabilityUp},${signal}\n`);
  return hash.digest('hex');
}

async function evidenceOf(
  heads: readonly DecidedHead[],
  papers: readonly Paper[],
  seed: number,
  signal: AbortSignal | undefined,
): Promise<Evidence[]> {
  const all: Evidence[] = [];
  const asked = new Map<NetworkResult, Promise<ShuffledNetwork>>();
  for (const [i, { data, walk, networks, output }] of heads.entries()) {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    const { predictions, last } = walk;
    const shuffling = seedFor(seed, 'importance');
    all.push({
      reliability: reliabilityOf(predictions),
      curve: curveOf(predictions),
      equity: equityOf(papers[i]!.trades),
      importance: [
        { member: 'trees and logistic', features: importanceOf(data, last, shuffling) },
        ...(await Promise.all(
          networks.map(async ({ name, network }) => {
            const known = asked.get(network) ?? shuffleNetwork(network, data.table, last?.rows ?? new Int32Array(), shuffling);
            asked.set(network, known);
            return { member: name, features: (await known).importanceOf(data, output) };
          }),
        )),
      ],
    });
  }
  return all;
}

interface DecidedHead extends HeadDecisions {
  readonly data: HeadData;
  /** What could be traded at. */
  readonly series: MinuteSeries;
  readonly walk: Walk | CombinatorialWalk;
  /** Of its table, as they decided the newest fold, and the head's place among their outputs. */
  readonly networks: readonly NamedNetwork[];
  readonly output: number;
}

interface NamedNetwork {
  readonly name: string;
  readonly network: NetworkResult;
}

async function walkAll(history: TrainingHistory, options: BacktestOptions, hooks: BacktestHooks): Promise<DecidedHead[]> {
  const { validation, trainUntil } = options;
  const checkpoints = checkpointsOf(options);
  const isForward = validation.kind === 'walk-forward';
  const folds = isForward ? walkForward(history.from, trainUntil, history.to, options.retrainEvery) : [];
  const plan = isForward ? undefined : combinations({ ...validation, from: history.from, end: trainUntil });
  const heads = history.tables.map((table) => {
    const series = seriesOf(history.series, table);
    return options.horizons.flatMap((horizon) => options.targets.map((target) => headData(table, series, horizon, target)));
  });
  const recipe = options.quick ? QUICK_RECIPE : FULL_RECIPE;
  const joints = recipe.pooled === undefined ? [] : jointsOf(heads);
  const tables = [...history.tables, ...joints.map((joint) => joint.heads[0]!.table)];
  const pool = createFitPool(tables, options.workers ?? Math.min(availableParallelism(), 4));
  const pooledOf = joints.map((joint, k) =>
    createPooledMembers({
      ...{ pool, place: history.tables.length + k, heads: joint.heads, recipe: recipe.pooled!, seed: options.seed },
    }),
  );
  // The incumbent votes nowhere, and is shown where the others are judged: in time.
  const recipes = deepRecipes(options, hooks).filter(({ name }) => isForward || name !== INCUMBENT);
  const networks = recipes.length === 0 ? undefined : createNetworkPool(history.tables, { threads: TENSORFLOW_THREADS });
  const stop = (): void => void Promise.all([pool.close(), networks?.close()]);
  hooks.signal?.addEventListener('abort', stop, { once: true });
  const perTable = options.horizons.length * options.targets.length;
  const fits = plan === undefined ? folds.length + 1 : FITS_A_SPLIT * plan.splits.length;
  const total = history.tables.length * (perTable * (plan?.splits ?? folds).length + recipes.length * fits);
  let done = 0;
  const onFit = (): void => hooks.onProgress?.('train', ++done, total);
  const onEpoch = (share: number): void => hooks.onProgress?.('train', Math.min(done + share, total), total);
  try {
    const walked = await Promise.all(
      heads.map(async (datas, place) => {
        const table = history.tables[place]!;
        const pooled = pooledOf[joints.findIndex(({ instrument }) => instrument === table.instrument)];
        const checkpoint = checkpoints === undefined ? undefined : join(checkpoints, '/');
        const deep = networks && { pool: networks, place, heads: datas, seed: options.seed, checkpoint, onFit, onEpoch };
        const fitting = { pool, recipe, onFold: onFit };
        if (plan !== undefined) {
          const others = [...(pooled ? [pooled.onSets] : []), ...(deep ? [createSetNetworks(recipes, deep)] : [])];
          const walks = await Promise.all(
            datas.map((data) => walkCombinations(place, data, plan, { ...fitting, others, ...walkOptions(data, options) })),
          );
          return datas.map((data, output) => decidedHead(data, walks[output]!, output, history, []));
        }
        const inner = innerFolds(table.t[0] ?? history.from, options.trainUntil, FIRST_SHARE, INNER_PARTS);
        const shared = deep && (await createSharedMembers(recipes, { ...deep, folds: [inner[0]!, ...folds] }));
        const walks = await Promise.all(
          datas.map((data) => walkHead(place, data, folds, { ...fitting, pooled, shared, ...walkOptions(data, options) })),
        );
        const newest = named(shared?.names ?? [], (await shared?.networks(folds.at(-1)!.trainTo)) ?? []);
        return datas.map((data, output) => decidedHead(data, walks[output]!, output, history, newest));
      }),
    );
    return walked.flat();
  } finally {
    hooks.signal?.removeEventListener('abort', stop);
    await Promise.all([pool.close(), networks?.close()]);
  }
}

/** Where one of them came to no network, it is not known which is whose. */
function named(names: readonly string[], networks: readonly NetworkResult[]): NamedNetwork[] {
  return names.length === networks.length ? networks.map((network, k) => ({ name: names[k]!, network })) : [];
}

/** Instruments that more than one venue has, each with its heads as heads of one table. */
function jointsOf(
  heads: readonly (readonly HeadData[])[],
): { readonly instrument: string; readonly heads: readonly HeadData[] }[] {
  const instruments = [...new Set(heads.map((datas) => datas[0]!.table.instrument))];
  return instruments.flatMap((instrument) => {
    const own = heads.filter((datas) => datas[0]!.table.instrument === instrument);
    return own.length < 2 ? [] : [{ instrument, heads: joinHeads(own) }];
  });
}

/** Makes the columns of the categories missing, as if their sources were not there. */
function switchOff(values: Float32Array, categories: readonly Category[]): void {
  const off = COLUMNS.flatMap(({ category }, column) => (categories.includes(category) ? [column] : []));
  for (let row = 0; row < values.length && off.length > 0; row += COLUMNS.length)
    for (const column of off) values[row + column] = NaN;
}

function walkOptions(
  { table: { venue, instrument }, horizon, target }: HeadData,
  { seed, ensemble }: BacktestOptions,
): Pick<WalkOptions, 'threshold' | 'ensemble' | 'seed'> {
  return { threshold: DEFAULT_THRESHOLD, ensemble, seed: seedFor(seed, `${venue}:${instrument}:${horizon}:${target}`) };
}

function decidedHead(
  data: HeadData,
  walk: Walk | CombinatorialWalk,
  output: number,
  history: TrainingHistory,
  networks: readonly NamedNetwork[],
): DecidedHead {
  const { table, horizon, target } = data;
  const { venue, instrument: symbol } = table;
  const series = seriesOf(history.series, table);
  return { symbol, venue, horizon, target, predictions: walk.predictions, data, walk, series, networks, output };
}

function checkRange(history: TrainingHistory, { trainUntil, validation }: BacktestOptions): void {
  const earliest = history.from + LEAST_TRAINING_MINUTES * MINUTE;
  const latest = validation.kind === 'combinatorial' ? history.to : history.to - MINUTE;
  if (trainUntil >= earliest && trainUntil <= latest) return;
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
