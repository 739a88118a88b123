/**
 * Replay: recorded candles through the services themselves, on a log and an archive of their own: ticks, features, archive, inference,
 * outcomes. Bundles are trained walk-forward on what came before and take effect where their test begins.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TributaryError } from '#libs/errors/errors.ts';
import { candlesToTicks } from '#libs/history/candle-events.ts';
import { loadCandles } from '#libs/history/candles.ts';
import { withContext } from '#libs/history/context-events.ts';
import { loadContext } from '#libs/history/context-file.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type Topic } from '#libs/log/topics.ts';
import { type Horizon } from '#libs/market/horizon.ts';
import { signBundle } from '#libs/models/signature.ts';
import { ModelRegistry } from '#libs/registry/registry.ts';
import { openStore } from '#libs/store/open.ts';
import { walkForward } from '#libs/validation/splits.ts';
import { archivedRows } from '#services/archive/service.ts';
import { createFitPool } from '#services/training/fit-pool.ts';
import { foldCandles } from '#services/training/history.ts';
import { FULL_RECIPE, QUICK_RECIPE } from '#services/training/recipes.ts';
import { DEFAULT_THRESHOLD, trainBundle } from '#services/training/train.ts';
import { openChain, progressOf } from './chain.ts';
import { feedHistory } from './feed.ts';
import { readOutcomes, type ReplayedHead } from './outcomes.ts';

export interface ReplayOptions {
  /** File of context values. Default: none are known. */
  readonly context?: string;
  /** Candles. */
  readonly file: string;
  /** First decision, milliseconds; what came before trains. Default: half of the file. */
  readonly trainUntil?: number;
  /** Milliseconds between trainings. Default: trained once. */
  readonly retrainEvery?: number;
  readonly horizons: readonly Horizon[];
  readonly seed: number;
  readonly workers: number;
  readonly quick: boolean;
  readonly logLevel: string;
  readonly onProgress: (stage: string, done: number, total: number) => void;
}

export interface ReplayResult {
  readonly heads: readonly ReplayedHead[];
  readonly counts: {
    readonly ticks: number;
    readonly vectors: number;
    readonly decisions: number;
    readonly outcomes: number;
    readonly archivedRows: number;
  };
}

const MINUTE = 60_000;
const PARTITIONS = 4;

/** Throws `TRB_HISTORY_…`, `TRB_REPLAY_RANGE`, and what a service throws. */
export async function runReplay(options: ReplayOptions, signal: AbortSignal): Promise<ReplayResult> {
  const { rows } = await loadCandles(options.file);
  const values = options.context === undefined ? [] : await loadContext(options.context);
  const trainUntil = options.trainUntil ?? middleOf(rows);
  // These bundles never leave the process: neither does the key.
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const bundles = await trainWalkForward(rows, trainUntil, options, privateKey, signal);
  const directory = await mkdtemp(join(tmpdir(), 'tributary-replay-'));
  const store = await openStore({ path: join(directory, 'clickhouse') });
  try {
    const { horizons, logLevel } = options;
    const given = { path: join(directory, 'log'), partitions: PARTITIONS, store, horizons, logLevel };
    const chain = await openChain({ ...given, from: trainUntil, trust: () => [publicKey] }, signal);
    const { log } = chain.context;
    try {
      // While inference runs: it keeps every one; who came later would find only the newest two.
      const registry = await ModelRegistry.open(log, chain.running, () => undefined);
      for (const { bytes, id, from } of bundles) {
        const change = { actor: 'replay', reason: 'walk-forward', now: from };
        await registry.publish({ ...change, slot: 'champion', bundleId: id, bundle: bytes, effectiveT: from });
      }
      const done = (async () => {
        await feedHistory(log, withContext(candlesToTicks(rows), values), {}, chain.running);
        await chain.caughtUp((share) => options.onProgress('replay', share, 1));
      })();
      await Promise.race([done, chain.ended]);
      signal.throwIfAborted();
      return {
        heads: await readOutcomes(log),
        counts: { ...(await countRecords(log)), archivedRows: await archivedRows(store) },
      };
    } finally {
      await chain.close();
    }
  } finally {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function trainWalkForward(
  rows: readonly CandleRow[],
  trainUntil: number,
  options: ReplayOptions,
  key: KeyObject,
  signal: AbortSignal,
): Promise<{ bytes: Uint8Array; id: string; from: number }[]> {
  const { horizons, seed, quick } = options;
  const history = await foldCandles(rows, {
    signal,
    context: options.context,
    onProgress: (done, total) => options.onProgress('fold', done, total),
  });
  if (trainUntil <= history.from || trainUntil >= history.to) {
    throw new TributaryError(
      'TRB_REPLAY_RANGE',
      `${new Date(trainUntil).toISOString()} leaves nothing to train on or nothing to test.`,
      {
        hint: `The history runs from ${new Date(history.from).toISOString()} to ${new Date(history.to).toISOString()}.`,
      },
    );
  }
  const folds = walkForward(history.from, trainUntil, history.to, options.retrainEvery ?? history.to - trainUntil);
  const bundles: { bytes: Uint8Array; id: string; from: number }[] = [];
  for (const [i, fold] of folds.entries()) {
    const tables = history.tables.map((table) => {
      const until = table.t.findIndex((t) => t >= fold.testFrom);
      const length = until === -1 ? table.t.length : until;
      return { ...table, t: table.t.subarray(0, length), values: table.values.subarray(0, length * table.columns.length) };
    });
    const pool = createFitPool(tables, options.workers);
    try {
      const bundle = await trainBundle({
        tables,
        series: history.series,
        pool,
        horizons,
        target: 'entry',
        recipe: quick ? QUICK_RECIPE : FULL_RECIPE,
        threshold: DEFAULT_THRESHOLD,
        seed,
        signal,
        onProgress: (done, total) => options.onProgress('train', i * total + done, folds.length * total),
      });
      bundles.push({ bytes: signBundle(bundle, key), id: bundle.id, from: fold.testFrom });
    } finally {
      await pool.close();
    }
  }
  return bundles;
}

function middleOf(rows: readonly CandleRow[]): number {
  const first = rows[0]?.start ?? 0;
  const last = rows.at(-1)?.start ?? 0;
  return Math.floor((first + last) / 2 / MINUTE) * MINUTE;
}

async function countRecords(log: EventLog): Promise<Omit<ReplayResult['counts'], 'archivedRows'>> {
  const count = async (topic: Topic): Promise<number> => (await progressOf(log, '', topic)).written;
  return {
    ticks: await count('ticks'),
    vectors: await count('features'),
    decisions: await count('signals'),
    outcomes: await count('outcomes'),
  };
}
