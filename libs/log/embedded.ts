/**
 * The log on one machine: lmdb in a directory with one owner. Readers and members of a group live in the owner's process; whoever
 * waits for records is woken, nothing polls.
 */
import { mkdirSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { systemClock, type WallClock } from '../clock/clock.ts';
import { TributaryError } from '../errors/errors.ts';
import { Groups } from './embedded/groups.ts';
import { claim } from './embedded/owner.ts';
import { Retention } from './embedded/retention.ts';
import { Storage } from './embedded/storage.ts';
import { Tail } from './embedded/tail.ts';
import { Writer, type RoutedRecord } from './embedded/writer.ts';
import { checkPartition, checkRecord, checkTopic, closedError, DEFAULT_MAX_BATCH, MAX_PARTITIONS } from './limits.ts';
import {
  type Batch,
  type Commit,
  type ConsumeOptions,
  type EventLog,
  type LogRecord,
  type OutRecord,
  type ReadOptions,
} from './port.ts';
import { partitionOf, TOPIC_SETTINGS, TOPICS, type Topic } from './topics.ts';

const DEFAULT_PARTITIONS = 4;
const SWEEP_INTERVAL = 30_000;

const Options = z.object({
  path: z.string().min(1).describe('Directory of the log; made if absent'),
  partitions: z
    .int()
    .min(1)
    .max(MAX_PARTITIONS)
    .optional()
    .describe(
      `Partitions of the partitioned topics, fixed when the log is made. Default ${DEFAULT_PARTITIONS}, or what the log has`,
    ),
  diskCapBytes: z
    .number()
    .min(1024 * 1024)
    .default(4 * 1024 ** 3)
    .describe('Most bytes of records on disk; near it the oldest ticks and features go first. Default 4 GiB'),
  retention: z
    .partialRecord(z.enum(TOPICS), z.number().positive())
    .default({})
    .describe('Milliseconds a record is kept, by topic, instead of the topic’s own setting'),
});

export interface EmbeddedLogOptions extends z.input<typeof Options> {
  readonly clock?: WallClock;
}

/**
 * Opens or makes the log in `path`. Errors: `TRB_LOG_IN_USE` (somebody has it open), `TRB_LOG_PARTITIONS` (it was made with another
 * number of partitions), `TRB_LOG_OPTIONS`.
 */
export async function openEmbeddedLog({ clock = systemClock, ...given }: EmbeddedLogOptions): Promise<EventLog> {
  const parsed = Options.safeParse(given);
  if (!parsed.success) throw new TributaryError('TRB_LOG_OPTIONS', `Options of the log: ${z.prettifyError(parsed.error)}`);
  const { path, partitions, diskCapBytes, retention } = parsed.data;
  mkdirSync(path, { recursive: true });
  const release = await claim(path);
  try {
    const storage = await openStorage(path, partitions);
    const retentionMs = Object.fromEntries(
      TOPICS.map((topic) => [topic, retention[topic] ?? TOPIC_SETTINGS[topic].retentionMs]),
    ) as Record<Topic, number | undefined>;
    return new EmbeddedLog(storage, clock, { retentionMs, diskCapBytes }, release);
  } catch (error) {
    await release();
    throw error;
  }
}

async function openStorage(path: string, partitions: number | undefined): Promise<Storage> {
  const storage = new Storage(path, partitions ?? DEFAULT_PARTITIONS);
  if (partitions === undefined || partitions === storage.partitions) return storage;
  await storage.close();
  throw new TributaryError('TRB_LOG_PARTITIONS', `The log in ${path} has ${storage.partitions} partitions, not ${partitions}`, {
    hint: 'Leave the number out, or make a new log in another directory: the number is fixed when a log is made.',
  });
}

class EmbeddedLog implements EventLog {
  readonly #storage: Storage;
  readonly #tails = new Map<Topic, readonly Tail[]>();
  readonly #writer: Writer;
  readonly #groups: Groups;
  readonly #release: () => Promise<void>;
  readonly #sweeper: NodeJS.Timeout;
  #sweep = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(
    storage: Storage,
    clock: WallClock,
    limits: { readonly retentionMs: Readonly<Record<Topic, number | undefined>>; readonly diskCapBytes: number },
    release: () => Promise<void>,
  ) {
    this.#storage = storage;
    this.#release = release;
    for (const topic of TOPICS) {
      const ends = Array.from({ length: this.#count(topic) }, (_, partition) => storage.end(topic, partition));
      this.#tails.set(
        topic,
        ends.map((end) => new Tail(end)),
      );
    }
    const retention = new Retention(storage, limits, (topic) => this.#count(topic));
    this.#writer = new Writer(
      storage,
      clock,
      (topic, partition) => this.#tail(topic, partition),
      (bytes) => retention.makeRoom(bytes),
    );
    this.#groups = new Groups({
      count: (topic) => this.#count(topic),
      tail: (topic, partition) => this.#tail(topic, partition),
      read: (topic, partition, from, limit) => this.#read(topic, partition, from, Infinity, limit),
      committed: (group, topic, partition) => storage.committed(group, topic, partition),
      settled: () => this.#writer.settled(),
    });
    const expire = (): void => {
      // A sweep that fails (a full disk) is tried again at the next turn.
      this.#sweep = this.#sweep.then(() => retention.expire(clock.now())).catch(() => undefined);
    };
    expire();
    this.#sweeper = setInterval(expire, SWEEP_INTERVAL).unref();
  }

  async partitions(topic: Topic): Promise<number> {
    this.#check(topic);
    return Promise.resolve(this.#count(topic));
  }

  async bounds(topic: Topic, partition: number): Promise<{ readonly begin: number; readonly end: number }> {
    this.#check(topic, partition);
    const { end } = this.#tail(topic, partition);
    return Promise.resolve({ begin: Math.min(this.#storage.first(topic, partition) ?? end, end), end });
  }

  async append(records: readonly OutRecord[]): Promise<void> {
    this.#check();
    if (records.length > 0) await this.#writer.write(this.#route(records));
  }

  async commit({ group, topic, partition, offset, outputs }: Commit): Promise<void> {
    this.#check(topic, partition);
    const guard = this.#groups.guard(group, topic, partition);
    await this.#writer.write(this.#route(outputs), { group, topic, partition, offset }, guard);
  }

  async committed(group: string, topic: Topic, partition: number): Promise<number | undefined> {
    this.#check(topic, partition);
    return Promise.resolve(this.#storage.committed(group, topic, partition));
  }

  async *read(topic: Topic, partition: number, options: ReadOptions = {}): AsyncGenerator<Batch, void, undefined> {
    this.#check(topic, partition);
    const { from = 0, until = 'end', signal, maxBatch = DEFAULT_MAX_BATCH } = options;
    const tail = this.#tail(topic, partition);
    const stop = until === 'end' ? tail.end : Infinity;
    let position = from;
    while (position < stop && signal?.aborted !== true) {
      this.#check();
      const records = this.#read(topic, partition, position, stop, maxBatch);
      if (records.length > 0) {
        position = records.at(-1)!.offset + 1;
        yield { topic, partition, records, endOffset: tail.end };
        await turn();
      } else if (until === 'end') {
        return;
      } else {
        await tail.reaches(Math.max(position, tail.end), signal);
      }
    }
  }

  async consume(options: ConsumeOptions): Promise<void> {
    for (const topic of options.topics) this.#check(topic);
    await this.#groups.consume(options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#groups.close();
    for (const tail of [...this.#tails.values()].flat()) tail.wake();
    await this.#writer.close();
    await this.#sweep;
    await this.#storage.close();
    await this.#release();
  }

  #count(topic: Topic): number {
    return TOPIC_SETTINGS[topic].partitions === 'single' ? 1 : this.#storage.partitions;
  }

  #tail(topic: Topic, partition: number): Tail {
    return this.#tails.get(topic)![partition]!;
  }

  /** Only what is on disk is shown: a reader must not act on what a power failure could take back. */
  #read(topic: Topic, partition: number, from: number, stop: number, limit: number): LogRecord[] {
    const end = Math.min(stop, this.#tail(topic, partition).end);
    return from >= end ? [] : this.#storage.read(topic, partition, from, end, limit);
  }

  #route(records: readonly OutRecord[]): RoutedRecord[] {
    return records.map((record) => {
      checkRecord(record);
      const count = this.#count(record.topic);
      const partition = record.partition ?? partitionOf(record.key, count);
      checkPartition(record.topic, partition, count);
      return { record, partition };
    });
  }

  #check(topic?: Topic, partition?: number): void {
    if (this.#closing !== undefined) throw closedError();
    if (topic !== undefined) checkTopic(topic);
    if (topic !== undefined && partition !== undefined) checkPartition(topic, partition, this.#count(topic));
  }
}
