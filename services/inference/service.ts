/**
 * Inference: consumes `features`, asks the serving model about each vector and publishes one decision per (instrument, venue, horizon,
 * t): a signal or a stated abstention, in one commit with the offset, so that every key stands in `signals` exactly once. What the slots that
 * do not decide would have said goes to `shadow` in the same commit.
 * Its only state is the newest vectors of each instrument; a start reads them back and keeps quiet until it reaches the offset where
 * the last run stopped.
 * In the fast lane, where it runs, a bundle of its own is asked at every vector, and only where a head of it may speak there is a decision: that
 * nothing can be said is not worth saying several times a second.
 */
import { z } from 'zod';
import { type Access } from '#libs/access/access.ts';
import { deadLetter } from '#libs/dead-letter/dead-letter.ts';
import { describeError, messageOf, TributaryError } from '#libs/errors/errors.ts';
import { featureSchema } from '#libs/features/catalogue.ts';
import { fastSchema } from '#libs/features/fast/catalogue.ts';
import { heardWithin } from '#libs/features/fast/silence.ts';
import { type FeatureSchema } from '#libs/features/schema.ts';
import { type Batch, type EventLog, type LogRecord, type OutRecord } from '#libs/log/port.ts';
import { type Horizon, HORIZON_MS, HORIZONS_OF, type Lane } from '#libs/market/horizon.ts';
import { readBefore, seekBack } from '#libs/readback/readback.ts';
import { type Trust } from '#libs/registry/operator-key.ts';
import { openRegistries, type Registries } from '#libs/registry/order.ts';
import { type ModelRegistry } from '#libs/registry/registry.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { SignalFeed } from '#libs/signals/feed.ts';
import { toJson } from '#libs/signals/json.ts';
import { type Attributes } from '#libs/telemetry/otlp.ts';
import { FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Signal } from '#libs/wire/tributary/v1/signals.ts';
import { type Consulted, decide, deciderOf, type ServingModel } from './decide.ts';
import { type Scoring, type SignalServer, startSignalServer } from './grpc.ts';
import { Latency } from './latency.ts';
import { BundleMetrics } from './bundle-metrics.ts';
import { inferenceMetrics, type InferenceMetrics } from './metrics.ts';
import { ServingModels } from './serving.ts';
import { CADENCE_MS, MAX_LAGS, Windows } from './window.ts';

export const INFERENCE_GROUP = 'inference';

export const inferenceOptionsSchema = z.object({
  grpcPort: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('port of SignalService, 0 = any free one; default: no server'),
  grpcHost: z.string().default('127.0.0.1').describe('where SignalService listens; default 127.0.0.1'),
  publishDelayMs: z
    .number()
    .min(0)
    .default(0)
    .describe('added to published_at: how long a decision takes to be seen, milliseconds; default 0'),
  modelWaitMs: z
    .number()
    .min(0)
    .default(75_000)
    .describe('how long after the start vectors wait for the first bundle, milliseconds; default 75000'),
  staleMs: z
    .number()
    .positive()
    .default(65_000)
    .describe('age at which a vector of the slow lane is too old for a signal, milliseconds; default 65000; not in a replay'),
  maxModelAgeMs: z
    .number()
    .positive()
    .default(14 * 86_400_000)
    .describe(
      'time since the end of its training data after which a bundle does not decide any more, milliseconds; default 14 days',
    ),
  from: z.number().default(0).describe('first decision time, milliseconds; earlier vectors only fill the windows; default 0'),
  historyFrom: z.number().default(0).describe('the same for vectors of history, which features wrote when it started; default 0'),
  json: z.boolean().default(false).describe('decisions also as JSON, in signals-json; default false'),
});

export interface InferenceOptions extends z.input<typeof inferenceOptionsSchema> {
  /** Whose bundles serve. */
  readonly trust: Trust;
  /** Default: the slow one, which always runs. */
  readonly lanes?: readonly Lane[];
  /** Of the slow lane. Default: all. */
  readonly horizons?: readonly Horizon[];
  /** The newest vectors of history, oldest first: what stands before the first vector of the log. */
  readonly prime?: readonly FeatureVector[];
  /** Who may ask SignalService. Default: everyone on loopback. */
  readonly access?: Access;
  /** Hears the address of SignalService. */
  readonly listening?: (address: string) => void;
}

/** Vectors in one commit. */
const MAX_BATCH = 500;
/** How far SignalService reads back at the start, offsets of each partition: the latest decisions, and what most callers missed meanwhile. */
const READ_BACK = 1_000;

/** What a lane decides with. */
interface LaneModels {
  readonly lane: Lane;
  readonly schema: FeatureSchema;
  readonly horizons: readonly Horizon[];
  readonly registry: ModelRegistry;
  readonly models: ServingModels;
}

