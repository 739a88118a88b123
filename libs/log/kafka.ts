/**
 * The log on Kafka: topics of the same names, made by `applyTopics`. Commits are transactions; readers see committed records only.
 * Offsets have holes where transaction markers and aborted records lie.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { z } from 'zod';
import { systemClock, type WallClock } from '../clock/clock.ts';
import { TributaryError } from '../errors/errors.ts';
import { slot } from './assignment.ts';
import { Appender } from './kafka/appender.ts';
import { Connection, KafkaOptions } from './kafka/connection.ts';
import { isPassing, toLogError } from './kafka/errors.ts';
import { type Bounds, type Inquiry } from './kafka/inquiry.ts';
import { Lanes, type Routed } from './kafka/lanes.ts';
import { type LogObserver } from './kafka/observer.ts';
import { Membership, REJOIN_DELAY, type Lease } from './kafka/membership.ts';
import { readPartition, Readers } from './kafka/reader.ts';
import { Transactions } from './kafka/transactions.ts';
import { checkPartition, checkRecord, checkTopic, closedError, fencedError } from './limits.ts';
import { type Batch, type Commit, type ConsumeOptions, type EventLog, type OutRecord, type ReadOptions } from './port.ts';
import { partitionOf, type Topic } from './topics.ts';

export { applyTopics } from './kafka/apply.ts';

export interface KafkaLogOptions extends z.input<typeof KafkaOptions> {
  readonly clock?: WallClock;
  readonly observer?: LogObserver;
}

/** Connects. Errors: `TRB_LOG_UNAVAILABLE`, `TRB_LOG_OPTIONS`. The topics must exist (`applyTopics`). */
export async function openKafkaLog({ clock = systemClock, observer = {}, ...given }: KafkaLogOptions): Promise<EventLog> {
  const parsed = KafkaOptions.safeParse(given);
  if (!parsed.success) throw new TributaryError('TRB_LOG_OPTIONS', `Options of the log: ${z.prettifyError(parsed.error)}`);
  const connection = new Connection(parsed.data);
  const [appender, inquiry] = [new Appender(connection, observer), connection.inquiry()];
  try {
    await Promise.all([appender.connect(), inquiry.connect()]);
  } catch (error) {
    await Promise.allSettled([appender.close(), inquiry.close()]);
    throw toLogError(error);
  }
  return new KafkaLog(connection, appender, inquiry, clock, observer);
}

class KafkaLog implements EventLog {
  readonly #connection: Connection;
  readonly #appender: Appender;
  readonly #inquiry: Inquiry;
  readonly #clock: WallClock;
  readonly #observer: LogObserver;
  readonly #lanes: Lanes;
  readonly #counts = new Map<Topic, Promise<number>>();
  readonly #members = new Set<Membership>();
  readonly #consuming = new Set<Promise<void>>();
  readonly #readers = new Readers();
  /** Of commits that no member makes: tools, tests. */
  readonly #loose = new Map<string, Promise<Transactions>>();
  readonly #context = new AsyncLocalStorage<Lease>();
  readonly #closed = new AbortController();

