/**
 * Every service as a process of its own on three brokers, fed by the simulator over real sockets; and what can be done to them. A
 * supervisor starts again what ends, as an operator's would.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { Kafka, logLevel } from 'kafkajs';
import { applyTopics, openKafkaLog } from '#libs/log/kafka.ts';
import { type EventLog } from '#libs/log/port.ts';
import { signBundle } from '#libs/models/signature.ts';
import { operatorKey } from '#libs/registry/operator-key.ts';
import { ModelRegistry } from '#libs/registry/registry.ts';
import { type HttpFront, startHttpFront } from '#libs/store/testing/http-front.ts';
import { ARCHIVE_GROUP } from '#services/archive/service.ts';
import { EVALUATION_GROUP } from '#services/evaluation/service.ts';
import { FEATURES_GROUP } from '#services/features/service.ts';
import { bundleOf } from '#services/inference/testing/market.ts';
import { type FaultKind, type FaultOptions } from '#services/simulator/faults.ts';
import { type LedgerTrade } from '#services/simulator/ledger.ts';
import { type Cluster, startCluster } from '#tests/kafka/broker.ts';
import { isRunning, Processes } from '#tests/shapes/processes.ts';
import { buildNextVersion } from './next-version.ts';
import { Probe } from './probe.ts';

/** BTC and ETH lie in two of them. */
export const PARTITIONS = 3;
export const VENUES = ['coinbase', 'kraken'] as const;
export type VenueName = (typeof VENUES)[number];
export const SERVICES = ['ingest-coinbase', 'ingest-kraken', 'clock', 'features', 'inference', 'evaluation', 'archive'] as const;
export type ServiceName = (typeof SERVICES)[number];
/** Services that no vector, decision or outcome waits for. */
export const BYSTANDERS = ['context', 'paper', 'rollout', 'gateway'] as const;
export type BystanderName = (typeof BYSTANDERS)[number];

const DAY_MS = 86_400_000;
const PREFIX = 'delivery.';
const PROBE_PREFIX = 'probe.';
/** What `group.min.session.timeout.ms` of the test's brokers allows. */
const SESSION_MS = 2_000;
const RESTART_AFTER_MS = 300;
/** Age at which a venue's connection is replaced: a few times in CI's form, between faults and during them. */
const ROTATE_AFTER = '3m';
/** More trades than an hour makes of one instrument at one venue: the ledger forgets none that the log has. */
const LEDGER_SIZE = 10_000_000;
/** A feature that is there from the third minute on; the bundle reads it and the one two minutes before. */
const FEATURE = 'leg_ret.coinbase_usd@1';

interface RigOptions {
  readonly rate: number;
  readonly withinMs: number;
  readonly hasShortSessions: boolean;
  /** Of `features` and `evaluation`; default: theirs. */
  readonly snapshotEveryMs?: number;
  readonly hasBystanders: boolean;
  /** Brokers that need minutes to be at their best; default: that start quickly. */
  readonly areBrokersToLast?: boolean;
}

export class Rig {
  readonly cluster: Cluster;
  readonly log: EventLog;
  readonly probe: Probe;
  readonly store: HttpFront;
  readonly #processes: Processes;
  readonly #control: string;
  readonly #arguments: ReadonlyMap<string, readonly string[]>;
  /** Of services that are not of this version. */
  readonly #binaries = new Map<string, string>();
  readonly #running = new Map<string, ChildProcess>();
  readonly #undrained: string[] = [];
  #stopping = false;

  private constructor(
    parts: Pick<Rig, 'cluster' | 'log' | 'probe' | 'store'>,
    processes: Processes,
    control: string,
    commands: ReadonlyMap<string, readonly string[]>,
  ) {
    this.cluster = parts.cluster;
    this.log = parts.log;
    this.probe = parts.probe;
    this.store = parts.store;
    this.#processes = processes;
    this.#control = control;
    this.#arguments = commands;
  }

