/** What the tests of inference share: a service over a real log, vectors of the live schema, bundles with hand-made heads. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#libs/clock/clock.ts';
import { featureSchema } from '#libs/features/catalogue.ts';
import { fastSchema } from '#libs/features/fast/catalogue.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { type Bundle, sealBundle } from '#libs/models/bundle.ts';
import { type External } from '#libs/models/external/external.ts';
import { signBundle, signExternal } from '#libs/models/signature.ts';
import { ModelRegistry, type PublishRequest } from '#libs/registry/registry.ts';
import { type ServiceContext, type Source } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Signal } from '#libs/wire/tributary/v1/signals.ts';
import { type InferenceOptions, runInference } from '../service.ts';

export const T = Date.UTC(2026, 0, 5, 12);
export const MINUTE = 60_000;
/** Of an operator whom the rig's services trust. */
const KEY = generateKeyPairSync('ed25519');
export const VENUES = ['coinbase', 'kraken'] as const;
export const { id: SCHEMA_ID, columns: COLUMNS } = featureSchema();

export interface Rig {
  readonly log: EventLog;
  /** Wall time of the service; T at first. */
  now: number;
  /** Says what the service says, in order. */
  start(
    options?: Partial<InferenceOptions>,
    source?: Source,
  ): { readonly context: ServiceContext; readonly address: Promise<string>; stop(): Promise<void> };
  signed(bundle: Bundle): Omit<PublishRequest, 'slot'>;
  publish(bundle: Bundle, request?: Partial<PublishRequest>): Promise<void>;
  /** Into the fallback slot. */
  publishExternal(external: External): Promise<void>;
  change<T>(change: (registry: ModelRegistry) => Promise<T>, lane?: Lane): Promise<T>;
  signals(): Promise<Signal[]>;
  /** What the slots that do not decide would have said. */
  shadows(): Promise<Signal[]>;
  close(): Promise<void>;
}

export async function openRig(): Promise<Rig> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-inference-'));
  const log = await openEmbeddedLog({ path: directory, partitions: 1 });
  const services = new Set<AbortController>();
  const rig: Rig = {
    log,
    now: T,
    start(options = {}, source = 'sim') {
      const stop = new AbortController();
      services.add(stop);
      const clock = { ...systemClock, now: () => rig.now };
      const logger = createLogger({ level: 'silent' });
      const context: ServiceContext = { log, clock, logger, metrics: createMetrics({ source }), health: new Health(), source };
      let listening: (address: string) => void = () => undefined;
      const address = new Promise<string>((resolve) => (listening = resolve));
      const running = runInference(context, { trust: () => [KEY.publicKey], ...options, listening }, stop.signal);
      running.catch(() => undefined);
      return {
        context,
        address,
        stop: async () => {
          stop.abort();
          await running;
        },
      };
    },
    signed: (bundle) => ({
      ...{ bundleId: bundle.id, bundle: signBundle(bundle, KEY.privateKey), actor: 'test', reason: 'test' },
      now: T - MINUTE,
    }),
    async publish(bundle, request = {}) {
      // Everything published before the first vector bears on it, unless a test says otherwise.
      const given = { slot: 'champion' as const, ...rig.signed(bundle), ...request };
      await rig.change((registry) => registry.publish(given), bundle.lane);
    },
    async publishExternal(external) {
      const bundle = signExternal(external, KEY.privateKey);
      const request = {
        slot: 'fallback' as const,
        bundleId: external.id,
        bundle,
        actor: 'test',
        reason: 'test',
        now: T - MINUTE,
      };
      await rig.change((registry) => registry.publish({ ...request, effectiveT: 1 }));
    },
    async change(change, lane) {
      const stop = new AbortController();
      const registry = await ModelRegistry.open(log, stop.signal, () => undefined, lane);
      try {
        return await change(registry);
      } finally {
        stop.abort();
      }
    },
    signals: () => decisionsIn(log, 'signals'),
    shadows: () => decisionsIn(log, 'shadow'),
    async close() {
      for (const service of services) service.abort();
      await log.close();
      await rm(directory, { recursive: true });
    },
  };
  return rig;
}

async function decisionsIn(log: EventLog, topic: 'signals' | 'shadow'): Promise<Signal[]> {
  const found: Signal[] = [];
  for await (const batch of log.read(topic, 0)) found.push(...batch.records.map((record) => Signal.decode(record.value)));
  return found;
}

/** The vector of `minute`, whose first value is `x`. */
export function vector(minute: number, venue: string, x: number, more: Partial<FeatureVector> = {}): FeatureVector {
  return FeatureVector.fromPartial({
    ...{ asset: 'BTC', venue, instrument: 'BTC-USD', t: T + minute * MINUTE, lane: 'slow', schemaId: SCHEMA_ID },
    ...{ values: COLUMNS.map((_, i) => (i === 0 ? x : 0)), lastPrice: 60_000 + minute, bid: 59_997, ask: 60_003 },
    ...more,
  });
}

/** A vector of the fast lane, `ms` after T: its first value is `x`, and the target was updated `age` seconds before. */
export function fastVector(ms: number, venue: string, x: number, age = 0): FeatureVector {
  const { id, columns } = fastSchema();
  const values = columns.map((name, i) => (i === 0 ? x : name === 'fast_age@1' ? age : 0));
  return vector(0, venue, x, { t: T + ms, lane: 'fast', schemaId: id, values });
}

export async function appendVectors(log: EventLog, vectors: readonly FeatureVector[]): Promise<void> {
  await log.append(vectors.map((each) => ({ topic: 'features', key: each.asset, value: FeatureVector.encode(each).finish() })));
}

/** Heads for BTC-USD at 1m on both venues, 5m silenced on Coinbase: log odds = first value now + 10 times the one `lag` vectors ago. */
export function bundleOf(
  options: {
    readonly lag?: number;
    readonly seed?: number;
    readonly feature?: string;
    readonly trainedTo?: number;
    readonly limit?: number;
  } = {},
): Bundle {
  const feature = options.feature ?? COLUMNS[0]!;
  const lag = options.lag ?? 0;
  const scaler = { mean: [0, 0], deviation: [1, 1] };
  const model = { kind: 'logistic' as const, scaler, weights: [1, lag === 0 ? 0 : 10], intercept: 0 };
  const metrics = { trained: 1, outOfFold: 1, accuracy: null, brier: null, emittedCoverage: null, emittedAccuracy: null };
  const head = {
    instrument: 'BTC-USD',
    inputs: [0, 1],
    members: [{ weight: 1, model }],
    calibration: { kind: 'identity' as const },
    ...(options.limit === undefined ? {} : { distribution: { ...scaler, limit: options.limit } }),
    metrics,
  };
  return sealBundle({
    ...{ target: 'entry', lane: 'slow', seed: options.seed ?? 1, trained: { from: 0, to: options.trainedTo ?? T } },
    inputs: [feature, lag === 0 ? feature : `${feature}#${lag}`],
    heads: [
      ...VENUES.map((venue) => ({ ...head, venue, horizon: '1m', threshold: 0.7, silenced: '' })),
      { ...head, venue: 'coinbase', horizon: '5m', threshold: 1.01, silenced: 'no edge' },
    ],
  });
}

/** Waits for a condition; gives up after 25 s, so that a test that fails leaves nothing behind. */
export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 25_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('what the test waits for did not come');
    await systemClock.sleep(5);
  }
}
