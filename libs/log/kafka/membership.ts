/**
 * One stay in a consumer group, from joining to leaving. A commit that the brokers did not confirm begins its partition anew, the others go on.
 * Whatever else goes wrong on the way (fenced, no coordinator, crash of the client) ends the stay, and `consume` begins another, because only
 * joining anew says for certain which partitions are ours.
 */
import { type AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type Consumer, type EachBatchPayload, type KafkaMessage } from 'kafkajs';
import { messageOf, type TributaryError } from '../../errors/errors.ts';
import { slot } from '../assignment.ts';
import { DEFAULT_MAX_BATCH, fencedError } from '../limits.ts';
import { type ConsumeOptions, type LogRecord } from '../port.ts';
import { type Topic } from '../topics.ts';
import { type Connection } from './connection.ts';
import { isPassing, toLogError } from './errors.ts';
import { endOffsetOf } from './fetch.ts';
import { type LogObserver } from './observer.ts';
import { sticky } from './sticky.ts';
import { Transactions } from './transactions.ts';

/** Wait before what lost its broker begins anew, ms. */
export const REJOIN_DELAY = 200;
/** In the order of the group's topics; more of them side by side would take the processor from whatever else starts on the machine. */
const STARTS_AT_ONCE = 4;
/** A group that can wait has few fetches, and large ones: whoever is behind then works in large pieces too, and what is new is first for those who cannot. */
const GATHERING = {
  maxWaitTimeInMs: 500,
  minBytes: 64 * 1024,
  maxBytesPerPartition: 8 * 1024 * 1024,
  maxBytes: 32 * 1024 * 1024,
};

/** A partition this member has. */
export interface Lease {
  readonly group: string;
  readonly topic: Topic;
  readonly partition: number;
  transactions: Transactions | undefined;
  /** Its start hook is done and it is being read. */
  started: boolean;
  /** Next offset to handle. */
  position: number;
  /** After a commit of unknown outcome: ends what it left open, so that the committed offset is final and another commit may follow. */
  settle(): Promise<void>;
}

export interface Offsets {
  partitions(topic: Topic): Promise<number>;
  committed(group: string, topic: Topic, partition: number): Promise<number | undefined>;
  bounds(topic: Topic, partition: number): Promise<{ readonly begin: number; readonly end: number }>;
}

export class Membership {
  readonly options: ConsumeOptions;
  readonly #connection: Connection;
  readonly #offsets: Offsets;
  readonly #context: AsyncLocalStorage<Lease>;
  readonly #observer: LogObserver;
  readonly #consumer: Consumer;
  readonly #leases = new Map<string, Lease>();
  readonly #closing = new Set<Promise<void>>();
  /** Those whose start has not begun. */
  readonly #waiting: Lease[] = [];
  #starting = 0;
  #memberId = '';
  #ending = false;
  #ended: () => void = () => undefined;
  /** The first thing that went wrong. */
  #failure: Error | undefined;

  constructor(
    connection: Connection,
    offsets: Offsets,
    context: AsyncLocalStorage<Lease>,
    options: ConsumeOptions,
    observer: LogObserver,
  ) {
    this.options = options;
    this.#connection = connection;
    this.#offsets = offsets;
    this.#context = context;
    this.#observer = observer;
    this.#consumer = connection.consumer(connection.groupName(options.group), {
      ...(options.canWait === true && GATHERING),
      partitionAssigners: [
        sticky(() => [...this.#leases.values()].map((lease) => slot(connection.topicName(lease.topic), lease.partition))),
      ],
    });
  }

  lease(topic: Topic, partition: number): Lease | undefined {
    return this.#leases.get(slot(topic, partition));
  }

