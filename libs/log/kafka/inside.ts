/**
 * The one place that knows kafkajs' inside. Its version is pinned, the contract suite goes through here, and what is not as expected is an
 * error at once.
 */
import BrokerPool from 'kafkajs/src/cluster/brokerPool.js';
import KafkaCluster from 'kafkajs/src/cluster/index.js';
import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';
import KafkaRunner from 'kafkajs/src/consumer/runner.js';
import ConnectionPool, { type Pool } from 'kafkajs/src/network/connectionPool.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { type Kafka } from 'kafkajs';
import { slot } from '../assignment.ts';

export const READ_COMMITTED = 1;
const METADATA_MAX_AGE_MS = 300_000;
/** Of kafkajs 2.2.4, src/protocol/coordinatorTypes.js. */
const TRANSACTION_COORDINATOR = 1;
/** As long as a transaction takes, and not much longer: coordinators move. */
const TRANSACTION_MS = 250;

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

let isMended = false;

/** Mends what of kafkajs hinders a process; once for all of its clients. */
export function mendKafkajs(): void {
  if (isMended) return;
  endStoppedFetchers();
  forgetOldAnswers();
  hangUpOnAll();
  connectOnce();
  waitForWhatIsPending();
  askOnceATransaction();
  isMended = true;
}

/**
 * A consumer that is stopped while it makes new fetchers (one for each broker: a broker has come or gone) starts them all the same, and
 * answers each of their fetches with nothing, at once and for ever: the process hangs and hears no signal. An error ends a fetcher.
 */
function endStoppedFetchers(): void {
  const { prototype } = KafkaRunner;
  const { fetch } = prototype;
  if (typeof fetch !== 'function') throw unexpected();
  prototype.fetch = function (nodeId) {
    return this.running ? fetch.call(this, nodeId) : Promise.reject(new Error('the consumer has stopped'));
  };
}

/**
 * An answer to a fetch that was asked before a seek is of the place before, and kafkajs knows so only until the next fetch has taken the seek up. A
 * partition that has moved to another broker would go on where the late answer of its old one ends.
 */
function forgetOldAnswers(): void {
  const [{ prototype: runners }, { prototype: groups }] = [KafkaRunner, ConsumerGroup];
  const [{ fetch }, { seek }] = [runners, groups];
  if (typeof fetch !== 'function' || typeof seek !== 'function') throw unexpected();
  const sought = new WeakMap<object, Map<string, number>>();
  groups.seek = function (place) {
    const times = sought.get(this) ?? new Map<string, number>();
    sought.set(this, times.set(slot(place.topic, place.partition), performance.now()));
    seek.call(this, place);
  };
  runners.fetch = async function (nodeId) {
    const asked = performance.now();
    const batches = await fetch.call(this, nodeId);
    const times = sought.get(this.consumerGroup);
    return batches.filter(({ topic, partition }) => (times?.get(slot(topic, partition)) ?? -Infinity) <= asked);
  };
}

/**
 * Where a broker was out of reach, kafkajs makes its object for it anew. Who still has the old one (a group its coordinator) opens a connection by
 * it, which nobody closes; so does a request that was under way. Either way the process does not end. So whoever disconnects hangs up on all that
 * were ever made, and none is opened after that unless the client itself connects again, as kafkajs' consumers do after a failure.
 */
function hangUpOnAll(): void {
  const { prototype } = BrokerPool;
  const { connect, disconnect } = prototype;
  const { connect: begin } = KafkaCluster.prototype;
  if ([connect, disconnect, begin].some((method) => typeof method !== 'function')) throw unexpected();
  const made = new WeakMap<object, Pool[]>();
  const ended = new WeakSet();
  KafkaCluster.prototype.connect = function () {
    ended.delete(this.brokerPool);
    return begin.call(this);
  };
  prototype.connect = function () {
    if (!made.has(this)) {
      const pools: Pool[] = [];
      const { connectionPoolBuilder } = this;
      const build = connectionPoolBuilder.build.bind(connectionPoolBuilder);
      connectionPoolBuilder.build = async (address) => {
        const pool = await build(address);
        const { getConnection } = pool;
        pool.getConnection = (index) => (ended.has(this) ? Promise.reject(hungUp()) : getConnection.call(pool, index));
        pools.push(pool);
        return pool;
      };
      made.set(this, pools);
    }
    return connect.call(this);
  };
  prototype.disconnect = async function () {
    ended.add(this);
    await disconnect.call(this);
    for (const pool of made.get(this) ?? []) hangUp(pool);
  };
}

function hangUp(pool: Pool): void {
  for (const connection of pool.pool) {
    connection.rejectRequests(hungUp());
    connection.socket?.destroy();
    void connection.disconnect();
  }
}

function hungUp(): Error {
  return new Error('the client has disconnected');
}

/** Two requests that find a connection closed would both open it, and one of the two sockets would never be closed. */
function connectOnce(): void {
  const { prototype } = ConnectionPool;
  const { getConnection } = prototype;
  if (typeof getConnection !== 'function') throw unexpected();
  const connecting = new WeakMap<object, ReturnType<typeof getConnection>>();
  prototype.getConnection = function (index = 0) {
    const connection = this.pool[index]!;
    const opened = connecting.get(connection) ?? getConnection.call(this, index).finally(() => connecting.delete(connection));
    connecting.set(connection, opened);
    return opened;
  };
}

/** From its first answer on a connection would look every millisecond for requests that wait, for ever, though none does. */
function waitForWhatIsPending(): void {
  const { prototype } = RequestQueue;
  const { scheduleCheckPendingRequests } = prototype;
  if (typeof scheduleCheckPendingRequests !== 'function') throw unexpected();
  prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
  };
}

/** A transactional producer asks before each step of a transaction who coordinates it, half of all its requests; now once for all steps. */
function askOnceATransaction(): void {
  const { prototype } = KafkaCluster;
  const { findGroupCoordinator } = prototype;
  if (typeof findGroupCoordinator !== 'function') throw unexpected();
  const answers = new WeakMap<object, { readonly at: number; readonly coordinator: Promise<object> }>();
  prototype.findGroupCoordinator = function (wanted) {
    if (wanted.coordinatorType !== TRANSACTION_COORDINATOR) return findGroupCoordinator.call(this, wanted);
    const known = answers.get(this);
    if (known !== undefined && performance.now() - known.at < TRANSACTION_MS) return known.coordinator;
    const coordinator = findGroupCoordinator.call(this, wanted);
    answers.set(this, { at: performance.now(), coordinator });
    coordinator.catch(() => answers.delete(this));
    return coordinator;
  };
}

function unexpected(): Error {
  return new Error('this is not kafkajs 2.2.4');
}
