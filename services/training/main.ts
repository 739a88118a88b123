/**
 * `tributary train`: candles in, bundle out. Runs as a child process of `up`, so that training holds no event loop; progress goes to the parent
 * as `{ progress: { done, total } }` and to stderr.
 */
import { Command, Option } from 'commander';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { FAST_HORIZONS, type Horizon, SLOW_HORIZONS } from '#libs/market/horizon.ts';
import { type Bundle } from '#libs/models/bundle.ts';
import { type Recipe } from '#libs/models/fit.ts';
import { innerFolds } from '#libs/validation/splits.ts';
import { DEFAULT_ENSEMBLE } from '#libs/models/decide.ts';
import { signBundle } from '#libs/models/signature.ts';
import { DEFAULT_KEY, operatorKey } from '#libs/registry/operator-key.ts';
import { parseHorizons, parseHorizonsOf } from '#services/backtest/options.ts';
import { checkWritable, unwritable } from '#services/backtest/files.ts';
import { names } from '#services/cli/options.ts';
import { untilStopped } from '#services/cli/process.ts';
import { checkSource, openArchive, openSource, sourceSchema } from './candle-source.ts';
import { createNetworkPool } from './deep/network-pool.ts';
import {
  INCUMBENT_RECIPE,
  LSTM_RECIPE,
  type NetworkRecipe,
  TENSORFLOW_THREADS,
  TRANSFORMER_RECIPE,
} from './deep/network-recipes.ts';
import { createSharedMembers } from './deep/shared-members.ts';
import { isTensorflowStaged, tensorflowMissing } from './deep/tensorflow.ts';
import { openTickArchive } from './fast/archived-ticks.ts';
import { type FastHistory, foldArchivedTicks, loadFastHistory } from './fast/history.ts';
import { trainFastBundle } from './fast/train.ts';
import { createFitPool } from './fit-pool.ts';
import { headData, type HeadData, trainingRows } from './head-data.ts';
import { createPooledMembers, joinHeads, type PooledMembers } from './pooled-members.ts';
import { foldToFiles } from './history.ts';
import { FULL_RECIPE, QUICK_RECIPE } from './recipes.ts';
import {
  DEFAULT_THRESHOLD,
  FIRST_SHARE,
  INNER_PARTS,
  LEAST_MOVES,
  sealTables,
  type Span,
  trainTable,
  type TrainedTable,
} from './train.ts';
import { sourceOptions } from './source-options.ts';
import { type StoredTable } from './vector-files.ts';

const optionsSchema = z.strictObject({
  ...sourceSchema.shape,
  lane: z.enum(['slow', 'fast']).default('slow'),
  symbols: z.array(z.string()).optional(),
  venues: z.array(z.string()).optional(),
  out: z.string().min(1),
  horizons: z.string().optional(),
  target: z.enum(['entry', 'close']),
  seed: z.coerce.number().int().nonnegative(),
  workers: z.coerce.number().int().min(0).max(64),
  quick: z.boolean().default(false),
  models: z.enum(['fast', 'all', 'incumbent']).default('fast'),
  device: z.enum(['cpu', 'gpu']).default('cpu'),
  key: z.string().min(1).default(DEFAULT_KEY),
});
type Options = z.output<typeof optionsSchema>;

/** Folding and fitting share the progress: folding is its first third. */
const FOLD_SHARE = 1 / 3;
const PROGRESS_TOTAL = 1_000;
/** Of all venues of an instrument together, in memory beside the table at hand: about 300 MB. */
const JOINT_ROWS = 120_000;
const NETWORKS: Readonly<Record<Options['models'], readonly NetworkRecipe[]>> = {
  fast: [],
  all: [LSTM_RECIPE, TRANSFORMER_RECIPE],
  incumbent: [INCUMBENT_RECIPE],
};

