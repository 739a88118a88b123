/** `tributary search`: which settings of which models predict best out of fold, before a time from which on nothing is read. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Horizon } from '#libs/market/horizon.ts';
import { type TrialRow } from '#libs/store/trials.ts';
import { type CandleTarget } from '#libs/validation/labels.ts';
import { toStoreOptions } from '#services/archive/options.ts';
import { duration, horizons, logLevelOption, names, seedOption, wholeNumber } from '#services/cli/options.ts';
import { type Device, isTensorflowStaged, tensorflowMissing } from '#services/training/deep/tensorflow.ts';
import { sourceOptions } from '#services/training/source-options.ts';
import { type Result } from './service.ts';
import { type Kind, KINDS } from './space.ts';

interface Options {
  readonly until: number;
  readonly horizons: readonly Horizon[];
  readonly target: CandleTarget;
  readonly symbols?: readonly string[];
  readonly venues?: readonly string[];
  readonly models: readonly Kind[];
  readonly method: 'grid' | 'halving';
  readonly space?: string;
  readonly most: number;
  readonly rungs: number;
  readonly eta: number;
  readonly folds: number;
  readonly seed: number;
  readonly worker: { readonly index: number; readonly of: number };
  readonly patience: number;
  readonly workers: number;
  readonly device: Device;
  readonly logLevel: string;
}

export function searchCommand(): Command {
  const command = new Command('search').description(
    'try settings of models on inner folds of history; every trial goes into the store, from where a search goes on',
  );
  for (const option of sourceOptions()) command.addOption(option.long === '--until' ? option.makeOptionMandatory() : option);
  command
    .addOption(new Option('--horizons <list>', 'of 1m, 5m, 15m').argParser(horizons).default(['1m'], '1m'))
    .addOption(new Option('--target <kind>', 'what is predicted').choices(['entry', 'close']).default('entry'))
    .addOption(new Option('--symbols <list>', 'BASE-QUOTE; default: every one quoted in USD').argParser(names))
    .addOption(new Option('--venues <list>', 'default: every one with candles').argParser(names))
    .addOption(
      new Option('--models <list>', `of ${KINDS.join(', ')}; the last two need TensorFlow`)
        .argParser(kinds)
        .default(['logistic', 'trees'], 'logistic,trees'),
    )
    .addOption(
      new Option('--method <name>', 'grid = all at full budget; halving = all at a small one, the better ones at more')
        .choices(['grid', 'halving'])
        .default('halving'),
    )
    .addOption(new Option('--space <file>', 'JSON, {"trees": {"leaves": [8, 15]}}; what it does not name stays as it is'))
    .addOption(
      new Option('--most <n>', 'configurations of a kind, drawn by the seed').argParser(wholeNumber(1, 100_000)).default(27),
    )
    .addOption(new Option('--rungs <n>', 'halving: budgets').argParser(wholeNumber(1, 8)).default(3))
    .addOption(
      new Option('--eta <n>', 'halving: one in how many goes on, with how many times the budget')
        .argParser(wholeNumber(2, 10))
        .default(3),
    )
    .addOption(new Option('--folds <n>', 'inner folds').argParser(wholeNumber(1, 10)).default(2))
    .addOption(seedOption())
    .addOption(
      new Option('--worker <k/n>', 'this one of n that share the search through the store, from 0/n')
        .argParser(workerOf)
        .default({ index: 0, of: 1 }, '0/1'),
    )
    .addOption(
      new Option('--patience <duration>', 'without news from other workers for so long, their trials are done here')
        .argParser(duration)
        .default(600_000, '10m'),
    )
    .addOption(new Option('--workers <n>', 'threads, 0 = none beside the main one').argParser(wholeNumber(0, 64)).default(0))
    .addOption(
      new Option('--device <kind>', 'networks: cpu, or gpu, which fails where TensorFlow uses none')
        .choices(['cpu', 'gpu'])
        .default('cpu'),
    )
    .addOption(logLevelOption());
  return command.action(search);
}

function kinds(text: string): Kind[] {
  return names(text).map((name) => {
    const kind = KINDS.find((each) => each === name);
    if (kind === undefined) throw new InvalidArgumentError(`"${name}" is no kind of model; there are ${KINDS.join(', ')}.`);
    return kind;
  });
}

/** `0/4`: the first of four. */
function workerOf(text: string): { readonly index: number; readonly of: number } {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const [index, of] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || index >= of) throw new InvalidArgumentError('Write k/n with k from 0 to n - 1, for instance 0/4.');
  return { index, of };
}