interface Partition {
  readonly windows: Readonly<Record<Lane, Windows>>;
  /** The group's offset in `features`: below it everything is decided. */
  committed: number;
}

/** Runs until `signal` aborts. Throws `TRB_PORT_IN_USE`. */
export async function runInference(context: ServiceContext, options: InferenceOptions, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const ending = AbortSignal.any([signal, stop.signal]);
  const failures: Error[] = [];
  const fail = (error: unknown): void => {
    failures.push(error instanceof Error ? error : new Error(messageOf(error)));
    stop.abort();
  };
  const registries = await openRegistries(context.log, options.lanes ?? ['slow'], ending, fail);
  const inference = new Inference(context, options, registries, ending);
  try {
    const server = await inference.serve(fail);
    await inference.consume();
    stop.abort();
    await server?.closed;
  } finally {
    stop.abort();
    context.health.set('inference', { ready: false, detail: 'stopped' });
  }
  if (failures[0] !== undefined) throw failures[0];
}

const isHeard = heardWithin(fastSchema().columns);

class Inference implements Scoring {
  readonly schemaId = featureSchema().id;
  readonly columns = featureSchema().columns.length;
  readonly #context: ServiceContext;
  readonly #log: EventLog;
  readonly #options: InferenceOptions & z.output<typeof inferenceOptionsSchema>;
  readonly #signal: AbortSignal;
  readonly #slow: LaneModels;
  readonly #fast: LaneModels | undefined;
  readonly #metrics: InferenceMetrics;
  readonly #bundles: BundleMetrics;
  /** Of the fast lane. */
  readonly #latency = new Latency();
  readonly #partitions = new Map<number, Partition>();
  /** Resolves when there is a model of the slow lane, or nobody waits for one any more. */
  readonly #modelOrNever: Promise<void>;

  constructor(context: ServiceContext, options: InferenceOptions, registries: Registries, signal: AbortSignal) {
    this.#context = context;
    this.#log = context.log;
    this.#options = { ...options, ...inferenceOptionsSchema.parse(options) };
    this.#signal = signal;
    this.#metrics = inferenceMetrics(context.metrics);
    this.#bundles = new BundleMetrics(context.metrics);
    const { refused } = this.#metrics;
    const laneOf = (schema: FeatureSchema, horizons: readonly Horizon[], registry: ModelRegistry): LaneModels => {
      const models = new ServingModels(registry, schema, options.trust, context, (slot) => refused.inc({ slot }));
      return { lane: registry.lane, schema, horizons, registry, models };
    };
    const { slow, fast } = registries;
    this.#slow = laneOf(featureSchema(), options.horizons ?? HORIZONS_OF.slow, slow!);
    this.#fast = fast === undefined ? undefined : laneOf(fastSchema(), HORIZONS_OF.fast, fast);
    this.#modelOrNever = this.#awaitModel();
  }