export function trainCommand(): Command {
  const command = new Command('train')
    .description('train a bundle on candles or (--lane fast) on ticks, archived or in a file')
    .requiredOption('--out <file>', 'where the bundle goes; vectors wait in a folder beside it meanwhile');
  for (const option of sourceOptions()) command.addOption(option);
  command
    .addOption(
      new Option('--lane <name>', 'slow = every minute, on candles; fast = at quote changes')
        .choices(['slow', 'fast'])
        .default('slow'),
    )
    .addOption(new Option('--symbols <list>', 'BASE-QUOTE; default: every one quoted in USD').argParser(names))
    .addOption(new Option('--venues <list>', 'default: every one with candles').argParser(names))
    .option('--horizons <list>', 'of 1m, 5m, 15m, in the fast lane of 1s, 2s, 5s, 10s; default: all of them')
    .option('--target <kind>', 'entry or close: what the slow lane predicts; the fast one the mid', 'entry')
    .option('--seed <n>', 'seed of everything random', '1')
    .option('--workers <n>', 'training threads, 0 = none beside the main one', '0')
    .option('--quick', 'smaller models within seconds')
    .option(
      '--models <kinds>',
      'fast = trees and logistic regression; all = LSTM and Transformer too; incumbent = the model before, for the slot fallback',
      'fast',
    )
    .option('--device <kind>', 'of networks: cpu, or gpu, which fails where TensorFlow uses none', 'cpu')
    .addOption(
      new Option('--key <file>', 'Ed25519 key that signs the bundle, PEM; made where there is none')
        .env('TRIBUTARY_BUNDLE_KEY')
        .default(DEFAULT_KEY),
    );
  return command.action(async (raw: object) => {
    const bundle = await runTraining(raw, untilStopped());
    process.stderr.write(`\n${summaryOf(bundle)}\n`);
  });
}

/**
 * Throws `TRB_TRAINING_OPTIONS`, `TRB_UNKNOWN_…`, `TRB_HISTORY_…`, `TRB_STORE_…`, `TRB_OUTPUT_UNWRITABLE`, `TRB_BUNDLE_KEY`,
 * `TRB_TENSORFLOW_…`, `TRB_TRAINING_FAILED`.
 */
export async function runTraining(raw: unknown, signal: AbortSignal, recipes?: readonly NetworkRecipe[]): Promise<Bundle> {
  const parsed = optionsSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw wrong(`${issue?.path.join('.') ?? 'option'}: ${issue?.message ?? 'not valid'}`, 'See `tributary train --help`.');
  }
  const options = parsed.data;
  if (options.lane === 'fast') return trainFast(options, signal);
  const horizons = parseHorizons(options.horizons ?? SLOW_HORIZONS.join(','));
  const { out, models, device } = options;
  await checkWritable(out);
  const key = await operatorKey(options.key);
  if (models !== 'fast' && !isTensorflowStaged()) throw tensorflowMissing();
  if (device === 'gpu') await checkGpu(models);
  const vectors = `${out}.vectors`;
  // Left by one that was killed.
  await rm(vectors, { recursive: true, force: true });
  await mkdir(vectors, { recursive: true });
  try {
    const tables = await foldFrom(options, vectors, signal);
    const bundle = await trainTables(tables, options, horizons, signal, recipes ?? NETWORKS[models]);
    await save(signBundle(bundle, key), out);
    await rm(checkpointsOf(out), { recursive: true, force: true });
    return bundle;
  } finally {
    await rm(vectors, { recursive: true, force: true });
  }
}

/** On ticks, archived or a recording: no networks, no choice of target. */
async function trainFast(options: Options, signal: AbortSignal): Promise<Bundle> {
  const { models, quick, out, seed, workers } = options;
  checkSource(options);
  if (models !== 'fast' || quick)
    throw wrong('--lane fast has one recipe, of trees and logistic regression', 'Leave out --models and --quick.');
  const horizons = parseHorizonsOf(options.horizons ?? FAST_HORIZONS.join(','), FAST_HORIZONS, 'ticks');
  await checkWritable(out);
  const key = await operatorKey(options.key);
  const bundle = await trainFastBundle(await fastHistory(options, signal), { horizons, seed, workers });
  signal.throwIfAborted();
  await save(signBundle(bundle, key), out);
  return bundle;
}

