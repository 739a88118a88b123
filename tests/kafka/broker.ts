/**
 * A real Kafka for tests and for developers: one node or several on loopback with free ports, in a directory of its own that goes when it
 * stops.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '#tests/ports.ts';
import { type Disk, mountDisk } from './disk.ts';
import { sharedClasses } from './classes.ts';
import { KafkaNode, type Listener, type NodePlan } from './node.ts';
import { startProxy, type Proxy } from './proxy.ts';

export { missingForBroker } from './jars.ts';

/** The cleaner's buffer is 128 MiB unless told otherwise: more than the half of such a heap, and then most of the time goes into its collection. */
const SETTINGS = `auto.create.topics.enable=false
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
log.retention.check.interval.ms=1000
log.initial.task.delay.ms=500
log.segment.delete.delay.ms=100
log.cleaner.dedupe.buffer.size=8388608
`;
const SINGLE = `${SETTINGS}offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.min.session.timeout.ms=1000
`;
const OF_THREE = `${SETTINGS}offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
default.replication.factor=3
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
leader.imbalance.check.interval.seconds=5
`;
/** With the defaults a killed broker is missed after 9 s, its partitions have a new leader after about 20. */
const SHORT_SESSIONS = `group.min.session.timeout.ms=2000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=250
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1000
replica.lag.time.max.ms=5000
`;

/** How the JVM compiles: well enough at once, or as in a broker that has been up for days, which takes it minutes. */
const COMPILING = { atOnce: '-XX:TieredStopAtLevel=1', asForDays: '-XX:CompileThresholdScaling=0.3' };

export interface Broker {
  /** `host:port`. */
  readonly brokers: readonly string[];
  /** kill -9; what it had written stays. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, at the same address. */
  restart(): Promise<void>;
  /** Ends it and removes what it had. */
  stop(): Promise<void>;
}

export interface Cluster {
  readonly brokers: readonly string[];
  /** The same brokers through a proxy, for clients that shall lose them. */
  readonly detour: readonly string[];
  readonly proxy: Proxy;
  /** kill -9 by default; SIGTERM hands its leaderships over first. */
  end(index: number, signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again after `end`; resolves when it answers. */
  restart(index: number): Promise<void>;
  /** Of the last broker; undefined where none can be mounted. */
  readonly disk: Disk | undefined;
  stop(): Promise<void>;
}

/** Starts a broker and resolves when it answers. Whoever starts it stops it. */
export async function startBroker(listener?: Listener): Promise<Broker> {
  const [port, controllerPort] = await freePorts(2);
  const { nodes, stop } = await startNodes(
    [{ id: 1, port: port!, controllerPort: controllerPort! }],
    SINGLE,
    COMPILING.atOnce,
    listener,
  );
  const node = nodes[0]!;
  return {
    brokers: [node.address],
    kill: () => node.end(),
    restart: async () => {
      node.start();
      await node.ready();
    },
    stop,
  };
}

/** Three brokers: every topic in three copies, acknowledged by two at least. `areToLast`: they need minutes to be at their best, and are better then. */
export async function startCluster({ hasShortSessions = true, areToLast = false } = {}): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-disk-'));
  const disk = mountDisk(folder);
  const release = (): void => {
    process.removeListener('exit', release);
    disk?.unmount();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', release);
  const ports = await freePorts(9);
  const proxy = await startProxy(ports.slice(6));
  const plans = [0, 1, 2].map((index) => ({
    id: index + 1,
    port: ports[index]!,
    controllerPort: ports[index + 3]!,
    ...(index === 2 && { data: folder }),
    detour: { port: ports[index + 6]!, toldPort: proxy.ports[index]! },
  }));
  const settings = hasShortSessions ? OF_THREE + SHORT_SESSIONS : OF_THREE;
  const { nodes, stop } = await startNodes(plans, settings, areToLast ? COMPILING.asForDays : COMPILING.atOnce).catch(
    (error: unknown) => {
      release();
      throw error;
    },
  );
  return {
    brokers: nodes.map(({ address }) => address),
    detour: proxy.ports.map((port) => `127.0.0.1:${port}`),
    proxy,
    disk,
    end: async (index, signal) => {
      await nodes[index]!.end(signal);
      await proxy.refuse(index);
    },
    restart: async (index) => {
      nodes[index]!.start();
      await nodes[index]!.ready();
      await proxy.admit(index);
    },
    stop: async () => {
      await proxy.close();
      await stop();
      release();
    },
  };
}

async function startNodes(
  plans: readonly NodePlan[],
  settings: string,
  compiling: string,
  listener?: Listener,
): Promise<{ readonly nodes: readonly KafkaNode[]; readonly stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-kafka-'));
  const clusterId = randomBytes(16).toString('base64url');
  const options = [compiling, `-XX:SharedArchiveFile=${await sharedClasses()}`];
  const nodes = plans.map((plan) => new KafkaNode(folder, clusterId, plan, plans, settings, options, listener));
  // However this process ends, the brokers end with it.
  const clear = (): void => {
    for (const node of nodes) node.abandon();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', clear);
  const stop = async (): Promise<void> => {
    process.removeListener('exit', clear);
    await Promise.all(nodes.map((node) => node.end()));
    clear();
  };
  try {
    for (const node of nodes) node.start();
    await Promise.all(nodes.map((node) => node.ready()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { nodes, stop };
}
