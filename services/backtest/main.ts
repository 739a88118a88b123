/** `tributary backtest`: walk-forward over recorded candles; prints the accuracy table, writes the report and every decision. */
import { Command } from 'commander';
import { accuracyTable } from '#libs/validation/accuracy-table.ts';
import { consistencyText } from '#libs/validation/consistency.ts';
import { paperTable } from '#libs/validation/paper-table.ts';
import { openStore } from '#libs/store/open.ts';
import { migrate } from '#libs/store/migrate.ts';
import { summariseTrials, type TrialSummary } from '#libs/store/trials.ts';
import { storeOptions, type StoreChoice, toStoreOptions } from '#services/archive/options.ts';
import { untilStopped } from '#services/cli/process.ts';
import { type BacktestHooks, runBacktest } from './backtest.ts';
import { fastBacktestText, runFastBacktest } from './fast/backtest.ts';
import { parseFastBacktestOptions } from './fast/options.ts';
import { parseBacktestOptions } from './options.ts';
import { pathsText } from './paths.ts';

export function backtestCommand(): Command {
  const command = new Command('backtest')
    .description('train on the past of a history file, decide on its rest (each minute; each quote change), print the accuracy')
    .requiredOption('--history <file>', 'candles, or ticks with --lane fast: .csv, .csv.gz or .parquet')
    .option('--lane <kind>', 'slow = every minute of candles; fast = at quote changes of ticks', 'slow')
    .option('--context <file>', 'context values (`backfill --export-context`): .csv, .csv.gz or .parquet')
    .option('--train-until <time>', 'first decision that is tested, UTC, for instance 2023-03-08T00:00:00Z')
    .option('--train-share <share>', 'with --lane fast, in place of --train-until: share of the time that trains, such as 0.6')
    .option(
      '--delay <ms>',
      'with --lane fast: how long after a decision the price is taken that its move is measured from; default 0',
    )
    .option('--retrain-every <duration>', 'length of a test fold, for instance 12h', '2d')
    .option(
      '--validation <kind>',
      'walk-forward, or combinatorial: purged, over what came before --train-until alone',
      'walk-forward',
    )
    .option('--groups <n>', 'of combinatorial validation', '6')
    .option('--test-groups <n>', 'groups that are tested at once', '2')
    .option('--embargo <duration>', 'left out on both sides of a tested group', '1h')
    .option('--horizons <list>', 'of 1m, 5m, 15m (default 1m,5m); with --lane fast of 1s, 2s, 5s, 10s (default all)')
    .option('--report <file>', 'writes the accuracy as JSON')
    .option('--html <file>', 'writes the report as one HTML page with plots')
    .option('--predictions <file>', 'writes every decision as CSV')
    .option('--symbols <list>', 'BASE-QUOTE; default: every one quoted in USD')
    .option('--venues <list>', 'default: every one in the file')
    .option('--without <categories>', 'features switched off, of A,B,C,D,E,X')
    .option('--only-venues <list>', 'leaves candles of other venues out altogether')
    .option('--seed <n>', 'seed of everything random', '1')
    .option('--workers <n>', 'training threads, 0 = none beside the main one; default: cores, at most 4')
    .option(
      '--models <kinds>',
      'fast = trees and logistic regression; all = LSTM and Transformer too, beside the incumbent',
      'fast',
    )
    .option('--combine <how>', 'vote, stacking or majority', 'vote')
    .option('--calibration <kind>', 'best (of Platt and isotonic), platt, beta or isotonic', 'best')
    .option(
      '--ledger <file>',
      'every trial ever run, which Sharpe ratios are deflated by; this run is added',
      '.tributary/trials.jsonl',
    )
    .option(
      '--trials <n[,variance]>',
      'trials that neither the ledger nor the store has, and the variance of their hourly Sharpe ratios',
    )
    .option('--quick', 'smaller models, less accurate');
  // Where a store is named, every trial that `tributary search` left there counts.
  for (const option of storeOptions()) command.addOption(option);
  return command.action(async (raw: { readonly lane: string }) => {
    const [choice, given] = splitStore(raw);
    const { lane, ...rest } = given;
    if (lane !== 'slow') {
      const options = parseFastBacktestOptions(withoutDefaults(given, command));
      process.stdout.write(`${fastBacktestText(await runFastBacktest(options, hooks()))}\n`);
      return;
    }
    const options = parseBacktestOptions(rest);
    const searched = await trialsIn(choice);
    const started = performance.now();
    const report = await runBacktest(searched === undefined ? options : { ...options, searched }, hooks());
    process.stderr.write(`\r${Math.round((performance.now() - started) / 1000)} s      \n`);
    process.stdout.write(`${accuracyTable(report)}\n\n${paperTable(report.results)}\n`);
    process.stdout.write(`${report.trials.count} trials: ${report.trials.from.join(', ')}\n`);
    const paths = pathsText(report.results);
    if (paths !== '') process.stdout.write(`\n${paths}\n`);
    if (report.consistency.length > 0) process.stdout.write(`\n${consistencyText(report.consistency)}\n`);
  });
}

/** What says where the store is, and the rest. */
function splitStore<T extends object>(raw: T): [StoreChoice, T] {
  const names = new Set(storeOptions().map((option) => option.attributeName()));
  const pick = (ofStore: boolean): object =>
    Object.fromEntries(Object.entries(raw).filter(([name]) => names.has(name) === ofStore));
  return [pick(true) as StoreChoice, pick(false) as T];
}

/** All trials of searches; undefined where no store is named. Throws `TRB_STORE_…`. */
async function trialsIn(choice: StoreChoice): Promise<TrialSummary | undefined> {
  if (choice.store === undefined && choice.clickhouse === undefined) return undefined;
  const store = await openStore(toStoreOptions(choice));
  try {
    await migrate(store);
    return await summariseTrials(store);
  } finally {
    await store.close();
  }
}

/** Without what commander put in for the other lane. */
function withoutDefaults(raw: object, command: Command): object {
  return Object.fromEntries(Object.entries(raw).filter(([name]) => command.getOptionValueSource(name) !== 'default'));
}

function hooks(): Pick<BacktestHooks, 'onProgress' | 'signal'> {
  return {
    signal: untilStopped(),
    onProgress: (stage, done, total) => process.stderr.write(`\r${stage} ${Math.floor((100 * done) / total)} %   `),
  };
}