  /** Joins and handles batches until `signal` aborts, then finishes the batch in hand; throws what ended the stay. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = new Promise<void>((resolve) => (this.#ended = resolve));
    const abort = (): void => this.#end();
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    const joining = this.#join().catch((error: unknown) => this.#end(toLogError(error)));
    await ended;
    // kafkajs cannot be stopped half way into a group.
    await joining;
    signal.removeEventListener('abort', abort);
    await this.#leave(!signal.aborted);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #end(error?: unknown): void {
    this.#ending = true;
    if (error !== undefined) this.#failure ??= error instanceof Error ? error : new Error(messageOf(error));
    this.#ended();
  }

  async #join(): Promise<void> {
    const { GROUP_JOIN, CRASH } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#assigned(payload.memberId, payload.memberAssignment));
    this.#consumer.on(CRASH, ({ payload }) => this.#end(toLogError(payload.error)));
    await this.#consumer.connect();
    await this.#consumer.subscribe({
      topics: this.options.topics.map((topic) => this.#connection.topicName(topic)),
      fromBeginning: true,
    });
    const counts = await Promise.all(this.options.topics.map((topic) => this.#offsets.partitions(topic)));
    // Offsets are committed in transactions only. With autoCommit, kafkajs' seek would commit the offset too.
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      // kafkajs wakes each of so many workers for each answer to a fetch.
      partitionsConsumedConcurrently: counts.reduce((sum, count) => sum + count, 0),
      eachBatch: (payload) => this.#handle(payload),
    });
  }

  async #leave(isLost: boolean): Promise<void> {
    this.#ending = true;
    await this.#consumer.disconnect().catch(() => undefined);
    for (const lease of [...this.#leases.values()]) this.#drop(lease, isLost);
    await Promise.all(this.#closing);
  }

  /** Called by kafkajs before it fetches, so a partition that is paused here is not read before it has been started. */
  #assigned(memberId: string, assignment: Readonly<Record<string, readonly number[]>>): void {
    const given = Object.entries(assignment).flatMap(([name, numbers]) => {
      const topic = this.#connection.topicOf(name);
      return topic === undefined ? [] : numbers.map((partition) => ({ topic, partition }));
    });
    this.#observer.rebalanced?.(this.options.group);
    const slots = new Set(given.map(({ topic, partition }) => slot(topic, partition)));
    // Another member id: the group had thrown us out, and others may have had our partitions meanwhile.
    const isSame = memberId === this.#memberId;
    this.#memberId = memberId;
    for (const [name, lease] of [...this.#leases]) if (!isSame || !slots.has(name)) this.#drop(lease, true);
    for (const { topic, partition } of given) {
      const kept = this.lease(topic, partition);
      if (kept === undefined) this.#start(topic, partition);
      else this.#seek(kept);
    }
  }

  #drop(lease: Lease, isLost: boolean): void {
    this.#leases.delete(slot(lease.topic, lease.partition));
    const closed = lease.transactions?.close() ?? Promise.resolve();
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
    if (isLost) this.#attempt(() => this.options.revoked?.(lease.topic, lease.partition));
  }

