/** `tributary backfill`: history of the venues and of context sources into a store, and from there into files. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { TributaryError } from '#libs/errors/errors.ts';
import { storeOptions, type StoreChoice, toStoreOptions } from '#services/archive/options.ts';
import {
  contextFilesOption,
  contextSourcesOption,
  instant,
  logLevelOption,
  names,
  symbolsOption,
  wholeNumber,
} from '#services/cli/options.ts';

interface Options extends StoreChoice {
  readonly venues: readonly string[];
  readonly symbols: readonly string[];
  readonly days: number;
  readonly from?: number;
  readonly to?: number;
  readonly contextSources: readonly string[];
  readonly contextFiles: Readonly<Record<string, string>>;
  readonly restUrl?: Readonly<Record<string, { readonly rest: string }>>;
  readonly export?: string;
  readonly exportContext?: string;
  readonly logLevel: string;
}

export function backfillCommand(): Command {
  const command = new Command('backfill')
    .description('fetch candles of one minute, and what context sources keep, by REST; asks only for what the store lacks')
    .addOption(new Option('--venues <list>', 'whose history').argParser(names).default(['coinbase', 'kraken'], 'coinbase,kraken'))
    .addOption(symbolsOption())
    .addOption(new Option('--days <n>', 'how far back; Kraken keeps 12 hours').argParser(wholeNumber(1, 3650)).default(7))
    .addOption(new Option('--from <time>', 'the oldest minute, UTC, instead of --days').argParser(instant))
    .addOption(new Option('--to <time>', 'the end, UTC; default now').argParser(instant))
    .addOption(contextSourcesOption())
    .addOption(contextFilesOption())
    .addOption(new Option('--rest-url <venue=url...>', "a venue's REST API; default the public one").argParser(restUrl))
    .addOption(new Option('--export <file>', 'write all candles of the store to this .csv.gz afterwards'))
    .addOption(new Option('--export-context <file>', 'write all context values of the store to this .csv.gz afterwards'));
  for (const option of storeOptions()) command.addOption(option);
  command.addOption(logLevelOption());
  return command.action(backfill);
}

/** `kraken=http://127.0.0.1:8080`, added to those before it. */
function restUrl(text: string, before: Options['restUrl'] = {}): Options['restUrl'] {
  const [venue = '', rest = ''] = text.split(/=(.*)/s);
  if (venue === '' || !URL.canParse(rest)) throw new InvalidArgumentError('Write for instance kraken=http://127.0.0.1:8080.');
  return { ...before, [venue]: { rest } };
}

async function backfill(options: Options): Promise<void> {
  const [
    { systemClock },
    { createLogger },
    { openStore },
    { migrate },
    { untilStopped },
    { showProgress },
    { exportCandles, runBackfill },
    { runContextBackfill },
    { exportContext },
    { chooseSources },
    { SOURCES },
    { assetsOf },
  ] = await Promise.all([
    import('#libs/clock/clock.ts'),
    import('#libs/telemetry/logger.ts'),
    import('#libs/store/open.ts'),
    import('#libs/store/migrate.ts'),
    import('#services/cli/process.ts'),
    import('#services/up/progress.ts'),
    import('./service.ts'),
    import('./context.ts'),
    import('./export-context.ts'),
    import('#services/context/choose.ts'),
    import('#services/context/sources/registry.ts'),
    import('#services/context/main.ts'),
  ]);
  const range = rangeOf(options, systemClock.now());
  const sources = chooseSources(SOURCES, options.contextSources);
  const signal = untilStopped();
  const logger = createLogger({ level: options.logLevel });
  const store = await openStore(toStoreOptions(options));
  const progress = showProgress('history', logger);
  const shared = { store, clock: systemClock, logger, signal };
  try {
    await migrate(store);
    const { venues, symbols: instruments, contextFiles: files } = options;
    const share = sharesOf(2, (done, total) => progress.update(done, total));
    const [candles, context] = await Promise.all([
      runBackfill({ ...shared, ...range, venues, instruments, endpoints: options.restUrl ?? {}, onProgress: share() }),
      runContextBackfill({
        ...{ ...shared, ...range, sources, files, assets: assetsOf(instruments) },
        ...{ environment: process.env, onProgress: share() },
      }),
    ]);
    if (options.export !== undefined) {
      logger.info({ candles: await exportCandles(store, options.export), file: options.export }, 'history file written');
    }
    if (options.exportContext !== undefined) {
      const { exportContext: file } = options;
      logger.info({ values: await exportContext(store, file), file }, 'context file written');
    }
    const failure = [...candles.failures, ...context.failures][0];
    if (failure !== undefined) throw failure.error;
  } finally {
    progress.stop();
    await store.close();
  }
}

const DAY = 86_400_000;

function rangeOf({ days, from, to }: Options, now: number): { readonly from: number; readonly to: number } {
  const end = Math.min(to ?? now, now);
  const range = { from: from ?? end - days * DAY, to: end };
  if (range.from < range.to) return range;
  throw new TributaryError('TRB_USAGE', 'There is nothing between --from and --to.', {
    hint: 'Give a time in the past to --from, and a later one to --to.',
  });
}

/** The progress of several works as that of one. */
function sharesOf(count: number, update: (done: number, total: number) => void): () => (done: number, total: number) => void {
  const shares = Array.from({ length: count }, () => ({ done: 0, total: 0 }));
  let next = 0;
  return () => {
    const mine = shares[next++]!;
    return (done, total) => {
      Object.assign(mine, { done, total });
      update(
        shares.reduce((sum, share) => sum + share.done, 0),
        shares.reduce((sum, share) => sum + share.total, 0),
      );
    };
  };
}
