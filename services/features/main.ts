/** `tributary features`: the service alone, on Kafka; `features list` prints the catalogue, `features check` checks it. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type CheckResult } from '#libs/features/checks/checks.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { storeOptions, type StoreChoice, toStoreOptions } from '#services/archive/options.ts';
import { lanesOption, names, serviceOptions, snapshotEveryOption, wholeNumber } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';

interface Options extends ServiceOptions, StoreChoice {
  readonly lanes: readonly Lane[];
  readonly snapshotEveryMs: number;
  readonly targets?: readonly string[];
  readonly history?: string;
  readonly context?: string;
  readonly rebuildFrom?: 'clickhouse';
}

export function featuresCommand(): Command {
  return new Command('features')
    .description('fold ticks into feature vectors')
    .addCommand(runCommand(), { isDefault: true })
    .addCommand(listCommand())
    .addCommand(checkCommand())
    .addCommand(reportCommand());
}

/** A command of its own, for what it requires (a broker) is not required of its siblings. */
function runCommand(): Command {
  const command = new Command('run')
    .description('run the service (default)')
    .addOption(lanesOption())
    .addOption(snapshotEveryOption())
    .addOption(
      new Option(
        '--targets <list>',
        'instruments that get vectors, venue:BASE-QUOTE with commas; default all quoted in USD, in the fast lane all',
      )
        .env('TRIBUTARY_TARGETS')
        .argParser(targets),
    )
    .addOption(
      new Option(
        '--history <file>',
        'candles (.csv, .csv.gz, .parquet) folded before the first event of the log, where no newer snapshot is',
      ).env('TRIBUTARY_HISTORY'),
    )
    .addOption(
      new Option('--context <file>', 'with --history: context values (`backfill --export-context`)').env('TRIBUTARY_CONTEXT'),
    )
    .addOption(
      new Option(
        '--rebuild-from <source>',
        'fold archived ticks that the log no longer has, where there is no snapshot of this version or an old one; beside whoever has the partitions',
      )
        .env('TRIBUTARY_REBUILD_FROM')
        .choices(['clickhouse']),
    );
  for (const option of [...storeOptions(), ...serviceOptions()]) command.addOption(option);
  return command.action(runService);
}

async function runService(options: Options): Promise<void> {
  const [{ runAlone }, { runFeatures }, { openStore }, { loadCandles }, { candlesToTicks }, { withContext }, { loadContext }] =
    await Promise.all([
      import('#services/cli/process.ts'),
      import('./service.ts'),
      import('#libs/store/open.ts'),
      import('#libs/history/candles.ts'),
      import('#libs/history/candle-events.ts'),
      import('#libs/history/context-events.ts'),
      import('#libs/history/context-file.ts'),
    ]);
  const { lanes, snapshotEveryMs, targets: chosen, history: file, context: contextFile } = options;
  const store = options.rebuildFrom === undefined ? undefined : toStoreOptions(options);
  async function* history(path: string): AsyncGenerator<Tick> {
    const values = contextFile === undefined ? [] : await loadContext(contextFile);
    yield* withContext(candlesToTicks((await loadCandles(path)).rows), values);
  }
  await runAlone('features', options, (context, signal) =>
    runFeatures(
      context,
      {
        lanes,
        snapshotEveryMs,
        ...(chosen === undefined ? {} : { targets: chosen }),
        ...(file === undefined ? {} : { history: () => history(file) }),
        ...(store === undefined ? {} : { archive: () => openStore(store) }),
      },
      signal,
    ),
  );
}

function targets(text: string): string[] {
  const list = names(text);
  const wrong = list.find((name) => !/^[a-z0-9]+:[A-Z0-9]+-[A-Z0-9]+$/.test(name));
  if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is no target; write for instance kraken:BTC-USD.`);
  return list;
}

function listCommand(): Command {
  return new Command('list')
    .description('print every feature: category, name, unit, warm-up, inputs, formula')
    .option('--json', 'as JSON: one object per formula')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const { listFormulas, listFeatures } = await import('./list.ts');
      process.stdout.write(json === true ? `${JSON.stringify(listFormulas(), undefined, 2)}\n` : listFeatures());
    });
}

function checkCommand(): Command {
  return new Command('check')
    .description('check every column on generated data, or on your own: oracle, future-overwrite, warm-up, parity')
    .option('--history <file>', 'candles or ticks of your own: .csv, .csv.gz or .parquet')
    .option('--minutes <n>', 'how many of the last minutes of that file', wholeNumber(60, 1_000_000), 4_320)
    .action(async ({ history, minutes }: { readonly history?: string; readonly minutes: number }) => {
      let failures = 0;
      for (const { name, columns, problems } of await checksOf(history, minutes)) {
        failures += problems.length;
        process.stdout.write(`${problems.length === 0 ? 'passed' : 'FAILED'}  ${name}  ${columns} columns\n`);
        for (const problem of problems) process.stdout.write(`  ${problem}\n`);
      }
      if (failures > 0) process.exitCode = 1;
    });
}

async function checksOf(history: string | undefined, minutes: number): Promise<Iterable<CheckResult>> {
  const { checkFastCatalogue, checkFastLane } = await import('#libs/features/checks/fast.ts');
  if (history === undefined) {
    const { checkCatalogue } = await import('#libs/features/checks/checks.ts');
    return (function* () {
      yield* checkCatalogue();
      yield* checkFastCatalogue();
    })();
  }
  const [{ checkHistory, lastMinutes }, { historyTicks }] = await Promise.all([
    import('#libs/features/checks/history.ts'),
    import('./report.ts'),
  ]);
  const ticks = lastMinutes(await historyTicks(history), minutes);
  return (function* () {
    yield* checkHistory(ticks);
    yield* checkFastLane(ticks);
  })();
}

function reportCommand(): Command {
  return new Command('report')
    .description('what is missing in a history file and what has drifted, by instrument and feature, between two periods')
    .argument('<file>', 'candles or ticks: .csv, .csv.gz or .parquet')
    .option('--split <time>', 'begin of the second period, for instance 2023-03-08T00:00:00Z; default: the middle', splitTime)
    .option('--json', 'as JSON')
    .action(async (file: string, { split, json }: { readonly split?: number; readonly json?: boolean }) => {
      const { historyTicks, reportHistory, reportText } = await import('./report.ts');
      const report = await reportHistory(await historyTicks(file), split);
      process.stdout.write(json === true ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report));
    });
}

function splitTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new InvalidArgumentError(`"${text}" is not a time; write it as 2023-03-08T00:00:00Z.`);
  return time;
}
