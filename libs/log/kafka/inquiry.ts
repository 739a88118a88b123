/**
 * Questions about partitions and groups, each about one partition and asked of the one broker that knows. kafkajs' admin answers for whole
 * topics, and not reliably: whoever asks it about one topic makes it forget the partitions of others, and it then finds a group without
 * any offset (https://github.com/tulios/kafkajs/issues/461).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { closedError } from '../limits.ts';
import { isPassing, toLogError } from './errors.ts';
import { type Cluster } from './inside.ts';

/** For about as long as a partition or a group may be without its broker when one is lost, ms in all: 10,000. */
const MOST_ATTEMPTS = 100;
const RETRY_DELAY = 100;
/** Of ListOffsets. */
const [EARLIEST, LATEST] = [-2, -1];

export interface Bounds {
  readonly begin: number;
  readonly end: number;
}

export class Inquiry {
  readonly #cluster: Cluster;
  #isClosed = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  connect(): Promise<void> {
    return this.#cluster.connect();
  }

  /** How many `topic` has. */
  partitions(topic: string): Promise<number> {
    return this.#ask(async () => {
      await this.#cluster.addTargetTopic(topic);
      const { length } = this.#cluster.findTopicPartitionMetadata(topic);
      // Of an answer that was under way when the topic was added.
      if (length === 0) throw new Error(`nothing is known of ${topic}`);
      return length;
    });
  }

  bounds(topic: string, partition: number): Promise<Bounds> {
    return this.#ask(async () => {
      await this.#cluster.addTargetTopic(topic);
      const [leader] = Object.keys(this.#cluster.findLeaderForPartitions(topic, [partition]));
      const broker = await this.#cluster.findBroker({ nodeId: leader ?? '-1' });
      const [begin, end] = await Promise.all(
        [EARLIEST, LATEST].map(async (timestamp) => {
          const { responses } = await broker.listOffsets({ topics: [{ topic, partitions: [{ partition, timestamp }] }] });
          return Number(responses[0]!.partitions[0]!.offset);
        }),
      );
      return { begin: begin!, end: end! };
    });
  }

  /** Undefined where the group has committed none. */
  async committed(groupId: string, topic: string, partition: number): Promise<number | undefined> {
    const offset = await this.#ask(async () => {
      const coordinator = await this.#cluster.findGroupCoordinator({ groupId });
      const { responses } = await coordinator.offsetFetch({ groupId, topics: [{ topic, partitions: [{ partition }] }] });
      return Number(responses[0]!.partitions[0]!.offset);
    });
    // -1: none; -2: kafkajs' mark for "from the beginning", left where retention overtook the group.
    return offset < 0 ? undefined : offset;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#cluster.disconnect().catch(() => undefined);
  }

  /** Asks again while leader or coordinator are on their way to another broker. */
  async #ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await question();
      } catch (error) {
        const failure = toLogError(error);
        if (this.#isClosed) throw closedError();
        if (!isPassing(failure) || attempt === MOST_ATTEMPTS) throw failure;
      }
      await delay(RETRY_DELAY);
      await this.#cluster.refreshMetadata().catch(() => undefined);
    }
  }
}
