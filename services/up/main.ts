/** `tributary up`, what `npm start` runs: every service in one process, on the embedded log and the embedded ClickHouse. */
import { Command, Option } from 'commander';
import {
  contextFilesOption,
  contextSourcesOption,
  lanesOption,
  logLevelOption,
  seedOption,
  symbolsOption,
  tracesOption,
  venuesOption,
  wholeNumber,
} from '#services/cli/options.ts';
import { paperOptions } from '#services/paper/options.ts';
import { type UpOptions } from './up.ts';

export function upCommand(): Command {
  const command = new Command('up')
    .description('everything in one process: ingest, features, signals, outcomes, the page')
    .addOption(
      new Option(
        '--source <kind>',
        'live = the venues; sim = the built-in simulator; replay = a history file; auto = live, else sim',
      )
        .env('TRIBUTARY_SOURCE')
        .choices(['auto', 'live', 'sim', 'replay'])
        .default('auto'),
    )
    .addOption(venuesOption('where from; more than the default are opt-in'))
    .addOption(symbolsOption())
    .addOption(lanesOption())
    .addOption(
      new Option('--port <n>', 'of the page; 0 = any free port')
        .env('TRIBUTARY_PORT')
        .argParser(wholeNumber(0, 65_535))
        .default(8787),
    )
    .addOption(
      new Option('--grpc-port <n>', 'of SignalService; 0 = any free port')
        .env('TRIBUTARY_GRPC_PORT')
        .argParser(wholeNumber(0, 65_535))
        .default(50_051),
    )
    .addOption(
      new Option('--data-dir <path>', 'log, archive and models; one folder per source below it')
        .env('TRIBUTARY_DATA_DIR')
        .default('.tributary'),
    )
    .addOption(
      new Option('--key <file>', 'Ed25519 key that signs models, PEM; default: operator.pem in the data directory').env(
        'TRIBUTARY_BUNDLE_KEY',
      ),
    )
    .addOption(contextSourcesOption())
    .addOption(contextFilesOption())
    .addOption(new Option('--history <file>', 'with --source replay: candles or ticks, .csv, .csv.gz or .parquet'))
    .addOption(
      new Option('--history-days <n>', 'days of candles fetched before the first training')
        .argParser(wholeNumber(1, 60))
        .default(7),
    )
    .addOption(
      new Option('--speed <n>', 'with --source replay: recorded minutes per second')
        .argParser(wholeNumber(1, 10_000))
        .default(60),
    )
    .addOption(
      new Option('--edge <kind>', 'with --source sim: lag = Kraken follows Coinbase; none = nothing to predict')
        .choices(['lag', 'none'])
        .default('lag'),
    )
    .addOption(
      new Option('--messages-per-second <n>', 'with --source sim: load, book updates and trades a second over all').argParser(
        wholeNumber(1, 1_000_000),
      ),
    )
    .addOption(seedOption())
    .addOption(logLevelOption())
    .addOption(tracesOption());
  for (const option of paperOptions()) command.addOption(option);
  return command.action(async (options: UpOptions) => {
    const [{ up }, { untilStopped }] = await Promise.all([import('./up.ts'), import('#services/cli/process.ts')]);
    await up(options, untilStopped());
  });
}
