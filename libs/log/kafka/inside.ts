/**
 * The one place that knows kafkajs' inside. Its version is pinned, the contract suite goes through here, and what is not as expected is an
 * error at once.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import KafkaBroker from 'kafkajs/src/broker/index.js';
import BrokerPool from 'kafkajs/src/cluster/brokerPool.js';
import KafkaCluster from 'kafkajs/src/cluster/index.js';
import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';
import KafkaRunner from 'kafkajs/src/consumer/runner.js';
import ConnectionPool, { type Pool } from 'kafkajs/src/network/connectionPool.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { type Kafka } from 'kafkajs';
import { slot } from '../assignment.ts';
import { whileBusy } from './coordinator.ts';

export const READ_COMMITTED = 1;
const METADATA_MAX_AGE_MS = 300_000;
/** kafkajs' type of a coordinator; 0 is a group's. */
const OF_TRANSACTIONS = 1;
/** Of a transaction; each goes to a coordinator. */
const STEPS = ['initProducerId', 'addPartitionsToTxn', 'addOffsetsToTxn', 'txnOffsetCommit', 'endTxn'] as const;

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
  nameTogether();
  askUntilItFails();
  endWhereItIsNow();
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

type Coordinator = (typeof KafkaBroker)['prototype'];
/** Whose object a coordinator is: each client makes its own. */
const owners = new WeakMap<Coordinator, (typeof KafkaCluster)['prototype']>();

/**
 * Who coordinates a transaction, and its group, is asked before each step of one: half of all requests. Now it is asked again where the one that is known is not
 * connected any more, or after a step that failed, as each does with a broker that has lost the office.
 */
function askUntilItFails(): void {
  const [{ prototype: clusters }, { prototype: brokers }] = [KafkaCluster, KafkaBroker];
  const { findGroupCoordinator } = clusters;
  if ([findGroupCoordinator, brokers.isConnected].some((method) => typeof method !== 'function')) throw unexpected();
  const known = new WeakMap<object, Map<string, Coordinator>>();
  clusters.findGroupCoordinator = async function (wanted) {
    // Of a transactional producer: kafkajs' consumers leave the type out.
    if (wanted.coordinatorType === undefined) return findGroupCoordinator.call(this, wanted);
    const ofCluster = known.get(this) ?? new Map<string, Coordinator>();
    known.set(this, ofCluster);
    const name = `${wanted.coordinatorType}/${wanted.groupId}`;
    const last = ofCluster.get(name);
    if (last?.isConnected() === true) return last;
    const coordinator = await findGroupCoordinator.call(this, wanted);
    ofCluster.set(name, coordinator);
    owners.set(coordinator, this);
    return coordinator;
  };
  for (const step of STEPS) {
    const take = brokers[step];
    if (typeof take !== 'function') throw unexpected();
    brokers[step] = async function (request) {
      try {
        return await take.call(this, request);
      } catch (error) {
        const cluster = owners.get(this);
        if (cluster !== undefined) known.get(cluster)?.clear();
        throw error;
      }
    };
  }
}

/**
 * A transaction whose coordinator moved before its end was said would be given up, and all of it written again by a new producer. Whoever coordinates
 * it now knows it as it stands, and saying its end twice does no harm.
 */
function endWhereItIsNow(): void {
  const { prototype } = KafkaBroker;
  const { endTxn } = prototype;
  prototype.endTxn = function (request) {
    const cluster = owners.get(this);
    if (cluster === undefined) return endTxn.call(this, request);
    const wanted = { groupId: request.transactionalId, coordinatorType: OF_TRANSACTIONS };
    return whileBusy(async () => endTxn.call(await cluster.findGroupCoordinator(wanted), request));
  };
}

/** What one transaction writes to; `named`: its coordinator has been told. */
const writesTo = new AsyncLocalStorage<{ readonly topics: Of<number>; named?: Promise<unknown> | undefined }>();

/** The sends that `send` begins are one transaction's, to these partitions: its coordinator is told of all at once. */
export function namingAll<T>(partitions: readonly { readonly name: string; readonly partition: number }[], send: () => T): T {
  const topics = [...new Set(partitions.map(({ name }) => name))].map((topic) => ({
    topic,
    partitions: partitions.filter(({ name }) => name === topic).map(({ partition }) => partition),
  }));
  return writesTo.run({ topics }, send);
}

/** Each send would name its partition in a request of its own, one after the other, and each is copied to other brokers before it is answered. */
function nameTogether(): void {
  const { prototype } = KafkaBroker;
  const { addPartitionsToTxn } = prototype;
  if (typeof addPartitionsToTxn !== 'function') throw unexpected();
  prototype.addPartitionsToTxn = function (request) {
    const all = writesTo.getStore();
    if (all === undefined) return addPartitionsToTxn.call(this, request);
    if (all.named === undefined) {
      all.named = addPartitionsToTxn.call(this, { ...request, topics: all.topics });
      all.named.catch(() => (all.named = undefined));
    }
    return all.named;
  };
}

function unexpected(): Error {
  return new Error('this is not kafkajs 2.2.4');
}
