/**
 * From the second that closes a minute to its decisions in the log: features and inference as services on the embedded log, with a
 * bundle trained on generated candles. And one score of that bundle alone.
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#libs/clock/clock.ts';
import { featureSchema } from '#libs/features/catalogue.ts';
import { candlesToTicks } from '#libs/history/candle-events.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type Bundle, type Model } from '#libs/models/bundle.ts';
import { createScorer } from '#libs/models/scorer.ts';
import { signBundle } from '#libs/models/signature.ts';
import { type Horizon } from '#libs/market/horizon.ts';
import { ModelRegistry } from '#libs/registry/registry.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { openSpanExport } from '#libs/telemetry/otlp.ts';
import { Trail } from '#libs/telemetry/trail.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { runFeatures } from '#services/features/service.ts';
import { runInference } from '#services/inference/service.ts';
import { isTensorflowStaged } from '#services/training/deep/tensorflow.ts';
import { runTraining } from '#services/training/main.ts';
import { generatedCandles } from './market.ts';
import { type Figure, figure, paired, quantile, rate } from './measure.ts';

const logger = createLogger({ level: 'silent' });
const TRAINED_MINUTES = 2_000;
const MEASURED_MINUTES = 60;
const HORIZONS: readonly Horizon[] = ['1m', '5m'];

export async function benchDecision(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  try {
    const bundle = await train(directory, { quick: true });
    const untraced = await benchLatency(bundle, join(directory, 'log'));
    const figures = [...(await benchScore(bundle)), ...untraced.figures];
    figures.push(await benchTraced(bundle, directory, untraced.decisions));
    if (isTensorflowStaged()) figures.push(...(await benchAllModels(await train(directory, { models: 'all' }))));
    return figures;
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function train(directory: string, models: { readonly quick?: boolean; readonly models?: 'all' }): Promise<Bundle> {
  const history = join(directory, 'candles.csv');
  const lines = generatedCandles(TRAINED_MINUTES).map((row) =>
    [
      new Date(row.start).toISOString(),
      row.venue,
      row.instrument,
      row.open,
      row.high,
      row.low,
      row.close,
      row.volume,
      row.trades,
    ].join(','),
  );
  await writeFile(history, ['ts,venue,symbol,open,high,low,close,volume,trades', ...lines].join('\n'));
  const options = {
    history,
    out: join(directory, 'bundle.json'),
    horizons: HORIZONS.join(','),
    target: 'entry',
    seed: 1,
    workers: 0,
    ...models,
    key: join(directory, 'operator.pem'),
  };
  return runTraining(options, new AbortController().signal);
}

async function benchScore(bundle: Bundle): Promise<Figure[]> {
  const { columns } = featureSchema();
  const scorer = createScorer(bundle, columns);
  const window = Array.from({ length: scorer.lags + 1 }, (_, i) => Float32Array.from(columns, (_name, j) => Math.sin(i + j)));
  const scores = 2_000;
  return [
    await rate('ensemble score', 'scores/s', scores, () => {
      for (let i = 0; i < scores; i += 1) scorer.score('kraken', 'BTC-USD', '1m', window);
    }),
  ];
}

/**
 * Forests, regressions, LSTM and Transformer, each asked of the vector and of its mirror image: from the vector to the calibrated probability. All
 * of them, whatever weight training gave them; and without those two, as where they add nothing.
 */
async function benchAllModels(bundle: Bundle): Promise<Figure[]> {
  const all = await benchConsulted(
    'all models score',
    weighed(bundle, () => 1),
  );
  const others = await benchConsulted(
    'without a vote of networks',
    weighed(bundle, ({ kind }) => Number(kind !== 'network')),
  );
  return [...all, paired(others[0]!, all[0]!), ...others.slice(1)];
}

function weighed(bundle: Bundle, weightOf: (model: Model) => number): Bundle {
  const heads = bundle.heads.map((head) => ({
    ...head,
    members: head.members.map(({ model }) => ({ model, weight: weightOf(model) })),
  }));
  return { ...bundle, heads };
}