  constructor(connection: Connection, appender: Appender, inquiry: Inquiry, clock: WallClock, observer: LogObserver) {
    this.#connection = connection;
    this.#appender = appender;
    this.#inquiry = inquiry;
    this.#clock = clock;
    this.#observer = observer;
    setMaxListeners(0, this.#closed.signal); // every reader listens
    this.#lanes = new Lanes(appender, clock);
  }

  partitions(topic: Topic): Promise<number> {
    this.#check();
    checkTopic(topic);
    const known = this.#counts.get(topic) ?? this.#inquiry.partitions(this.#connection.topicName(topic));
    this.#counts.set(topic, known);
    known.catch(() => this.#counts.delete(topic));
    return known;
  }

  async bounds(topic: Topic, partition: number): Promise<Bounds> {
    checkPartition(topic, partition, await this.partitions(topic));
    return this.#inquiry.bounds(this.#connection.topicName(topic), partition);
  }

  async append(records: readonly OutRecord[]): Promise<void> {
    this.#check();
    await this.#lanes.send(await this.#route(records));
  }

  async commit({ group, topic, partition, offset, outputs }: Commit): Promise<void> {
    this.#check();
    const guard = this.#guard(group, topic, partition);
    guard();
    const parts = await this.#route(outputs);
    const transactions =
      this.#lease(group, topic, partition)?.transactions ?? (await this.#looseTransactions(group, topic, partition));
    await transactions.commit(offset, parts, this.#clock.now(), guard);
  }

  async committed(group: string, topic: Topic, partition: number): Promise<number | undefined> {
    this.#check();
    const own = this.#context.getStore();
    if (own?.group === group && own.topic === topic && own.partition === partition) await own.settle();
    return this.#inquiry.committed(this.#connection.groupName(group), this.#connection.topicName(topic), partition);
  }

  async *read(topic: Topic, partition: number, options: ReadOptions = {}): AsyncGenerator<Batch, void, undefined> {
    this.#check();
    const place = { topic, partition, bounds: () => this.bounds(topic, partition), observer: this.#observer };
    yield* readPartition(this.#connection, this.#readers, place, options, this.#closed.signal);
  }

  async consume(options: ConsumeOptions): Promise<void> {
    this.#check();
    for (const topic of options.topics) await this.partitions(topic);
    const consuming = this.#consume(options);
    this.#consuming.add(consuming);
    await consuming.finally(() => this.#consuming.delete(consuming));
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    await Promise.allSettled(this.#consuming);
    await this.#readers.endAll();
    for (const opening of this.#loose.values()) {
      const transactions = await opening.catch(() => undefined);
      await transactions?.close();
    }
    await Promise.allSettled([this.#appender.close(), this.#inquiry.close()]);
  }

  /** Stays in the group through lost brokers and lost partitions; ends with the signal or with what the handler throws. */
  async #consume(options: ConsumeOptions): Promise<void> {
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    while (!signal.aborted) {
      const member = new Membership(this.#connection, this, this.#context, options, this.#observer);
      this.#members.add(member);
      try {
        await member.run(signal);
      } catch (error) {
        if (!isPassing(error)) throw error;
        this.#observer.retried?.('consume', error);
        await this.#clock.sleep(REJOIN_DELAY, signal);
      } finally {
        this.#members.delete(member);
      }
    }
    if (!options.signal.aborted) throw closedError();
  }

  /** By topic and partition, in order. */
  async #route(records: readonly OutRecord[]): Promise<Routed[]> {
    const parts = new Map<string, Routed & { readonly records: OutRecord[] }>();
    const counts = new Map<Topic, number>();
    for (const topic of new Set(records.map((record) => record.topic))) counts.set(topic, await this.partitions(topic));
    for (const record of records) {
      checkRecord(record);
      const count = counts.get(record.topic)!;
      const partition = record.partition ?? partitionOf(record.key, count);
      checkPartition(record.topic, partition, count);
      const name = this.#connection.topicName(record.topic);
      const part = parts.get(slot(name, partition)) ?? { name, partition, records: [] };
      parts.set(slot(name, partition), part);
      part.records.push(record);
    }
    return [...parts.values()];
  }

  #lease(group: string, topic: Topic, partition: number): Lease | undefined {
    const leases = [...this.#members]
      .filter(({ options }) => options.group === group)
      .map((member) => member.lease(topic, partition));
    return leases.find((lease) => lease !== undefined);
  }

  /** The caller's own member must hold the partition; outside of any, some member here must, unless the group has none here. */
  #guard(group: string, topic: Topic, partition: number): () => void {
    const own = this.#context.getStore();
    const begun = this.#lease(group, topic, partition);
    return () => {
      const current = this.#lease(group, topic, partition);
      const hasMembers = [...this.#members].some(({ options }) => options.group === group);
      const isMember = own?.group === group;
      const isOwn = own?.topic !== topic || own.partition !== partition || own === current;
      const isHeld = current !== undefined && current === begun && isOwn;
      if (!isHeld && (isMember || hasMembers)) throw fencedError(group, topic, partition);
    };
  }

  async #looseTransactions(group: string, topic: Topic, partition: number): Promise<Transactions> {
    const name = `${group}/${slot(topic, partition)}`;
    const known = await this.#loose.get(name)?.catch(() => undefined);
    if (known !== undefined && (known.broken === undefined || known.broken.code === 'TRB_LOG_FENCED')) return known;
    await known?.close();
    const opening = Transactions.open(this.#connection, { group, topic, partition });
    this.#loose.set(name, opening);
    return opening;
  }

  #check(): void {
    if (this.#closed.signal.aborted) throw closedError();
  }
}
