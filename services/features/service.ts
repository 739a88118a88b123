/**
 * Features: folds `ticks` into vectors. Vectors, snapshot of the state and input offset are one commit, so each vector stands in
 * `features` once, whatever dies when. A partition begins with its newest snapshot, replayed without a word up to the group's offset;
 * without one, with the history it is given; without that, with the log from its beginning. Where the snapshots there are were made by another
 * version of the fold, the log is folded before this member joins the group, while whoever has the partitions goes on. With an archive what
 * the log no longer has is folded out of it. The fast lane, where it runs, is a second state over the same events, which history tells
 * nothing: without a snapshot it begins empty where the slow one begins to read.
 */
import { z } from 'zod';
import { deadLetter } from '#libs/dead-letter/dead-letter.ts';
import { createFastFold, type FastState, foldFast } from '#libs/features/fast/fold.ts';
import { createFold, type FoldState, foldTick } from '#libs/features/fold.ts';
import { type Batch, type LogRecord, type OutRecord } from '#libs/log/port.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { readTail } from '#libs/readback/readback.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { type Snapshot } from '#libs/snapshot/snapshot.ts';
import { type Store } from '#libs/store/port.ts';
import { FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { Frames } from './frames.ts';
import { type Folded, foldHistory, type History } from './history.ts';
import { FeatureMetrics } from './metrics.ts';
import { Past } from './past.ts';
import { loadSnapshot, snapshotRecords } from './snapshot.ts';

export const FEATURES_GROUP = 'features';

export const featuresOptionsSchema = z.strictObject({
  snapshotEveryMs: z.number().int().min(100).default(30_000).describe('time between snapshots, milliseconds; default 30000'),
  targets: z
    .array(z.string().regex(/^[a-z0-9]+:[A-Z0-9]+-[A-Z0-9]+$/))
    .readonly()
    .optional()
    .describe('instruments that get vectors, venue:BASE-QUOTE; default: slow lane all quoted in USD, fast lane all'),
  historyMinutes: z
    .number()
    .int()
    .min(0)
    .default(400)
    .describe(
      'how many of the last minutes of history get their vectors into the log, so that inference has its window; default 400',
    ),
});

export interface FeaturesOptions extends z.input<typeof featuresOptionsSchema> {
  /** Default: the slow one, which always runs. */
  readonly lanes?: readonly Lane[];
  /** Ticks in availability order, folded before the first live one where there is no snapshot to go on from. */
  readonly history?: History;
  /** Archive of the log, opened when something is needed that the log no longer has: a partition with a past is then folded from its beginning. */
  readonly archive?: () => Promise<Store>;
}

/** A stop longer than this is bridged by history, where there is some. */
const LONGEST_STOP_MS = 600_000;
/** How long an offset may stay uncommitted while there is nothing to write. */
const IDLE_COMMIT_MS = 5_000;
const READY_LAG = 5_000;
const MAX_BATCH = 1_000;
/** Records at the end of `features` in which the slow lane's newest vector is looked for: some minutes of the fast lane's. */
const NEWEST_READ = 20_000;

/** What a lane folds, and from where on: records before it are in the state. */
type Folding<State> = Snapshot<State>;

interface Foldings {
  readonly slow: Folding<FoldState>;
  readonly fast: Folding<FastState> | undefined;
}

interface Partition extends Foldings {
  /** Vectors of records before this offset are in `features` already. */
  readonly emitFrom: number;
  /** Vectors of history, to be written with the first commit. */
  history: readonly FeatureVector[];
  /** Where trails are followed. */
  readonly frames: Frames | undefined;
  committedAt: number;
  snapshotAt: number;
  isCaughtUp: boolean;
}

/** Runs until `signal` aborts. */
export async function runFeatures(context: ServiceContext, options: FeaturesOptions, signal: AbortSignal): Promise<void> {
  const { history, archive, lanes = ['slow'], ...rest } = options;
  const past = new Past(context, archive, signal);
  const features = new Features(context, featuresOptionsSchema.parse(rest), lanes, history, past, signal);
  context.health.set('features', { ready: false, detail: 'starting' });
  try {
    await features.run();
  } catch (thrown) {
    // The abort may come while history is being folded.
    if (!signal.aborted) throw thrown;
  } finally {
    await past.close();
    context.health.set('features', { ready: false, detail: 'stopped' });
  }
}

class Features {
  readonly #context: ServiceContext;
  readonly #options: z.output<typeof featuresOptionsSchema>;
  readonly #isFast: boolean;
  readonly #history: History | undefined;
  readonly #past: Past;
  readonly #signal: AbortSignal;
  readonly #metrics: FeatureMetrics;
  readonly #partitions = new Map<number, Partition>();
  /** In the place of snapshots. */
  readonly #rebuilt = new Map<number, Foldings>();
  /** History folded, once for all partitions. */
  #folded: Promise<readonly Folded[]> | undefined;

  constructor(
    context: ServiceContext,
    options: z.output<typeof featuresOptionsSchema>,
    lanes: readonly Lane[],
    history: History | undefined,
    past: Past,
    signal: AbortSignal,
  ) {
    this.#context = context;
    this.#options = options;
    this.#isFast = lanes.includes('fast');
    this.#history = history;
    this.#past = past;
    this.#signal = signal;
    this.#metrics = new FeatureMetrics(context.metrics);
  }

  async run(): Promise<void> {
    if (this.#history === undefined || this.#past.hasArchive) await this.#rebuild();
    await this.#context.log.consume({
      group: FEATURES_GROUP,
      topics: ['ticks'],
      signal: this.#signal,
      maxBatch: MAX_BATCH,
      start: (_topic, partition, committed) => this.#start(partition, committed),
      handle: (batch) => this.#handle(batch),
      revoked: (_topic, partition) => {
        this.#partitions.delete(partition);
        this.#metrics.forget(partition);
      },
    });
  }

  /** Where to begin to read: no lane misses a record. */
  async #start(partition: number, committed: number | undefined): Promise<number> {
    const begin = await this.#startSlow(partition, committed);
    const snapshot = this.#isFast
      ? ((await loadSnapshot(this.#context.log, 'fast', partition)) ?? this.#rebuilt.get(partition)?.fast)
      : undefined;
    this.#rebuilt.delete(partition);
    const started = this.#partitions.get(partition)!;
    if (this.#isFast) {
      const fast = snapshot ?? { state: createFastFold(this.#foldOptions()), offset: begin };
      this.#partitions.set(partition, { ...started, fast, ...(snapshot === undefined && { snapshotAt: -Infinity }) });
    }
    return this.#fillUp(partition, Math.min(begin, snapshot?.offset ?? begin));
  }

  /** Folds what the log no longer has from `from` on, where there is an archive; where the log goes on. */
  async #fillUp(partition: number, from: number): Promise<number> {
    const { log, health } = this.#context;
    const foldings = this.#partitions.get(partition)!;
    let next = from;
    while (this.#past.hasArchive) {
      const { begin } = await log.bounds('ticks', partition);
      if (next >= begin) break;
      health.set('features', { ready: false, detail: `folds the archive of partition ${partition}` });
      await this.#foldSilently(foldings, partition, next, begin);
      this.#signal.throwIfAborted();
      next = begin;
    }
    return next;
  }

  async #startSlow(partition: number, committed: number | undefined): Promise<number> {
    const { log, logger } = this.#context;
    const loaded = await loadSnapshot(log, 'slow', partition);
    const snapshot = loaded ?? this.#rebuilt.get(partition)?.slow;
    if (snapshot !== undefined && !(await this.#isOutdated(snapshot.state, partition))) {
      this.#begin(partition, snapshot, committed ?? snapshot.offset, []);
      // The first vectors do not wait for another one.
      if (loaded !== undefined) this.#partitions.get(partition)!.snapshotAt = this.#context.clock.now();
      logger.info({ partition, offset: snapshot.offset, committed }, 'going on from a snapshot');
      return snapshot.offset;
    }
    const { begin } = await log.bounds('ticks', partition);
    if (this.#history === undefined || (this.#past.hasArchive && begin > 0)) {
      const offset = await this.#past.begin(partition);
      this.#begin(partition, { state: createFold(this.#foldOptions()), offset }, committed ?? begin, []);
      return offset;
    }
    const { state, vectors } = await this.#foldedHistory(this.#history, partition);
    const newest = await this.#newestVector(partition);
    const from = committed ?? begin;
    this.#begin(
      partition,
      { state, offset: from },
      from,
      vectors.filter(({ t }) => t > newest),
    );
    return from;
  }

  /** Partitions that a group works on and that have no snapshot of this version: until all of them are near to where the group is. */
  async #rebuild(): Promise<void> {
    const { log, logger } = this.#context;
    const partitions = Array.from({ length: await log.partitions('ticks') }, (_, partition) => partition);
    const isMissing = await Promise.all(
      partitions.map(
        async (partition) =>
          (await log.committed(FEATURES_GROUP, 'ticks', partition)) !== undefined &&
          (await loadSnapshot(log, 'slow', partition)) === undefined,
      ),
    );
    const missing = partitions.filter((partition) => isMissing[partition]);
    for (let behind = missing; behind.length > 0 && !this.#signal.aborted; behind = await this.#behind(missing))
      for (const partition of behind) await this.#foldOn(partition);
    if (this.#signal.aborted) return;
    for (const partition of missing) {
      const { offset } = this.#rebuilt.get(partition)!.slow;
      logger.info({ partition, offset }, 'rebuilt for want of a snapshot of this version');
    }
  }

  /** Of `partitions` those whose group has gone on a good way since they were folded. */
  async #behind(partitions: readonly number[]): Promise<number[]> {
    const behind: number[] = [];
    for (const partition of partitions) {
      const committed = await this.#context.log.committed(FEATURES_GROUP, 'ticks', partition);
      if (committed !== undefined && committed - this.#rebuilt.get(partition)!.slow.offset > READY_LAG) behind.push(partition);
    }
    return behind;
  }

  /** Up to what the group has committed, which goes on meanwhile: what lies behind that is for the new owner to emit. */
  async #foldOn(partition: number): Promise<void> {
    const { log, health } = this.#context;
    health.set('features', { ready: false, detail: `rebuilds partition ${partition} beside whoever has it` });
    const { slow, fast } = this.#rebuilt.get(partition) ?? (await this.#empty(partition));
    const offset = (await log.committed(FEATURES_GROUP, 'ticks', partition)) ?? slow.offset;
    await this.#foldSilently({ slow, fast }, partition, slow.offset, offset);
    this.#rebuilt.set(partition, { slow: { ...slow, offset }, fast: fast && { ...fast, offset } });
  }

  async #empty(partition: number): Promise<Foldings> {
    const offset = await this.#past.begin(partition);
    const slow = { state: createFold(this.#foldOptions()), offset };
    return { slow, fast: this.#isFast ? { state: createFastFold(this.#foldOptions()), offset } : undefined };
  }

  async #foldSilently({ slow, fast }: Foldings, partition: number, from: number, end: number): Promise<void> {
    for await (const records of this.#past.records(partition, from, end))
      this.#fold({ slow, fast, emitFrom: Infinity, history: [], frames: undefined }, records);
  }

  #begin(partition: number, slow: Folding<FoldState>, emitFrom: number, history: readonly FeatureVector[]): void {
    const committedAt = this.#context.clock.now();
    const frames = this.#context.trail === undefined ? undefined : new Frames();
    const begun = { emitFrom, history, frames, committedAt, snapshotAt: -Infinity, isCaughtUp: false };
    this.#partitions.set(partition, { slow, fast: undefined, ...begun });
  }

  #foldOptions(): { readonly targets?: readonly string[] } {
    return this.#options.targets === undefined ? {} : { targets: this.#options.targets };
  }

  /** Whether history tells more; the log may have gone on while this service stood still. */
  async #isOutdated(state: FoldState, partition: number): Promise<boolean> {
    // With an archive the log is whole. In a replay its times have nothing to do with the clock on the wall.
    if (this.#history === undefined || this.#past.hasArchive || this.#context.source === 'replay') return false;
    if (this.#context.clock.now() - state.t <= LONGEST_STOP_MS) return false;
    return (await this.#foldedHistory(this.#history, partition)).state.t > state.t;
  }

  async #foldedHistory(history: History, partition: number): Promise<Folded> {
    const { log, clock, health, logger } = this.#context;
    const partitions = await log.partitions('ticks');
    if (this.#folded === undefined) {
      health.set('features', { ready: false, detail: 'folding history' });
      const started = clock.now();
      const keepMs = this.#options.historyMinutes * 60_000;
      this.#folded = foldHistory(history, partitions, keepMs, this.#foldOptions(), this.#signal);
      await this.#folded;
      const seconds = (clock.now() - started) / 1000;
      this.#metrics.historySeconds.set(seconds);
      logger.info({ seconds }, 'history folded');
    }
    const { state, vectors } = (await this.#folded)[partition]!;
    // A partition may come back after it was revoked: the folded state stays as it was.
    return { state: structuredClone(state), vectors };
  }

  /** Time of the slow lane's newest vector in the log; -Infinity = none. */
  async #newestVector(partition: number): Promise<number> {
    let newest = -Infinity;
    for (const { value } of await readTail(this.#context.log, 'features', partition, NEWEST_READ)) {
      const { t, lane } = FeatureVector.decode(value);
      if (lane !== 'fast') newest = Math.max(newest, t);
    }
    return newest;
  }

  async #handle(batch: Batch): Promise<void> {
    const partition = this.#partitions.get(batch.partition);
    if (partition === undefined) return;
    const { log, clock, source, trail } = this.#context;
    const stop = this.#metrics.batchSeconds.startTimer();
    const outputs = this.#fold(partition, batch.records);
    stop();
    const offset = batch.records.at(-1)!.offset + 1;
    if (offset > partition.emitFrom) {
      const now = clock.now();
      // Vectors do not wait for a snapshot, unless they leave no moment without any.
      const sinceSnapshot = now - partition.snapshotAt;
      const isSnapshotDue = sinceSnapshot >= this.#options.snapshotEveryMs * (outputs.length > 0 ? 2 : 1);
      // Whoever waits for a replay sees by the committed offset that it is over.
      const isOver = source === 'replay' && batch.endOffset === offset;
      if (outputs.length > 0 || isSnapshotDue || isOver || now - partition.committedAt >= IDLE_COMMIT_MS) {
        if (isSnapshotDue) {
          outputs.push(...snapshotRecords('slow', partition.slow.state, batch.partition, offset));
          if (partition.fast !== undefined)
            outputs.push(...snapshotRecords('fast', partition.fast.state, batch.partition, offset));
        }
        await log.commit({ group: FEATURES_GROUP, topic: 'ticks', partition: batch.partition, offset, outputs });
        if (trail !== undefined) partition.frames?.committed(trail, batch.partition, clock.nowMicros());
        partition.committedAt = now;
        partition.history = [];
        if (isSnapshotDue) partition.snapshotAt = now;
      }
    }
    this.#report(partition, batch.partition, batch.endOffset - offset);
  }

  #fold(
    { slow, fast, emitFrom, history, frames }: Pick<Partition, 'slow' | 'fast' | 'emitFrom' | 'history' | 'frames'>,
    records: readonly LogRecord[],
  ): OutRecord[] {
    const outputs: OutRecord[] = history.map(vectorRecord);
    const before = { ...slow.state.counts };
    for (const record of records) {
      const { offset } = record;
      const emit = (vector: FeatureVector): void => {
        if (offset < emitFrom) return;
        this.#metrics.made(vector);
        frames?.made(vector, record);
        outputs.push(vectorRecord(vector));
      };
      try {
        const tick = Tick.decode(record.value);
        frames?.saw(tick, record);
        if (offset >= slow.offset) foldTick(slow.state, tick, offset, emit);
        if (fast !== undefined && offset >= fast.offset) foldFast(fast.state, tick, offset, emit);
      } catch (thrown) {
        if (offset < emitFrom) continue;
        this.#metrics.deadLetters.inc();
        outputs.push(deadLetter(record, 'features', thrown, this.#context.clock.now()));
      }
    }
    this.#metrics.counted(before, slow.state.counts);
    return outputs;
  }

  #report(partition: Partition, number: number, lag: number): void {
    this.#metrics.lag(number, lag);
    partition.isCaughtUp = lag <= READY_LAG;
    const behind = [...this.#partitions.values()].filter(({ isCaughtUp }) => !isCaughtUp).length;
    this.#context.health.set('features', {
      ready: behind === 0,
      detail: behind === 0 ? 'folds ticks as they come' : `${behind} of ${this.#partitions.size} partitions catch up`,
    });
  }
}

function vectorRecord(vector: FeatureVector): OutRecord {
  return { topic: 'features', key: vector.asset, value: FeatureVector.encode(vector).finish() };
}
