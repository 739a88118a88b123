/** One id from the frame to the signal: in the log lines, and in the spans that a collector gets. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '#libs/clock/clock.ts';
import { generateTickRows } from '#libs/features/checks/tick-market.ts';
import { tickFileToTicks } from '#libs/history/tick-events.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger, type Logger } from '#libs/telemetry/logger.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { openSpanExport } from '#libs/telemetry/otlp.ts';
import { type Collector, startCollector } from '#libs/telemetry/testing/collector.ts';
import { Trail, traceIdOf } from '#libs/telemetry/trail.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { Signal } from '#libs/wire/tributary/v1/signals.ts';
import { append, PARTITIONS } from '#services/features/testing/folding.ts';
import { runFeatures } from '#services/features/service.ts';
import { runInference } from './service.ts';
import { until } from './testing/market.ts';

const ticks: readonly Tick[] = [
  ...tickFileToTicks(
    generateTickRows({ start: Date.UTC(2024, 4, 1), seconds: 130, listings: [{ venue: 'coinbase', quote: 'USD' }], seed: 3 }),
  ),
];
const quiet = createLogger({ level: 'silent' });

let directory: string;
let log: EventLog;
let collector: Collector;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-trail-'));
  log = await openEmbeddedLog({ path: directory, partitions: PARTITIONS });
  collector = await startCollector();
});
afterEach(async () => {
  await log.close();
  await collector.close();
  await rm(directory, { recursive: true });
});

async function readSignals(): Promise<Signal[]> {
  const found: Signal[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++)
    for await (const { records } of log.read('signals', partition))
      found.push(...records.map(({ value }) => Signal.decode(value)));
  return found;
}

/** Features and inference over the ticks, without a model: every decision is an abstention, and published like any other. */
async function decideAll(trail: Trail | undefined): Promise<readonly Signal[]> {
  const stop = new AbortController();
  const parts = { logger: quiet, metrics: createMetrics(), health: new Health() };
  const context: ServiceContext = { log, clock: systemClock, ...parts, source: 'sim', trail };
  const services = [
    runFeatures(context, { lanes: ['slow', 'fast'] }, stop.signal),
    runInference(context, { trust: () => [], modelWaitMs: 0, horizons: ['1m', '5m'] }, stop.signal),
  ];
  await append(log, ticks);
  await until(async () => (await readSignals()).length === 4);
  stop.abort();
  await Promise.all(services);
  return readSignals();
}

/** The newest trade, quote or book slice before the clock that closed the signal's minute. */
function frameOf({ t }: Signal): Tick {
  const closing = ticks.findIndex(({ event }) => event?.$case === 'clock' && event.value.t >= t);
  return ticks.slice(0, closing).findLast(({ event }) => ['trade', 'quote', 'book'].includes(event?.$case ?? ''))!;
}

test('each signal has a trace from its newest frame on, whose id follows from the signal', async () => {
  const spans = openSpanExport({ url: collector.url, resource: { 'service.name': 'tributary', source: 'sim' }, logger: quiet });
  const signals = await decideAll(Trail.open(quiet, spans));
  await spans.close();
  expect(new Set(collector.spans.map(({ spanId }) => spanId)).size).toBe(collector.spans.length);
  for (const signal of signals) {
    const trace = collector.spans.filter(({ traceId }) => traceId === traceIdOf(signal));
    expect(trace.map(({ name }) => name).sort()).toEqual(['features', 'inference', 'ingest', 'publish 1m', 'publish 5m']);
    const span = (name: string) => trace.find((each) => each.name === name)!;
    const chain = ['ingest', 'features', 'inference', `publish ${signal.horizon}`].map(span);
    expect(chain.map(({ parentSpanId }) => parentSpanId)).toEqual([undefined, ...chain.slice(0, -1).map(({ spanId }) => spanId)]);
    expect(chain.every(({ resource }) => resource['service.name'] === 'tributary')).toBe(true);
    const { receiveTime, sequence } = frameOf(signal);
    expect(chain[0]).toMatchObject({ startTimeUnixNano: `${receiveTime}000`, attributes: { sequence: `${sequence}` } });
    expect(chain[3]).toMatchObject({
      attributes: { horizon: signal.horizon, direction: 'abstain', abstain_reason: 'no_model', t: `${signal.t}` },
    });
    const ends = chain.map(({ endTimeUnixNano }) => BigInt(endTimeUnixNano));
    expect(ends.every((end, i) => i === 0 || end >= ends[i - 1]!)).toBe(true);
  }
  // The fast lane has hundreds of vectors, of which one in a hundred is traced.
  const fast = collector.spans.filter(({ name, attributes }) => name === 'features' && attributes['lane'] === 'fast');
  expect(fast.length).toBeLessThan(20);
});

test('the log lines of a signal have the same id', async () => {
  const lines: Record<string, unknown>[] = [];
  const logger: Logger = pino(
    { level: 'debug' },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const [signal] = await decideAll(Trail.open(logger));
  const about = lines.filter(({ trace }) => trace === traceIdOf(signal!));
  expect(about.map(({ msg }) => msg).sort()).toEqual(['features', 'inference', 'ingest', 'publish 1m', 'publish 5m']);
  expect(about.find(({ msg }) => msg === 'ingest')).toMatchObject({ level: 20, sequence: frameOf(signal!).sequence });
  expect(collector.spans).toEqual([]);
});

test('where nobody listens there is no trail', () => {
  expect(Trail.open(quiet)).toBeUndefined();
  expect(Trail.open(createLogger({ level: 'info' }))).toBeUndefined();
});

test('a collector that is away or refuses is said once, and holds nobody up', async () => {
  const said: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => void said.push((JSON.parse(line) as { msg: string }).msg) });
  const spans = openSpanExport({ url: `${collector.url}/`, resource: {}, logger });
  const about = { venue: 'kraken', instrument: 'BTC-USD', lane: 'slow' };
  const trail = Trail.open(quiet, spans)!;
  collector.status = 503;
  for (let t = 0; t < 20_000; t++) trail.stage('features', { ...about, t }, [1_700_000_000_000_000, 1_700_000_000_000_001], {});
  await until(() => said.length === 1);
  expect(said[0]).toMatch(/no traces arrive at .*503/);
  collector.status = 200;
  trail.stage('features', { ...about, t: 1 }, [1_700_000_000_000_000, 1_700_000_000_000_001], {});
  await spans.close();
  expect(said[1]).toMatch(/some were dropped/);
  expect(collector.spans).toHaveLength(1);
});