async function fastHistory(options: Options, signal: AbortSignal): Promise<FastHistory> {
  const { history, symbols, venues } = options;
  const onProgress = (done: number, total: number): void => tell((done / total) * FOLD_SHARE);
  const selection = { symbols, venues, signal, onProgress };
  if (history !== undefined) return loadFastHistory(history, selection);
  const store = await openArchive(options);
  try {
    return await foldArchivedTicks(await openTickArchive(store, options), selection);
  } finally {
    await store.close();
  }
}

/** Before hours of folding and not after. */
async function checkGpu(models: Options['models']): Promise<void> {
  if (models === 'fast') throw wrong('--device gpu: only networks use one', 'Add --models all.');
  const pool = createNetworkPool([], { threads: TENSORFLOW_THREADS, device: 'gpu' });
  await pool.ready().finally(() => pool.close());
}

async function foldFrom(options: Options, folder: string, signal: AbortSignal): Promise<StoredTable[]> {
  const { source, close } = await openSource(options);
  try {
    const { symbols, venues } = options;
    return await foldToFiles(source, folder, {
      ...{ symbols, venues, signal },
      onProgress: (done, total) => tell((done / total) * FOLD_SHARE),
    });
  } finally {
    await close();
  }
}

/** One table in memory at a time, and beside it the newest rows of all venues of its instrument. */
async function trainTables(
  stored: readonly StoredTable[],
  options: Options,
  horizons: readonly Horizon[],
  signal: AbortSignal,
  recipes: readonly NetworkRecipe[],
): Promise<Bundle> {
  const span = {
    from: stored.reduce((least, { from }) => Math.min(least, from), Infinity),
    to: stored.reduce((most, { to }) => Math.max(most, to), 0),
  };
  const total = stored.length * horizons.length;
  let heads = 0;
  const onHead = (): void => tell(FOLD_SHARE + (++heads / total) * (1 - FOLD_SHARE));
  const given = { ...options, horizons, signal, recipes, onHead };
  const trained = new Map<StoredTable, TrainedTable>();
  for (const instrument of new Set(stored.map((each) => each.instrument))) {
    const venues = stored.filter((each) => each.instrument === instrument);
    await withPooled(venues, span, given, async (pooled) => {
      for (const each of venues) trained.set(each, await trainStored(each, span, { ...given, pooled }));
    });
  }
  return sealTables(
    stored.map((each) => trained.get(each)!),
    span,
    options,
  );
}

/**
 * `work` gets the members of all venues. None where there is one venue, and none where history is so long that the newest rows, which are all that
 * they are fitted on, come after what the first inner fold trains on.
 */
async function withPooled(
  venues: readonly StoredTable[],
  { to }: Span,
  options: TableOptions,
  work: (pooled: PooledMembers | undefined) => Promise<void>,
): Promise<void> {
  const { horizons, target, seed, workers } = options;
  const { pooled: recipe } = recipeOf(options);
  if (recipe === undefined || venues.length < 2) return work(undefined);
  const heads = joinHeads(headsOf(venues, horizons, target), Math.floor(JOINT_ROWS / venues.length));
  const from = venues.reduce((least, venue) => Math.min(least, venue.from), Infinity);
  const [first] = innerFolds(from, to, FIRST_SHARE, INNER_PARTS);
  if (trainingRows(heads[0]!, { ...first!, from: -Infinity }).length < LEAST_MOVES) return work(undefined);
  const pool = createFitPool([heads[0]!.table], workers);
  try {
    await work(createPooledMembers({ pool, place: 0, heads, recipe, seed }));
  } finally {
    await pool.close();
  }
}

