/** `tributary backfill`: history of the venues into a store, and from there into a file. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { storeOptions, type StoreChoice, toStoreOptions } from '#services/archive/options.ts';
import { logLevelOption, symbolsOption, venuesOption, wholeNumber } from '#services/cli/options.ts';

interface Options extends StoreChoice {
  readonly venues: readonly string[];
  readonly symbols: readonly string[];
  readonly days: number;
  readonly restUrl?: Readonly<Record<string, { readonly rest: string }>>;
  readonly export?: string;
  readonly logLevel: string;
}

export function backfillCommand(): Command {
  const command = new Command('backfill')
    .description('fetch candles of one minute by REST; asks only for what the store lacks')
    .addOption(venuesOption('whose history'))
    .addOption(symbolsOption())
    .addOption(new Option('--days <n>', 'how far back; Kraken keeps 12 hours').argParser(wholeNumber(1, 3650)).default(7))
    .addOption(new Option('--rest-url <venue=url...>', "a venue's REST API; default the public one").argParser(restUrl))
    .addOption(new Option('--export <file>', 'write all candles of the store to this .csv.gz afterwards'));
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
  ] = await Promise.all([
    import('#libs/clock/clock.ts'),
    import('#libs/telemetry/logger.ts'),
    import('#libs/store/open.ts'),
    import('#libs/store/migrate.ts'),
    import('#services/cli/process.ts'),
    import('#services/up/progress.ts'),
    import('./service.ts'),
  ]);
  const signal = untilStopped();
  const logger = createLogger({ level: options.logLevel });
  const store = await openStore(toStoreOptions(options));
  const progress = showProgress('history', logger);
  try {
    await migrate(store);
    const { venues, symbols: instruments, days } = options;
    const onProgress = (done: number, total: number): void => progress.update(done, total);
    const endpoints = options.restUrl ?? {};
    const { failures } = await runBackfill({
      store,
      venues,
      instruments,
      days,
      endpoints,
      onProgress,
      clock: systemClock,
      logger,
      signal,
    });
    if (options.export !== undefined) {
      logger.info({ candles: await exportCandles(store, options.export), file: options.export }, 'history file written');
    }
    if (failures.length > 0) throw failures[0]!.error;
  } finally {
    progress.stop();
    await store.close();
  }
}
