/**
 * Evaluation: settles every decision once its horizon has passed, by the prices of the log, and keeps the live accuracy.
 * It consumes `ticks` (whose clocks settle) and follows `signals` and `shadow` of the same partition beside it; outcomes, the offset in `ticks` and
 * now and then a snapshot of the prices are one commit. After a restart the open decisions are those without an outcome (restore.ts), so each is
 * settled exactly once.
 */
import { z } from 'zod';
import { deadLetter } from '#libs/dead-letter/dead-letter.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Batch, type EventLog, type LogRecord, type OutRecord } from '#libs/log/port.ts';
import { untilDecided } from '#libs/readback/decided.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { recordsOfSnapshot } from '#libs/snapshot/snapshot.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { Outcome, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { type LiveAccuracy } from './accuracy.ts';
import { EvaluationMetrics } from './metrics.ts';
import { type OutcomeJoin } from './outcomes.ts';
import { DECISION_TOPICS, type DecisionTopic, OUTCOME_STATE, OUTCOMES_OF, restore } from './restore.ts';
import { type SlotAccuracy } from './slots.ts';

export const EVALUATION_GROUP = 'evaluation';

export const evaluationOptionsSchema = z.strictObject({
  graceMs: z
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(2_000)
    .describe('how long late trades are waited for, milliseconds; default 2000'),
  snapshotEveryMs: z.number().int().min(1).default(30_000).describe('time between snapshots, milliseconds; default 30000'),
});
export type EvaluationOptions = z.input<typeof evaluationOptionsSchema>;

/** Records after which the offset is committed though nothing was settled. */
const COMMIT_EVERY = 20_000;

interface Partition {
  readonly number: number;
  readonly join: OutcomeJoin;
  readonly accuracy: LiveAccuracy;
  readonly slots: SlotAccuracy;
  /** Ends its readers of decisions. */
  readonly stop: AbortController;
  /** Next offset to read, by topic. */
  readonly next: Record<DecisionTopic, number>;
  /** The group's offset in `ticks`. */
  committed: number;
  /** When the prices were last written down, or the partition was opened. */
  snapshotAt: number;
}

/** Runs until `signal` aborts. */
export async function runEvaluation(context: ServiceContext, options: EvaluationOptions, signal: AbortSignal): Promise<void> {
  const evaluation = new Evaluation(context, evaluationOptionsSchema.parse(options), signal);
  context.health.set('evaluation', { ready: true, detail: 'settles decisions' });
  try {
    await evaluation.run();
  } finally {
    context.health.set('evaluation', { ready: false, detail: 'stopped' });
  }
}

class Evaluation {
  readonly #context: ServiceContext;
  readonly #log: EventLog;
  readonly #metrics: EvaluationMetrics;
  readonly #options: z.output<typeof evaluationOptionsSchema>;
  readonly #partitions = new Map<number, Partition>();
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;

  constructor(context: ServiceContext, options: z.output<typeof evaluationOptionsSchema>, signal: AbortSignal) {
    this.#context = context;
    this.#log = context.log;
    this.#metrics = new EvaluationMetrics(context.metrics);
    this.#options = options;
    this.#signal = AbortSignal.any([signal, this.#failed.signal]);
  }

