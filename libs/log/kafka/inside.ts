/**
 * The one place that knows kafkajs' inside. Its version is pinned, the contract suite goes through here, and what is not as expected is an
 * error at once.
 */
import KafkaRunner from 'kafkajs/src/consumer/runner.js';
import { type Kafka } from 'kafkajs';

export const READ_COMMITTED = 1;
const METADATA_MAX_AGE_MS = 300_000;

export interface RawMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: string;
  readonly isControlRecord?: boolean;
  readonly batchContext: {
    readonly firstOffset: string;
    readonly lastOffsetDelta: number;
    readonly producerId: string;
    readonly inTransaction: boolean;
  };
}

export interface PartitionData {
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[] | null;
  readonly messages: readonly RawMessage[];
}

/** What a request says of some partitions of some topics, and its answer. */
type Of<Partition> = readonly { readonly topic: string; readonly partitions: readonly Partition[] }[];

/** Of kafkajs 2.2.4, src/broker/index.js. */
interface Broker {
  fetch(request: {
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly isolationLevel: number;
    readonly topics: Of<{ readonly partition: number; readonly fetchOffset: string; readonly maxBytes: number }>;
  }): Promise<{ readonly responses: readonly { readonly partitions: readonly PartitionData[] }[] }>;
  listOffsets(request: {
    readonly topics: Of<{ readonly partition: number; readonly timestamp: number }>;
  }): Promise<{ readonly responses: Of<{ readonly offset: string }> }>;
  offsetFetch(request: {
    readonly groupId: string;
    readonly topics: Of<{ readonly partition: number }>;
  }): Promise<{ readonly responses: Of<{ readonly offset: string }> }>;
}

/** Of kafkajs 2.2.4, src/cluster/index.js. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>;
  findBroker(node: { readonly nodeId: string }): Promise<Broker>;
  findGroupCoordinator(group: { readonly groupId: string }): Promise<Broker>;
}

/** Connections of its own. */
export function clusterOf(kafka: Kafka): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === 'private:Kafka:createCluster');
  if (symbol === undefined) throw unexpected();
  const inside = kafka as unknown as Readonly<Record<symbol, (options: object) => Cluster>>;
  return inside[symbol]!({ metadataMaxAge: METADATA_MAX_AGE_MS, allowAutoTopicCreation: false, isolationLevel: READ_COMMITTED });
}

let areEnded = false;

/**
 * A consumer that is stopped while it makes new fetchers (one for each broker: a broker has come or gone) starts them all the same, and
 * answers each of their fetches with nothing, at once and for ever: the process hangs and hears no signal. An error ends a fetcher.
 */
export function endStoppedFetchers(): void {
  if (areEnded) return;
  const { prototype } = KafkaRunner;
  const { fetch } = prototype;
  if (typeof fetch !== 'function') throw unexpected();
  prototype.fetch = function (nodeId) {
    return this.running ? fetch.call(this, nodeId) : Promise.reject(new Error('the consumer has stopped'));
  };
  areEnded = true;
}

function unexpected(): Error {
  return new Error('this is not kafkajs 2.2.4');
}
