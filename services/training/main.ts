/**
 * `tributary train`: candles in, bundle out. Runs as a child process of `up`, so that training holds no event loop; progress goes to the parent
 * as `{ progress: { done, total } }` and to stderr.
 */
import { Command } from 'commander';
import { rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Bundle, encodeBundle } from '#libs/models/bundle.ts';
import { parseHorizons } from '#services/backtest/options.ts';
import { untilStopped } from '#services/cli/process.ts';
import { createFitPool } from './fit-pool.ts';
import { checkWritable, unwritable } from '#services/backtest/files.ts';
import { loadTrainingHistory } from './history.ts';
import { FULL_RECIPE, QUICK_RECIPE } from './recipes.ts';
import { DEFAULT_THRESHOLD, trainBundle } from './train.ts';

const optionsSchema = z.strictObject({
  history: z.string().min(1),
  context: z.string().min(1).optional(),
  out: z.string().min(1),
  horizons: z.string(),
  target: z.enum(['entry', 'close']),
  seed: z.coerce.number().int().nonnegative(),
  workers: z.coerce.number().int().min(0).max(64),
  quick: z.boolean().default(false),
});

/** Folding and fitting share the progress: folding is its first third. */
const FOLD_SHARE = 1 / 3;
const PROGRESS_TOTAL = 1_000;

export function trainCommand(): Command {
  return new Command('train')
    .description('train a bundle on a candle file')
    .requiredOption('--history <file>', 'candles: .csv, .csv.gz or .parquet')
    .option('--context <file>', 'context values (`backfill --export-context`): .csv, .csv.gz or .parquet')
    .requiredOption('--out <file>', 'where the bundle goes')
    .option('--horizons <list>', 'of 1m, 5m, 15m', '1m,5m,15m')
    .option('--target <kind>', 'entry or close: what is predicted', 'entry')
    .option('--seed <n>', 'seed of everything random', '1')
    .option('--workers <n>', 'training threads, 0 = none beside the main one', '0')
    .option('--quick', 'smaller models within seconds')
    .action(async (raw: object) => {
      const bundle = await trainFromFile(raw, untilStopped());
      process.stderr.write(`\n${summaryOf(bundle)}\n`);
    });
}

/** Throws `TRB_TRAINING_OPTIONS`, `TRB_UNKNOWN_HORIZON`, `TRB_HISTORY_…`, `TRB_OUTPUT_UNWRITABLE`, `TRB_TRAINING_FAILED`. */
export async function trainFromFile(raw: unknown, signal: AbortSignal): Promise<Bundle> {
  const parsed = optionsSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new TributaryError('TRB_TRAINING_OPTIONS', `${issue?.path.join('.') ?? 'option'}: ${issue?.message ?? 'not valid'}.`, {
      hint: 'See `tributary train --help`.',
    });
  }
  const { history: file, out, target, seed, workers, quick } = parsed.data;
  const horizons = parseHorizons(parsed.data.horizons);
  await checkWritable(out);
  const history = await loadTrainingHistory(file, {
    signal,
    context: parsed.data.context,
    onProgress: (done, total) => tell((done / total) * FOLD_SHARE),
  });
  const pool = createFitPool(history.tables, workers);
  try {
    const bundle = await trainBundle({
      tables: history.tables,
      series: history.series,
      pool,
      horizons,
      target,
      recipe: quick ? QUICK_RECIPE : FULL_RECIPE,
      threshold: DEFAULT_THRESHOLD,
      seed,
      signal,
      onProgress: (done, total) => tell(FOLD_SHARE + (done / total) * (1 - FOLD_SHARE)),
    });
    await save(bundle, out);
    return bundle;
  } finally {
    await pool.close();
  }
}

async function save(bundle: Bundle, out: string): Promise<void> {
  try {
    await writeFile(`${out}.part`, encodeBundle(bundle));
    await rename(`${out}.part`, out);
  } catch (cause) {
    throw unwritable(out, cause);
  }
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
