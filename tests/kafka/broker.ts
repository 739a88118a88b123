/**
 * A real Kafka for tests and for developers: one KRaft node (broker and controller) on loopback with free ports, in a directory of
 * its own that goes when it stops. The jars come from Maven once, into a cache outside the repository (`TRIBUTARY_CACHE`).
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';

const KAFKA_VERSION = '4.4.0';
const READY_WITHIN = 120_000;
const HEAP = ['-Xms256m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const PROJECT = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tributary</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.5</version></dependency>
  </dependencies>
</project>
`;
const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';

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

/** What is missing to run a broker here, in words; undefined = nothing. */
export function missingForBroker(): string | undefined {
  const needed = existsSync(join(cacheDirectory(), 'libs')) ? ['java'] : ['java', 'mvn'];
  const missing = needed.filter(
    (tool) => !(process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, tool))),
  );
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not found`;
}

/** Starts a broker and resolves when it answers. Whoever starts it stops it. */
export async function startBroker(): Promise<Broker> {
  const libs = fetchJars();
  const directory = mkdtempSync(join(tmpdir(), 'tributary-kafka-'));
  const [port, controllerPort] = await freePorts();
  const configuration = join(directory, 'server.properties');
  writeFileSync(configuration, serverProperties(directory, port, controllerPort));
  const java = [...HEAP, '-cp', join(libs, '*')];
  // With an equals sign: one id in 64 begins with a dash and would be taken for an option.
  const clusterId = `--cluster-id=${randomBytes(16).toString('base64url')}`;
  const format = ['kafka.tools.StorageTool', 'format', clusterId, '-c', configuration];
  execute('java', [...java, ...format, '--standalone'], directory);
  const brokers = [`127.0.0.1:${port}`];
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    await endProcess(child);
    child = undefined;
  };
  // However this process ends, the broker ends with it.
  const clear = (): void => {
    child?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', clear);
  const stop = async (): Promise<void> => {
    process.removeListener('exit', clear);
    await kill();
    clear();
  };
  const restart = async (): Promise<void> => {
    const output = openSync(join(directory, 'broker.out'), 'a');
    child = spawn('java', [...java, 'kafka.Kafka', configuration], { stdio: ['ignore', output, output] });
    closeSync(output);
    await waitUntilReady(child, brokers, join(directory, 'broker.out'));
  };
  try {
    await restart();
  } catch (error) {
    await stop();
    throw error;
  }
  return { brokers, kill, restart, stop };
}

function cacheDirectory(): string {
  return join(process.env['TRIBUTARY_CACHE'] ?? join(homedir(), '.cache', 'tributary'), `kafka-${KAFKA_VERSION}`);
}

/** The folder of jars; fetched beside it and moved there whole, so that a fetch cut short leaves nothing behind. */
function fetchJars(): string {
  const libs = join(cacheDirectory(), 'libs');
  if (existsSync(libs)) return libs;
  mkdirSync(cacheDirectory(), { recursive: true });
  const work = mkdtempSync(join(cacheDirectory(), 'fetch-'));
  writeFileSync(join(work, 'pom.xml'), PROJECT);
  execute('mvn', ['-B', '-q', COPY_DEPENDENCIES, '-DoutputDirectory=libs', '-DincludeScope=runtime'], work);
  try {
    renameSync(join(work, 'libs'), libs);
  } catch (error) {
    // Somebody else fetched them meanwhile.
    if (!existsSync(libs)) throw error;
  }
  rmSync(work, { recursive: true, force: true });
  return libs;
}

function execute(command: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? ''}\n${stdout}\n${stderr}`.trim());
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const;
  const ports = await Promise.all(servers.map((server) => listen(server)));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return [ports[0]!, ports[1]!];
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

function serverProperties(directory: string, port: number, controllerPort: number): string {
  return `process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}
log.dirs=${join(directory, 'data')}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.check.interval.ms=1000
log.initial.task.delay.ms=500
log.segment.delete.delay.ms=100
`;
}

async function waitUntilReady(child: ChildProcess, brokers: string[], output: string): Promise<void> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
  const begin = Date.now();
  while (Date.now() - begin < READY_WITHIN && child.exitCode === null) {
    try {
      await admin.connect();
      await admin.listTopics();
      await admin.disconnect();
      return;
    } catch {
      await delay(100);
    }
  }
  throw new Error(`The broker did not come up:\n${readFileSync(output, 'utf8').slice(-4000)}`);
}

/** A throw-away broker need not shut down in order; killing it takes milliseconds instead of seconds. */
async function endProcess(child: ChildProcess | undefined): Promise<void> {
  if (child?.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}
