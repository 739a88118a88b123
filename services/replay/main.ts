/** `tributary replay FILE`: the services over recorded history, then the accuracy table of what they decided. */
import { Command, Option } from 'commander';
import { type Horizon } from '#libs/market/horizon.ts';
import { duration, horizons, instant, logLevelOption, seedOption, wholeNumber } from '#services/cli/options.ts';

interface ReplayCommandOptions {
  readonly trainUntil?: number;
  readonly retrainEvery?: number;
  readonly horizons: Horizon[];
  readonly seed: number;
  readonly workers: number;
  readonly quick: boolean;
  readonly logLevel: string;
  readonly predictions?: string;
  readonly context?: string;
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('recorded candles through log, features, archive, inference and evaluation; prints the accuracy')
    .argument('<file>', 'candles: .csv, .csv.gz or .parquet')
    .addOption(new Option('--context <file>', 'context values (`backfill --export-context`): .csv, .csv.gz or .parquet'))
    .addOption(new Option('--train-until <time>', 'first decision, UTC; default: half of the file').argParser(instant))
    .addOption(new Option('--retrain-every <duration>', 'how long a bundle serves; default: trained once').argParser(duration))
    .addOption(new Option('--horizons <list>', 'of 1m, 5m, 15m').argParser(horizons).default(['1m', '5m'], '1m,5m'))
    .addOption(new Option('--predictions <file>', 'writes every decision as CSV'))
    .addOption(new Option('--workers <n>', 'training threads').argParser(wholeNumber(0, 64)).default(2))
    .addOption(new Option('--quick', 'smaller models, less accurate').default(false))
    .addOption(seedOption())
    .addOption(logLevelOption().default('warn'))
    .action(async (file: string, options: ReplayCommandOptions) => {
      const [{ runReplay }, { untilStopped }, { accuracyTable }, { assess }, { writePredictions }, { seedFor }, { HORIZON_MS }] =
        await Promise.all([
          import('./replay.ts'),
          import('#services/cli/process.ts'),
          import('#libs/validation/accuracy-table.ts'),
          import('#libs/validation/metrics.ts'),
          import('#services/backtest/files.ts'),
          import('#libs/models/random.ts'),
          import('#libs/market/horizon.ts'),
        ]);
      const started = performance.now();
      const onProgress = (stage: string, done: number, total: number): void => {
        process.stderr.write(`\r${stage} ${Math.floor((100 * done) / total)} %   `);
      };
      const { heads, counts } = await runReplay({ file, ...options, onProgress }, untilStopped());
      process.stderr.write(`\r${Math.round((performance.now() - started) / 1000)} s: ${JSON.stringify(counts)}\n`);
      if (options.predictions !== undefined) await writePredictions(options.predictions, heads);
      const bootstrapSeed = seedFor(options.seed, 'bootstrap');
      const results = heads.map(({ predictions, ...head }) => ({
        ...head,
        ...assess(predictions, bootstrapSeed, HORIZON_MS[head.horizon]),
      }));
      process.stdout.write(`${accuracyTable({ results })}\n`);
    });
}