  /** Starts SignalService where a port is given. `fail` hears why it cannot go on. */
  async serve(fail: (error: unknown) => void): Promise<SignalServer | undefined> {
    const { grpcPort: port, grpcHost: host, access = {}, listening } = this.#options;
    if (port === undefined) return undefined;
    const { clock } = this.#context;
    const feed = new SignalFeed(this.#context);
    const following = feed.follow(this.#signal, READ_BACK).catch(fail);
    await Promise.race([feed.ready, following]);
    const server = await startSignalServer(
      { port, host, access, clock, feed, scoring: this, metrics: this.#metrics },
      this.#signal,
    );
    listening?.(server.address);
    return server;
  }

  consume(): Promise<void> {
    return this.#log.consume({
      group: INFERENCE_GROUP,
      topics: ['features'],
      start: (_topic, partition, committed) => this.#open(partition, committed),
      handle: (batch) => this.#handle(batch),
      revoked: (_topic, partition) => void this.#partitions.delete(partition),
      signal: this.#signal,
      maxBatch: MAX_BATCH,
    });
  }

  async model(): Promise<ServingModel | undefined> {
    return (await this.#slow.models.at(Infinity)).find(({ slot }) => slot !== 'challenger');
  }

  windowBefore(venue: string, instrument: string, lags: number): readonly (readonly number[])[] | undefined {
    if (lags === 0) return [];
    for (const { windows } of this.#partitions.values()) {
      const window = windows.slow.ending(venue, instrument, lags - 1);
      if (window !== undefined) return window;
    }
    return undefined;
  }

  /** The first bundle that can serve; in a replay there is no hurry, elsewhere it is waited for so long and no longer. */
  async #awaitModel(): Promise<void> {
    const { health, clock, source } = this.#context;
    const stop = new AbortController();
    const either = AbortSignal.any([this.#signal, stop.signal]);
    const lanes = [this.#slow, ...(this.#fast === undefined ? [] : [this.#fast])];
    const update = (): void => {
      for (const { lane, models, registry } of lanes) {
        models.preload();
        for (const { slot, effectiveT } of registry.slots()) this.#metrics.slotSince.set({ slot, lane }, effectiveT / 1000);
        this.#bundles.show(lane, models.held());
      }
      const isReady = this.#slow.models.isReady;
      health.set('inference', { ready: isReady, detail: isReady ? 'a model serves' : 'no model yet' });
      if (isReady) stop.abort();
    };
    for (const { registry } of lanes) {
      this.#signal.addEventListener('abort', registry.onChange(update), { once: true });
    }
    update();
    await clock.sleep(source === 'replay' ? 2 ** 31 - 1 : this.#options.modelWaitMs, either);
  }

  async #open(number: number, committed: number | undefined): Promise<number> {
    const windows = { slow: new Windows(), fast: new Windows() };
    for (const vector of this.#options.prime ?? []) windows.slow.prime(vector);
    const { begin } = await this.#log.bounds('features', number);
    this.#partitions.set(number, { windows, committed: committed ?? begin });
    return committed === undefined ? begin : this.#rewound(number, committed);
  }

  /** Where the vectors begin that the windows need at `committed`. */
  async #rewound(number: number, committed: number): Promise<number> {
    const last = (await readBefore(this.#log, 'features', number, committed)).map((record) =>
      this.#decode(record, FeatureVector),
    );
    const t = last.findLast((vector) => vector !== undefined)?.t;
    if (t === undefined) return committed;
    const since = t - (MAX_LAGS + 1) * CADENCE_MS;
    return seekBack(this.#log, 'features', number, committed, (record) => {
      const vector = this.#decode(record, FeatureVector);
      return vector === undefined ? undefined : vector.t < since;
    });
  }

  async #handle(batch: Batch): Promise<void> {
    const partition = this.#partitions.get(batch.partition);
    if (partition === undefined) throw new Error(`partition ${batch.partition} was read before it was opened`);
    const next = batch.records.at(-1)!.offset + 1;
    const deciding: Promise<readonly Signal[]>[] = [];
    const letters: OutRecord[] = [];
    for (const record of batch.records) {
      const isNew = record.offset >= partition.committed;
      const vector = this.#decode(record, FeatureVector, isNew ? letters : undefined);
      if (vector === undefined) continue;
      const lane = vector.lane === 'fast' ? this.#fast : this.#slow;
      if (lane === undefined) continue;
      const windows = partition.windows[lane.lane];
      if (!windows.add(vector)) this.#metrics.repeated.inc();
      else if (isNew && this.#isDue(vector)) {
        if (lane === this.#slow) await this.#modelOrNever;
        // Stopped while it waited: these vectors are decided by the next start.
        if (this.#signal.aborted) return;
        const serving = await lane.models.at(vector.t);
        // Reads the windows before it returns, and answers while later vectors are taken.
        deciding.push(this.#decide(lane, serving, windows, vector));
      }
    }
    const decisions = (await Promise.all(deciding)).flat();
    if (next <= partition.committed) return;
    const outputs = [...decisions.map(outRecord), ...this.#asJson(decisions), ...letters];
    const began = this.#context.clock.nowMicros();
    try {
      await this.#log.commit({ group: INFERENCE_GROUP, topic: 'features', partition: batch.partition, offset: next, outputs });
    } catch (thrown) {
      if (!(thrown instanceof TributaryError) || thrown.code !== 'TRB_LOG_FENCED') throw thrown;
      // Another member owns the partition now and decides these itself.
      this.#partitions.delete(batch.partition);
      return;
    }
    partition.committed = next;
    this.#published(
      decisions.filter(({ shadow }) => !shadow),
      began,
    );
    this.#metrics.lag.set({ partition: batch.partition }, batch.endOffset - next);
  }

  #isDue({ t, sourceOffset }: FeatureVector): boolean {
    const { from, historyFrom } = this.#options;
    return t >= from && (sourceOffset >= 0 || t >= historyFrom);
  }

  /** The decision of each horizon, and behind it what the slots that do not decide would have said. */
  async #decide(
    { lane, schema, horizons }: LaneModels,
    serving: readonly ServingModel[],
    windows: Windows,
    vector: FeatureVector,
  ): Promise<readonly Signal[]> {
    const { source, clock, trail } = this.#context;
    const { venue, instrument, t, values } = vector;
    const began = clock.nowMicros();
    const now = source === 'replay' ? t : clock.now();
    const done = this.#metrics.score.startTimer({ lane });
    const models = await Promise.all(serving.map((model) => this.#consult(model, schema, windows, vector)));
    const given = { vector, schemaId: schema.id, publishedAt: now + this.#options.publishDelayMs, source };
    const covers = ({ scorer }: ServingModel, horizon: Horizon): boolean => scorer.covers(venue, instrument, horizon);
    const decisions = horizons.flatMap((horizon) => {
      const decider = deciderOf(models, { ...given, horizon });
      const length = HORIZON_MS[horizon];
      const isFast = lane === 'fast';
      if (isFast && !isHeard(values, length)) return [];
      const others = models.filter((model) => model !== decider && covers(model, horizon));
      const isStale = now - t > (isFast ? length : this.#options.staleMs);
      const each = { ...given, horizon, isStale, isTooSlow: isFast && this.#latency.p99 > length };
      const all = [
        decide({ ...each, model: decider, isShadow: false }),
        ...others.map((model) => decide({ ...each, model, isShadow: true })),
      ];
      if (!isFast) return all;
      // Where no head may speak, an abstention four times a second says nothing to anybody; where that of a shadow may, it is what decides there.
      const maySpeak = ({ shadow, threshold }: Signal): boolean =>
        threshold <= 1 && (shadow || (decider !== undefined && covers(decider, horizon)));
      return all.some(maySpeak) ? all.filter((decision) => !decision.shadow || maySpeak(decision)) : [];
    });
    done();
    trail?.stage('inference', vector, [began, clock.nowMicros()], { models: models.map(({ slot }) => slot).join() });
    return decisions;
  }

  async #consult(
    model: ServingModel,
    schema: FeatureSchema,
    windows: Windows,
    { venue, instrument, t, schemaId }: FeatureVector,
  ): Promise<Consulted> {
    const { scorer, slot } = model;
    const window = windows.ending(venue, instrument, scorer.lags);
    const isStale = slot !== 'fallback' && t - scorer.trainedTo > this.#options.maxModelAgeMs;
    const consulted = { ...model, window, opinions: undefined, isStale, hasFailed: false };
    if (window === undefined || schemaId !== schema.id) return consulted;
    try {
      return { ...consulted, opinions: await scorer.consult(venue, instrument, window) };
    } catch (thrown) {
      this.#metrics.failed.inc({ slot });
      this.#context.logger.warn({ slot, bundle: scorer.bundleId, venue, instrument }, `no answer: ${describeError(thrown)}`);
      return { ...consulted, hasFailed: true };
    }
  }

  #asJson(decisions: readonly Signal[]): readonly OutRecord[] {
    const published = this.#options.json ? decisions.filter(({ shadow }) => !shadow) : [];
    return published.map((decision) => ({
      topic: 'signals-json',
      key: decision.asset,
      value: Buffer.from(JSON.stringify(toJson(decision))),
    }));
  }

  /** `began`: when their commit did, microseconds. */
  #published(decisions: readonly Signal[], began: number): void {
    const { clock, trail } = this.#context;
    const now = clock.now();
    const champion = this.#slow.registry.slot('champion');
    if (champion !== undefined) this.#metrics.modelAge.set(Math.max(0, now - champion.time) / 1000);
    for (const decision of decisions) {
      this.#metrics.published(decision);
      trail?.stage('publish', decision, [began, clock.nowMicros()], told(decision), { which: decision.horizon });
      if (this.#context.source === 'replay') continue;
      const took = Math.max(0, now - decision.t);
      this.#metrics.latency.observe({ lane: decision.lane }, took / 1000);
      if (decision.lane === 'fast') this.#latency.add(took);
    }
  }

  #decode<T>(record: LogRecord, message: { decode(bytes: Uint8Array): T }, letters?: OutRecord[]): T | undefined {
    try {
      return message.decode(record.value);
    } catch (thrown) {
      this.#metrics.unreadable.inc();
      letters?.push(deadLetter(record, 'inference', thrown, this.#context.clock.now()));
      this.#context.logger.warn({ topic: record.topic, partition: record.partition, offset: record.offset }, 'unreadable record');
      return undefined;
    }
  }
}

/** Of a decision, for its trail. */
function told(decision: Signal): Attributes {
  const { horizon, direction, confidence, abstain_reason, slot, bundle_id, published_at } = toJson(decision);
  return { horizon, direction, confidence, abstain_reason, slot, bundle_id, published_at };
}

function outRecord(signal: Signal): OutRecord {
  return { topic: signal.shadow ? 'shadow' : 'signals', key: signal.asset, value: Signal.encode(signal).finish() };
}
