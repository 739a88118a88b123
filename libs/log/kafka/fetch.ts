/**
 * Reading a partition without a consumer group, which kafkajs offers nobody: a group of its own for each read would cost
 * `group.initial.rebalance.delay.ms` (3 s by default) each time.
 */
import { type Kafka } from 'kafkajs';
import { type Cluster, clusterOf, type PartitionData, type RawMessage, READ_COMMITTED } from './inside.ts';

/** Longest wait of a fetch where nothing is new. */
const MAX_WAIT_MS = 250;
const MAX_BYTES = 4 * 1024 * 1024;
/** Of a record, about: who wants few records is not sent many. */
const RECORD_BYTES = 1024;
const ABORT_MARKER = Buffer.from([0, 0, 0, 0]);

export interface Fetched {
  /** Committed ones from the offset asked for on. */
  readonly messages: readonly RawMessage[];
  /** Where to go on. */
  readonly next: number;
  readonly endOffset: number;
}

export class Fetcher {
  readonly #cluster: Cluster;
  readonly #topic: string;
  readonly #partition: number;

  private constructor(cluster: Cluster, topic: string, partition: number) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#partition = partition;
  }

  static async open(kafka: Kafka, topic: string, partition: number): Promise<Fetcher> {
    const cluster = clusterOf(kafka);
    try {
      await cluster.connect();
      await cluster.addTargetTopic(topic);
    } catch (error) {
      await cluster.disconnect().catch(() => undefined);
      throw error;
    }
    return new Fetcher(cluster, topic, partition);
  }

  /** What follows from `offset` on, about `count` records at most; nothing where nothing came for a moment. */
  async fetch(offset: number, count: number): Promise<Fetched> {
    // A broker sends one batch however large it is.
    const maxBytes = Math.min(MAX_BYTES, count * RECORD_BYTES);
    const [leader] = Object.keys(this.#cluster.findLeaderForPartitions(this.#topic, [this.#partition]));
    const broker = await this.#cluster.findBroker({ nodeId: leader ?? '-1' });
    const partitions = [{ partition: this.#partition, fetchOffset: String(offset), maxBytes }];
    const { responses } = await broker.fetch({
      maxWaitTime: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes,
      isolationLevel: READ_COMMITTED,
      topics: [{ topic: this.#topic, partitions }],
    });
    return toFetched(offset, responses[0]!.partitions[0]!);
  }

  async close(): Promise<void> {
    await this.#cluster.disconnect().catch(() => undefined);
  }
}

function toFetched(offset: number, { messages, abortedTransactions, highWatermark, lastStableOffset }: PartitionData): Fetched {
  const last = messages.at(-1)?.batchContext;
  // Without a message there are at most batches that compaction has emptied.
  const next = last === undefined ? Number(lastStableOffset) : Number(last.firstOffset) + last.lastOffsetDelta + 1;
  const records = committed(messages, abortedTransactions ?? []).filter((message) => Number(message.offset) >= offset);
  return {
    messages: records,
    next: Math.max(offset, next),
    endOffset: endOffsetOf(records.at(-1), next, Number(highWatermark)),
  };
}

/**
 * `Batch.endOffset` where a fetch brought all that lies before `next`. What follows the last record of a partition is none: markers of
 * transactions, and what aborted ones left. Nobody is behind of those.
 */
export function endOffsetOf(last: Pick<RawMessage, 'offset'> | undefined, next: number, highWatermark: number): number {
  return last !== undefined && next >= highWatermark ? Number(last.offset) + 1 : highWatermark;
}

/** Without the records of aborted transactions and without markers. kafkajs' own filter misses one of two that are open at once. */
function committed(
  messages: readonly RawMessage[],
  transactions: readonly { readonly producerId: string; readonly firstOffset: string }[],
): RawMessage[] {
  const coming = [...transactions].sort((one, other) => Number(one.firstOffset) - Number(other.firstOffset));
  const aborted = new Set<string>();
  return messages.filter(({ offset, key, isControlRecord, batchContext }) => {
    while (coming.length > 0 && Number(coming[0]!.firstOffset) <= Number(offset)) aborted.add(coming.shift()!.producerId);
    if (isControlRecord === true) {
      if (key?.equals(ABORT_MARKER) === true) aborted.delete(batchContext.producerId);
      return false;
    }
    return !(batchContext.inTransaction && aborted.has(batchContext.producerId));
  });
}
