/**
 * Reading one partition without a group. kafkajs can only read as a member of one, so the reader makes a group of its own, gives
 * itself that partition, and removes the group when it ends.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, type Consumer } from 'kafkajs';
import { closedError, DEFAULT_MAX_BATCH } from '../limits.ts';
import { type Batch, type ReadOptions } from '../port.ts';
import { type Topic } from '../topics.ts';
import { toLogError, type Connection } from './connection.ts';
import { Handoff } from './handoff.ts';
import { toRecord } from './membership.ts';
import { only } from './sticky.ts';

/** A reader to the end gives up after so many stays without a record; a broker that has just started refuses a few. */
const MOST_ATTEMPTS = 10;
const RETRY_DELAY = 200;

/** The stays of a log's readers: closing the log closes them first, for a connection that outlives it holds the process. */
export class Stays {
  readonly #admin: Admin;
  readonly #open = new Map<Consumer, () => Promise<void>>();

  constructor(admin: Admin) {
    this.#admin = admin;
  }

  begin(consumer: Consumer, groupId: string): void {
    let leaving: Promise<void> | undefined;
    this.#open.set(consumer, () => (leaving ??= this.#leave(consumer, groupId)));
  }

  async end(consumer: Consumer): Promise<void> {
    await this.#open.get(consumer)?.();
    this.#open.delete(consumer);
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((consumer) => this.end(consumer)));
  }

  async #leave(consumer: Consumer, groupId: string): Promise<void> {
    await consumer.disconnect().catch(() => undefined);
    await this.#admin.deleteGroups([groupId]).catch(() => undefined);
  }
}

interface Range {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: number;
  /** Ends when everything before this offset is read. */
  readonly stop: number;
  readonly maxBatch: number;
}

/** Batches of [from, end) or, following, of [from, …). A follower outlives a broker that goes away for a while. */
export async function* readPartition(
  connection: Connection,
  stays: Stays,
  place: { readonly topic: Topic; readonly partition: number; readonly begin: number; readonly end: number },
  { from = 0, until = 'end', signal, maxBatch = DEFAULT_MAX_BATCH }: ReadOptions,
  closed: AbortSignal,
): AsyncGenerator<Batch, void, undefined> {
  const { topic, partition } = place;
  const stop = until === 'end' ? place.end : Infinity;
  let position = Math.max(from, place.begin);
  for (let attempt = 1; position < stop && signal?.aborted !== true; attempt += 1) {
    try {
      for await (const batch of stay(connection, stays, { topic, partition, from: position, stop, maxBatch }, signal, closed)) {
        position = batch.records.at(-1)!.offset + 1;
        attempt = 0;
        yield batch;
      }
      return;
    } catch (error) {
      const failure = toLogError(error);
      const isPatient = until === 'follow' || attempt < MOST_ATTEMPTS;
      if (!isPatient || failure.code !== 'TRB_LOG_UNAVAILABLE') throw failure;
      await delay(RETRY_DELAY);
    }
  }
}

async function* stay(
  connection: Connection,
  stays: Stays,
  { topic, partition, from, stop, maxBatch }: Range,
  signal: AbortSignal | undefined,
  closed: AbortSignal,
): AsyncGenerator<Batch, void, undefined> {
  const name = connection.topicName(topic);
  const groupId = connection.groupName(`reader-${randomUUID()}`);
  const handoff = new Handoff<Batch>();
  const consumer = connection.consumer(groupId, { partitionAssigners: [only(name, partition)] });
  const { GROUP_JOIN, END_BATCH_PROCESS, CRASH } = consumer.events;
  let position = from;
  consumer.on(GROUP_JOIN, () => consumer.seek({ topic: name, partition, offset: String(position) }));
  consumer.on(CRASH, ({ payload }) => handoff.fail(payload.error));
  // The last offsets may be transaction markers or aborted records, which no batch ever shows: kafkajs tells of them here only.
  consumer.on(END_BATCH_PROCESS, ({ payload }) => {
    position = Math.max(position, Number(payload.lastOffset) + 1);
    if (position >= stop) handoff.end();
  });
  const abort = (): void => handoff.end();
  const close = (): void => handoff.fail(closedError());
  signal?.addEventListener('abort', abort);
  closed.addEventListener('abort', close);
  stays.begin(consumer, groupId);
  try {
    if (closed.aborted) throw closedError();
    await consumer.connect();
    await consumer.subscribe({ topics: [name], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async (payload) => {
        const { batch } = payload;
        const records = batch.messages
          .map((message) => toRecord(topic, partition, message))
          .filter(({ offset }) => offset >= position && offset < stop);
        const beating = setInterval(() => void payload.heartbeat().catch(() => undefined), 200);
        for (let at = 0; at < records.length && handoff.isOpen; at += maxBatch) {
          await handoff.put({
            topic,
            partition,
            records: records.slice(at, at + maxBatch),
            endOffset: Number(batch.highWatermark),
          });
        }
        clearInterval(beating);
      },
    });
    yield* handoff;
  } finally {
    signal?.removeEventListener('abort', abort);
    closed.removeEventListener('abort', close);
    handoff.end();
    await stays.end(consumer);
  }
}