  /**
   * `rate`: book updates and trades a second over both venues; `hasShortSessions`: brokers and groups notice a death within two seconds
   * instead of what is their default. Resolves when every service works.
   */
  static async start(folder: string, options: RigOptions): Promise<Rig> {
    const { rate, withinMs, hasShortSessions, snapshotEveryMs, hasBystanders, areBrokersToLast = false } = options;
    // As in an image: without it a start takes two seconds longer.
    execFileSync(process.execPath, [join(import.meta.dirname, '../../scripts/build.js')]);
    const processes = new Processes(folder, withinMs);
    const [cluster, store, urls] = await Promise.all([
      startCluster({ hasShortSessions, areToLast: areBrokersToLast }),
      startHttpFront(join(folder, 'store')),
      startSimulator(processes, rate),
    ]);
    const { brokers } = cluster;
    for (const topicPrefix of [PREFIX, PROBE_PREFIX])
      await applyTopics({ brokers, topicPrefix, partitions: PARTITIONS, replicationFactor: brokers.length });
    const log = await openKafkaLog({ brokers, topicPrefix: PREFIX });
    const keyFile = join(folder, 'operator.pem');
    await publishBundle(log, keyFile);
    const probe = await Probe.start(brokers, PROBE_PREFIX);
    const flows = join(folder, 'flows.csv');
    writeFileSync(flows, `Date,Total\n${new Date(Date.now() - 4 * DAY_MS).toISOString().slice(0, 10)},12.5\n`);
    const commands = commandsOf(
      cluster,
      store.url,
      urls,
      { keyFile, flows },
      snapshotEveryMs === undefined ? [] : ['--snapshot-every-ms', `${snapshotEveryMs}`],
      hasShortSessions ? ['--session-timeout-ms', `${SESSION_MS}`] : [],
    );
    const rig = new Rig({ cluster, log, probe, store }, processes, urls['control']!, commands);
    for (const name of [...SERVICES, 'clock-standby', ...(hasBystanders ? BYSTANDERS : [])]) rig.#launch(name);
    try {
      await rig.#untilWorking();
    } catch (thrown) {
      process.stderr.write(`${rig.tails()}\n`);
      await rig.close();
      throw thrown;
    }
    return rig;
  }