/** Median and 99th percentile. */
async function benchConsulted(name: string, bundle: Bundle): Promise<Figure[]> {
  const { columns } = featureSchema();
  const scorer = createScorer(bundle, columns);
  await scorer.open();
  const window = Array.from({ length: scorer.lags + 1 }, (_, i) => Float32Array.from(columns, (_name, j) => Math.sin(i + j)));
  const runs: number[] = [];
  for (let i = 0; i < 1_000; i += 1) {
    const start = performance.now();
    const opinions = await scorer.consult('kraken', 'BTC-USD', window);
    if (scorer.score('kraken', 'BTC-USD', '1m', window, opinions) === undefined) throw new Error('the bundle has no such head');
    if (i >= 100) runs.push(performance.now() - start);
  }
  await scorer.close();
  return [figure(`${name}, p50`, 'ms', runs), { name: `${name}, p99`, value: quantile(runs, 0.99), unit: 'ms', runs }];
}

/** The same with every vector traced, to a collector that takes everything. */
async function benchTraced(bundle: Bundle, directory: string, untraced: Figure): Promise<Figure> {
  const collector = createServer((request, response) => request.resume().on('end', () => response.end()));
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const spans = openSpanExport({ url, resource: {}, logger });
  try {
    const { decisions } = await benchLatency(bundle, join(directory, 'traced'), Trail.open(logger, spans));
    return paired({ ...decisions, name: 'the same, traced, p50' }, untraced);
  } finally {
    await spans.close();
    collector.close();
    collector.closeAllConnections();
  }
}

async function benchLatency(bundle: Bundle, path: string, trail?: Trail): Promise<{ figures: Figure[]; decisions: Figure }> {
  const log = await openEmbeddedLog({ path, partitions: 1 });
  const stop = new AbortController();
  const context: ServiceContext = {
    log,
    clock: systemClock,
    logger,
    metrics: createMetrics({ source: 'replay' }),
    health: new Health(),
    source: 'replay',
    trail,
  };
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const registry = await ModelRegistry.open(log, stop.signal, () => undefined);
  await registry.publish({
    slot: 'champion',
    bundleId: bundle.id,
    bundle: signBundle(bundle, privateKey),
    actor: 'bench',
    reason: 'bench',
    now: 0,
    effectiveT: 1,
  });
  const services = [
    runFeatures(context, {}, stop.signal),
    runInference(context, { trust: () => [publicKey], horizons: HORIZONS }, stop.signal),
  ];
  const events: number[] = [];
  const decisions: number[] = [];
  try {
    const minutes = byMinute([...candlesToTicks(generatedCandles(MEASURED_MINUTES))]);
    for (const [i, { candles, clock }] of minutes.entries()) {
      await append(log, candles);
      const start = performance.now();
      await append(log, [clock]);
      events.push(performance.now() - start);
      await until(log, (i + 1) * 2 * HORIZONS.length, start, decisions);
    }
  } finally {
    stop.abort();
    await Promise.all(services);
    await log.close();
  }
  const appended = figure('clock in the log, p50', 'ms', events);
  const decided = figure('clock to decisions in the log, p50', 'ms', decisions);
  const slowest = { name: 'clock to decisions in the log, p99', value: quantile(decisions, 0.99), unit: 'ms', runs: decisions };
  return { figures: [appended, paired(decided, appended), slowest], decisions: decided };
}

function byMinute(ticks: readonly Tick[]): { candles: Tick[]; clock: Tick }[] {
  const minutes: { candles: Tick[]; clock: Tick }[] = [];
  let candles: Tick[] = [];
  for (const tick of ticks) {
    if (tick.event?.$case !== 'clock') candles.push(tick);
    else {
      minutes.push({ candles, clock: tick });
      candles = [];
    }
  }
  return minutes;
}

function append(log: EventLog, ticks: readonly Tick[]): Promise<void> {
  return log.append(ticks.map((tick) => ({ topic: 'ticks', key: tick.asset, partition: 0, value: Tick.encode(tick).finish() })));
}

/** Waits until `signals` holds `count` decisions; notes how long it took since `start`. */
async function until(log: EventLog, count: number, start: number, into: number[]): Promise<void> {
  const giveUp = AbortSignal.timeout(10_000);
  let seen = 0;
  for await (const { records } of log.read('signals', 0, { until: 'follow', signal: giveUp })) {
    seen += records.length;
    if (seen < count) continue;
    into.push(performance.now() - start);
    return;
  }
  throw new Error(`${seen} of ${count} decisions came`);
}