async function search(options: Options): Promise<void> {
  const [
    { systemClock },
    { createLogger },
    { openStore },
    { migrate },
    { untilStopped },
    { showProgress },
    { sourceSchema },
    { prepareGround },
    { runSearch },
    { DEFAULT_SPACE, readSpace, idOf },
  ] = await Promise.all([
    import('#libs/clock/clock.ts'),
    import('#libs/telemetry/logger.ts'),
    import('#libs/store/open.ts'),
    import('#libs/store/migrate.ts'),
    import('#services/cli/process.ts'),
    import('#services/up/progress.ts'),
    import('#services/training/candle-source.ts'),
    import('./ground.ts'),
    import('./service.ts'),
    import('./space.ts'),
  ]);
  const isDeep = options.models.some((kind) => kind === 'lstm' || kind === 'transformer');
  if (isDeep && !isTensorflowStaged()) throw tensorflowMissing();
  if (options.device === 'gpu' && !isDeep)
    throw new TributaryError('TRB_USAGE', '--device gpu: only networks use one.', {
      hint: 'Add lstm or transformer to --models.',
    });
  const choice = sourceSchema.parse(options);
  const where = toStoreOptions(choice);
  const space = options.space === undefined ? DEFAULT_SPACE : await readSpace(options.space);
  const { models, method, most, rungs, eta, folds, seed, worker, workers, device, patience: patienceMs } = options;
  const signal = untilStopped();
  const logger = createLogger({ level: options.logLevel });
  const folding = showProgress('history', logger);
  const prepared = await prepareGround(choice, {
    ...{ ...options, signal },
    onProgress: (done, total) => folding.update(done, total),
  }).finally(() => folding.stop());
  const plan = { kinds: models, space, method, most, rungs, eta, folds, seed };
  const searchId = idOf({ ...plan, data: prepared.data });
  const store = await openStore(where);
  const progress = showProgress('search', logger);
  try {
    await migrate(store);
    logger.info({ search: searchId, worker: `${worker.index}/${worker.of}` }, 'search');
    const results = await runSearch({
      ...{ plan, ground: prepared.ground, searchId, store, clock: systemClock, worker, patienceMs, signal },
      fitter: { workers, device },
      onProgress: (done, total) => progress.update(done, total),
    });
    progress.stop();
    process.stdout.write(`search ${searchId}\n${tableOf(results)}\n`);
  } finally {
    progress.stop();
    await store.close();
  }
}

/** By kind, best first. */
function tableOf(results: readonly Result[]): string {
  const head = ['log loss', 'accuracy', 'cov@68', 'gross sharpe', 'budget', 'configuration'];
  const rows = results.map(({ configuration, budget, folds, logLoss, coverageAt68, sharpe }) => [
    logLoss.toFixed(5),
    meanOf(folds, ({ accuracy }) => accuracy).toFixed(4),
    `${(100 * coverageAt68).toFixed(1)} %`,
    sharpe.toFixed(3),
    budget.toFixed(2),
    JSON.stringify(configuration),
  ]);
  return [head, ...rows].map((cells) => cells.map((cell) => cell.padStart(9)).join('  ')).join('\n');
}

function meanOf(folds: readonly TrialRow[], of: (fold: TrialRow) => number): number {
  return folds.reduce((sum, fold) => sum + of(fold), 0) / folds.length;
}