  /** The supervisor brings it back. */
  kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#running.get(name)?.kill(signal);
  }

  /** A second member of the service's group, until the function returned is called. */
  join(name: ServiceName): () => Promise<void> {
    const second = `${name}-2`;
    const child = this.#start(name, second);
    const before = this.#urls(second).length;
    return async () => {
      // Before it is there nobody hears the signal.
      while (isRunning(child) && this.#urls(second).length === before) await delay(100);
      await end(child, 'SIGTERM');
      this.#noteUndrained(second, child);
    };
  }

  /** From now on `name` starts as its next version. */
  upgrade(name: ServiceName): void {
    this.#binaries.set(name, buildNextVersion());
  }

  async untilSaid(process: string, text: string, times: number): Promise<void> {
    while (this.timesSaid(process, text) < times) await delay(100);
  }

  /** How often a process has said it, each time that it ran. */
  timesSaid(process: string, text: string): number {
    return this.#processes.output(process).split(text).length - 1;
  }

  /** How long until a service that is ended now is back and says that it is ready, milliseconds. */
  async untilReady(name: string): Promise<number> {
    const begin = Date.now();
    const before = this.#urls(name).length;
    const isReady = async (): Promise<boolean> => {
      const url = this.#urls(name)[before];
      return url !== undefined && (await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true;
    };
    while (!(await isReady())) await delay(100);
    return Date.now() - begin;
  }

  async fault(venue: VenueName, kind: FaultKind, options: FaultOptions = {}): Promise<void> {
    const body = JSON.stringify({ venue, kind, ...options });
    const answer = await fetch(`${this.#control}/fault`, { method: 'POST', body });
    if (!answer.ok) throw new Error(`${kind}: ${await answer.text()}`);
  }

  /** Turns the replicas of every partition of the services' topics; the controller makes the first of them leader within five seconds. */
  async moveLeaders(): Promise<void> {
    const admin = new Kafka({ brokers: [...this.cluster.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const names = (await admin.listTopics()).filter((name) => name.startsWith(PREFIX) || name.startsWith(PROBE_PREFIX));
      const { topics } = await admin.fetchTopicMetadata({ topics: names });
      await admin.alterPartitionReassignments({
        topics: topics.map(({ name, partitions }) => ({
          topic: name,
          partitionAssignment: partitions.map(({ partitionId, replicas }) => ({
            partition: partitionId,
            replicas: [...replicas.slice(1), replicas[0]!],
          })),
        })),
      });
    } finally {
      await admin.disconnect();
    }
  }

  /** Where a service says what it does, by name. */
  metrics(): ReadonlyMap<string, string> {
    const urls = SERVICES.map((name) => [name, this.#urls(name).at(-1)] as const);
    return new Map(urls.flatMap(([name, url]) => (url === undefined ? [] : [[name, `${url}/metrics`] as const])));
  }

  /** Process ids of the services and the simulator, by name. */
  pids(): ReadonlyMap<string, number> {
    return this.#processes.pids();
  }

  /** `min.insync.replicas` of the services' topics, each value once. */
  async acknowledging(): Promise<readonly (string | undefined)[]> {
    const admin = new Kafka({ brokers: [...this.cluster.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const names = (await admin.listTopics()).filter((name) => name.startsWith(PREFIX));
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames: ['min.insync.replicas'] })),
      });
      return [...new Set(resources.map(({ configEntries }) => configEntries[0]?.configValue))];
    } finally {
      await admin.disconnect();
    }
  }

  /** Every trade that the venues have made. */
  async ledger(): Promise<LedgerTrade[]> {
    const answer = await fetch(`${this.#control}/ledger?limit=10000000`);
    return (await answer.json()) as LedgerTrade[];
  }

  /** How long until what the log holds now is archived, milliseconds; gives up after `withinMs`. */
  async untilArchived(withinMs: number): Promise<number> {
    const begin = Date.now();
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const ends = await Promise.all(partitions.map(async (partition) => (await this.log.bounds('ticks', partition)).end));
    for (const [partition, end] of ends.entries()) {
      const done = async (): Promise<boolean> => ((await this.log.committed(ARCHIVE_GROUP, 'ticks', partition)) ?? 0) >= end - 1;
      while (Date.now() - begin < withinMs && !(await done())) await delay(200);
    }
    return Date.now() - begin;
  }

  /** SIGTERM to all services; how those ended that did not drain, now or before, and what they said. The venues go on. */
  async stop(): Promise<readonly string[]> {
    this.#stopping = true;
    const children = [...this.#running];
    await Promise.all(children.map(([, child]) => end(child, 'SIGTERM')));
    for (const [name, child] of children) this.#noteUndrained(name, child);
    return this.#undrained;
  }

  async close(): Promise<void> {
    this.#stopping = true;
    await this.#processes.kill();
    await this.probe.close();
    await this.log.close();
    await this.store.stop();
    await this.cluster.stop();
  }

  tails(): string {
    return this.#processes.tails();
  }

  /** Where a service has said of itself, each time that it began. */
  #urls(name: string): string[] {
    return [...this.#processes.output(name).matchAll(/"url":"([^"]*)","msg":"metrics"/g)].map(([, url]) => url!);
  }

  #start(service: string, name: string): ChildProcess {
    const [binary, args] = [this.#binaries.get(service), this.#arguments.get(service)!];
    return binary === undefined ? this.#processes.start(name, ...args) : this.#processes.startFrom(binary, name, ...args);
  }

  #noteUndrained(name: string, { exitCode, signalCode }: ChildProcess): void {
    if (exitCode !== 0) this.#undrained.push(`${name} ended with ${exitCode ?? signalCode}:\n${this.#processes.tail(name)}`);
  }

  #launch(name: string): void {
    if (this.#stopping) return;
    const child = this.#start(name, name);
    this.#running.set(name, child);
    child.once('exit', () => {
      if (!this.#stopping) setTimeout(() => this.#launch(name), RESTART_AFTER_MS);
    });
  }

  /** Until a whole minute has gone through all of them. */
  async #untilWorking(): Promise<void> {
    const groups = [
      [FEATURES_GROUP, 'ticks'],
      [ARCHIVE_GROUP, 'signals'],
      [EVALUATION_GROUP, 'ticks'],
    ] as const;
    for (const [group, topic] of groups) {
      const isWorking = async (): Promise<boolean> => {
        for (let partition = 0; partition < PARTITIONS; partition++)
          if ((await this.log.committed(group, topic, partition)) !== undefined) return true;
        return false;
      };
      while (!(await isWorking())) await delay(500);
    }
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!isRunning(child)) return;
  child.kill(signal);
  await once(child, 'exit');
}

async function startSimulator(processes: Processes, rate: number): Promise<Record<string, string>> {
  const sizes = ['--history-days', '0.1', '--messages-per-second', `${rate}`, '--ledger-size', `${LEDGER_SIZE}`];
  processes.start('simulator', 'simulator', '--port', '0', '--seed', '7', ...sizes);
  await processes.until(() => processes.output('simulator').includes('}}'));
  return (JSON.parse(processes.output('simulator')) as { urls: Record<string, string> }).urls;
}

async function publishBundle(log: EventLog, keyFile: string): Promise<void> {
  const key = await operatorKey(keyFile);
  const stop = new AbortController();
  const registry = await ModelRegistry.open(log, stop.signal, () => undefined);
  const bundle = bundleOf({ lag: 2, feature: FEATURE, trainedTo: Date.now() });
  const request = { actor: 'delivery suite', reason: 'test', now: Date.now() };
  await registry.publish({ slot: 'champion', bundleId: bundle.id, bundle: signBundle(bundle, key), ...request });
  stop.abort();
}

function commandsOf(
  cluster: Cluster,
  storeUrl: string,
  urls: Readonly<Record<string, string>>,
  { keyFile, flows }: { readonly keyFile: string; readonly flows: string },
  snapshots: readonly string[],
  sessions: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const common = ['--topic-prefix', PREFIX, '--source', 'sim', ...sessions];
  const direct = ['--brokers', cluster.brokers.join(','), ...common];
  const detour = ['--brokers', cluster.detour.join(','), ...common];
  const venue = (name: VenueName): string[] => [
    ...['--venue', name, '--ws-url', urls[`${name}Ws`]!, '--rest-url', urls[`${name}Rest`]!, '--rotate-after', ROTATE_AFTER],
  ];
  return new Map([
    ['ingest-coinbase', ['ingest', ...venue('coinbase'), ...direct]],
    ['ingest-kraken', ['ingest', ...venue('kraken'), ...detour]],
    ['clock', ['clock', ...direct]],
    ['clock-standby', ['clock', ...direct]],
    ['features', ['features', ...snapshots, ...detour]],
    ['inference', ['inference', '--grpc-port', '0', '--model-wait-ms', '0', '--trust', `${keyFile}.pub`, ...direct]],
    ['evaluation', ['evaluation', ...snapshots, ...direct]],
    ['archive', ['archive', '--clickhouse', storeUrl, ...direct]],
    ['context', ['context', '--context-sources', 'etf-flows', '--context-files', `etf-flows-btc=${flows}`, ...direct]],
    ['paper', ['paper', ...direct]],
    ['rollout', ['rollout', '--trust', `${keyFile}.pub`, ...direct]],
    ['gateway', ['gateway', '--port', '0', ...direct]],
  ]);
}