  #start(topic: Topic, partition: number, wait = 0): void {
    const lease: Lease = {
      group: this.options.group,
      topic,
      partition,
      transactions: undefined,
      started: false,
      position: 0,
      settle: () => this.#settle(lease),
    };
    this.#leases.set(slot(topic, partition), lease);
    this.#seek(lease);
    void delay(wait).then(() => {
      this.#waiting.push(lease);
      return this.#startWaiting();
    });
  }

  async #startWaiting(): Promise<void> {
    if (this.#starting === STARTS_AT_ONCE) return;
    this.#starting++;
    for (let lease = this.#waiting.shift(); lease !== undefined; lease = this.#waiting.shift()) await this.#begin(lease);
    this.#starting--;
  }

  async #begin(lease: Lease): Promise<void> {
    if (this.#isOver(lease)) return;
    const { group, topic, partition } = lease;
    const { start } = this.options;
    try {
      if (!(await this.#open(lease))) return;
      const committed = await this.#offsets.committed(group, topic, partition);
      const wanted = start === undefined ? undefined : await this.#context.run(lease, () => start(topic, partition, committed));
      const { begin, end } = await this.#offsets.bounds(topic, partition);
      // Out of range, kafkajs would commit an offset of its own.
      lease.position = Math.min(Math.max(wanted ?? committed ?? begin, begin), end);
      lease.started = true;
      if (!this.#isOver(lease)) this.#seek(lease);
    } catch (error) {
      this.#end(error);
    }
  }

  #isOver(lease: Lease): boolean {
    return this.#ending || this.lease(lease.topic, lease.partition) !== lease;
  }

  async #settle(lease: Lease): Promise<void> {
    const broken = lease.transactions?.broken;
    if (broken === undefined || broken.code === 'TRB_LOG_FENCED') return;
    await lease.transactions?.close();
    if (!(await this.#open(lease))) throw fencedError(lease.group, lease.topic, lease.partition);
  }

  /** A producer that fences every earlier one; false when the partition was lost meanwhile. */
  async #open(lease: Lease): Promise<boolean> {
    lease.transactions = await Transactions.open(this.#connection, lease);
    if (!this.#isOver(lease)) return true;
    await lease.transactions.close();
    return false;
  }

  /** What is not started is paused. */
  #seek(lease: Lease): void {
    const topic = this.#connection.topicName(lease.topic);
    const places = [{ topic, partitions: [lease.partition] }];
    if (!lease.started) {
      this.#consumer.pause(places);
      return;
    }
    this.#consumer.seek({ topic, partition: lease.partition, offset: String(lease.position) });
    this.#consumer.resume(places);
  }

  async #handle(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const topic = this.#connection.topicOf(batch.topic);
    const lease = topic === undefined ? undefined : this.lease(topic, batch.partition);
    if (lease?.started !== true) return;
    const pending = batch.messages.filter(({ offset }) => Number(offset) >= lease.position);
    const endOffset = endOffsetOf(pending.at(-1), Number(batch.lastOffset()) + 1, Number(batch.highWatermark));
    const beating = setInterval(() => void payload.heartbeat().catch(() => undefined), 200);
    try {
      const size = this.options.maxBatch ?? DEFAULT_MAX_BATCH;
      for (let at = 0; at < pending.length; at += size) {
        if (this.#ending || this.lease(lease.topic, lease.partition) !== lease) return;
        const records = pending.slice(at, at + size).map((message) => toRecord(lease.topic, lease.partition, message));
        if (!(await this.#handleRecords(lease, records, endOffset))) return;
        payload.resolveOffset(pending[Math.min(at + size, pending.length) - 1]!.offset);
        // Throws when the group rebalances: the rest of the batch is read again by whoever has the partition then.
        await payload.heartbeat();
      }
      if (pending.length > 0) this.#rest(lease, payload);
      else if (batch.messages.length > 0) payload.resolveOffset(batch.messages.at(-1)!.offset);
    } finally {
      clearInterval(beating);
    }
  }

  #rest(lease: Lease, payload: EachBatchPayload): void {
    const milliseconds = this.options.restMs?.(lease.topic, lease.partition) ?? 0;
    if (milliseconds <= 0 || this.#ending) return;
    const resume = payload.pause();
    const over = (): void => {
      if (!this.#ending && this.lease(lease.topic, lease.partition) === lease) resume();
    };
    setTimeout(over, milliseconds).unref();
  }

  /** False when the handler threw; kafkajs, which would try again by itself, is not told. */
  async #handleRecords(lease: Lease, records: readonly LogRecord[], endOffset: number): Promise<boolean> {
    const { topic, partition } = lease;
    try {
      await this.#context.run(lease, () => this.options.handle({ topic, partition, records, endOffset }));
      lease.position = records.at(-1)!.offset + 1;
      return true;
    } catch (error) {
      if (isPassing(error) && error.code !== 'TRB_LOG_FENCED') this.#restart(lease, error);
      else this.#end(error ?? new Error('The handler threw nothing'));
      return false;
    }
  }

  /** What the handler knows of its partition may be ahead of the log, or behind. */
  #restart(lease: Lease, error: TributaryError): void {
    if (this.#isOver(lease)) return;
    this.#observer.retried?.('partition', error);
    this.#drop(lease, true);
    this.#start(lease.topic, lease.partition, REJOIN_DELAY);
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#end(error);
    }
  }
}

export function toRecord(
  topic: Topic,
  partition: number,
  { offset, key, value, timestamp }: Pick<KafkaMessage, 'offset' | 'key' | 'value' | 'timestamp'>,
): LogRecord {
  return {
    topic,
    partition,
    offset: Number(offset),
    key: key?.toString('utf8') ?? '',
    value: value ?? new Uint8Array(0),
    timestamp: Number(timestamp),
  };
}