function* headsOf(
  venues: readonly StoredTable[],
  horizons: readonly Horizon[],
  target: Options['target'],
): Generator<HeadData[]> {
  for (const venue of venues) {
    const { table, series } = venue.load();
    yield horizons.map((horizon) => headData(table, series, horizon, target));
  }
}

/** The incumbent stands alone. */
function recipeOf({ models, quick }: Pick<Options, 'models' | 'quick'>): Recipe {
  if (models === 'incumbent') return { ...QUICK_RECIPE, members: [] };
  return quick ? QUICK_RECIPE : FULL_RECIPE;
}

interface TableOptions extends Omit<Options, 'horizons'> {
  readonly horizons: readonly Horizon[];
  readonly signal: AbortSignal;
  readonly recipes: readonly NetworkRecipe[];
  readonly onHead: () => void;
}

async function trainStored(
  stored: StoredTable,
  span: Span,
  options: TableOptions & { readonly pooled: PooledMembers | undefined },
): Promise<TrainedTable> {
  const { out, target, seed, workers, models, device, signal, recipes, horizons, pooled, onHead } = options;
  const { table, series } = stored.load();
  const pool = createFitPool([table], workers);
  const networks = recipes.length > 0 ? createNetworkPool([table], { threads: TENSORFLOW_THREADS, device }) : undefined;
  // Started again after it was killed, it goes on from these.
  const checkpoint = join(checkpointsOf(out), '/');
  if (networks !== undefined) await mkdir(checkpoint, { recursive: true });
  const stop = (): void => void networks?.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await trainTable(0, table, span, {
      ...{ pool, horizons, target, seed, signal, pooled, onHead },
      series: [series],
      recipe: recipeOf(options),
      threshold: DEFAULT_THRESHOLD,
      // Of many members some add nothing.
      ensemble: { ...DEFAULT_ENSEMBLE, dropUseless: models === 'all' },
      ...(networks === undefined
        ? {}
        : {
            shared: (place, heads, folds) => {
              const given = { pool: networks, place, heads, folds, seed, checkpoint, onFit: () => undefined };
              return createSharedMembers(recipes, given, folds.at(-1)!.trainTo);
            },
          }),
    });
  } finally {
    signal.removeEventListener('abort', stop);
    await Promise.all([pool.close(), networks?.close()]);
  }
}

function checkpointsOf(out: string): string {
  return `${out}.checkpoints`;
}

async function save(bundle: Uint8Array, out: string): Promise<void> {
  try {
    await writeFile(`${out}.part`, bundle);
    await rename(`${out}.part`, out);
  } catch (cause) {
    throw unwritable(out, cause);
  }
}

function wrong(what: string, hint: string): TributaryError {
  return new TributaryError('TRB_TRAINING_OPTIONS', `${what}.`, { hint });
}

function tell(share: number): void {
  process.send?.({ progress: { done: Math.round(share * PROGRESS_TOTAL), total: PROGRESS_TOTAL } });
  if (process.stderr.isTTY) process.stderr.write(`\rtraining ${Math.floor(share * 100)} %  `);
}

function summaryOf(bundle: Bundle): string {
  const lines = bundle.heads.map(({ venue, instrument, horizon, silenced, metrics }) => {
    const found = metrics.accuracy === null ? '' : ` ${metrics.accuracy.toFixed(3)} on ${metrics.outOfFold} moves out of fold;`;
    const speaks =
      silenced === ''
        ? ` speaks on ${((metrics.emittedCoverage ?? 0) * 100).toFixed(1)} % of moves at ${(metrics.emittedAccuracy ?? 0).toFixed(3)}`
        : ` silent: ${silenced}`;
    return `${venue} ${instrument} ${horizon}:${found}${speaks}`;
  });
  return [`bundle ${bundle.id}`, ...lines].join('\n');
}