  async run(): Promise<void> {
    try {
      await this.#log.consume({
        group: EVALUATION_GROUP,
        topics: ['ticks'],
        start: (_topic, partition, committed) => this.#open(partition, committed),
        handle: (batch) => this.#handle(batch),
        revoked: (_topic, partition) => this.#close(partition),
        signal: this.#signal,
        canWait: true,
      });
    } finally {
      for (const partition of [...this.#partitions.keys()]) this.#close(partition);
    }
    if (this.#failed.signal.aborted) throw this.#failed.signal.reason;
  }

  async #open(number: number, committed: number | undefined): Promise<number> {
    this.#close(number);
    const restored = await restore(this.#log, number, committed, this.#options.graceMs);
    const { ticksFrom, accuracy, slots } = restored;
    const begun = { stop: new AbortController(), committed: committed ?? ticksFrom, snapshotAt: this.#context.clock.now() };
    const partition: Partition = { number, ...restored, ...begun };
    this.#partitions.set(number, partition);
    for (const row of accuracy.snapshot()) this.#metrics.show(row);
    this.#metrics.showSlots(slots.snapshot());
    for (const topic of this.#context.source === 'replay' ? [] : DECISION_TOPICS) {
      void this.#readDecisions(partition, topic, 'follow').catch((error: unknown) => this.#failed.abort(error));
    }
    return ticksFrom;
  }

  #close(number: number): void {
    const partition = this.#partitions.get(number);
    if (partition === undefined) return;
    this.#partitions.delete(number);
    partition.stop.abort();
    this.#metrics.forget(partition.accuracy.snapshot(), partition.slots.snapshot(), number);
  }

  async #readDecisions(partition: Partition, topic: DecisionTopic, until: 'end' | 'follow'): Promise<void> {
    const signal = AbortSignal.any([this.#signal, partition.stop.signal]);
    for await (const batch of this.#log.read(topic, partition.number, { from: partition.next[topic], until, signal })) {
      for (const record of batch.records) {
        partition.next[topic] = record.offset + 1;
        const decision = this.#decode(record, Signal);
        if (decision !== undefined) partition.join.expect(decision);
      }
    }
  }

  async #handle(batch: Batch): Promise<void> {
    const partition = this.#partitions.get(batch.partition);
    if (partition === undefined) throw new Error(`partition ${batch.partition} was read before it was opened`);
    const next = batch.records.at(-1)!.offset + 1;
    if (this.#context.source === 'replay') {
      await untilDecided(this.#context, partition.number, next, this.#signal);
      for (const topic of DECISION_TOPICS) await this.#readDecisions(partition, topic, 'end');
      // Stopped while it waited: these ticks are read again by the next start.
      if (this.#signal.aborted) return;
    }
    const outcomes: Outcome[] = [];
    const letters: OutRecord[] = [];
    for (const record of batch.records) {
      const tick = this.#decode(record, Tick, letters);
      if (tick !== undefined) partition.join.fold(tick, (outcome) => outcomes.push(outcome));
    }
    try {
      await this.#commit(partition, next, batch.endOffset, outcomes, letters);
    } catch (thrown) {
      if (!(thrown instanceof TributaryError) || thrown.code !== 'TRB_LOG_FENCED') throw thrown;
      // Another member owns the partition now and settles these itself.
      this.#close(partition.number);
      return;
    }
    this.#metrics.pending.set({ partition: batch.partition }, partition.join.pending);
    this.#metrics.lag.set({ partition: batch.partition }, batch.endOffset - next);
  }

  async #commit(
    partition: Partition,
    next: number,
    end: number,
    outcomes: readonly Outcome[],
    letters: readonly OutRecord[],
  ): Promise<void> {
    const isNew = next > partition.committed;
    const now = this.#context.clock.now();
    const isSnapshotDue = isNew && now - partition.snapshotAt >= this.#options.snapshotEveryMs;
    const outputs = [...outcomes.map(outRecord), ...(isNew ? letters : [])];
    if (isSnapshotDue) {
      outputs.push(...recordsOfSnapshot(OUTCOME_STATE, { state: partition.join.state, offset: next }, partition.number));
      partition.snapshotAt = now;
    }
    // Whoever waits for a replay sees by the committed offset that it is over.
    const isOver = next === end && this.#context.source === 'replay';
    if (outputs.length === 0 && next < partition.committed + COMMIT_EVERY && !isOver) return;
    const offset = Math.max(next, partition.committed);
    await this.#log.commit({ group: EVALUATION_GROUP, topic: 'ticks', partition: partition.number, offset, outputs });
    partition.committed = offset;
    for (const outcome of outcomes) partition.slots.add(outcome);
    const published = outcomes.filter(({ signal }) => !signal!.shadow);
    for (const outcome of published) {
      partition.accuracy.add(outcome);
      this.#metrics.settled(outcome);
    }
    for (const { signal } of newestOfEach(published)) this.#metrics.show(partition.accuracy.row(signal!));
    if (outcomes.length > 0) this.#metrics.showSlots(partition.slots.snapshot());
  }

  #decode<T>(record: LogRecord, message: { decode(bytes: Uint8Array): T }, letters?: OutRecord[]): T | undefined {
    try {
      return message.decode(record.value);
    } catch (thrown) {
      this.#metrics.unreadable.inc({ topic: record.topic });
      letters?.push(deadLetter(record, 'evaluation', thrown, this.#context.clock.now()));
      this.#context.logger.warn({ topic: record.topic, partition: record.partition, offset: record.offset }, 'unreadable record');
      return undefined;
    }
  }
}

function outRecord(outcome: Outcome): OutRecord {
  const topic = OUTCOMES_OF[outcome.signal!.shadow ? 'shadow' : 'signals'];
  return { topic, key: outcome.signal!.asset, value: Outcome.encode(outcome).finish() };
}

function newestOfEach(outcomes: readonly Outcome[]): Iterable<Outcome> {
  const keyOf = ({ signal }: Outcome): string => `${signal!.instrument}|${signal!.venue}|${signal!.horizon}`;
  return new Map(outcomes.map((outcome) => [keyOf(outcome), outcome])).values();
}
