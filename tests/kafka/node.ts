/** One KRaft node, broker and controller at once, as a process of its own on loopback. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel, type KafkaConfig } from 'kafkajs';
import { execute, fetchJars } from './jars.ts';

const READY_WITHIN = 120_000;
const HEAP = ['-Xms256m', '-Xmx256m', '-XX:+UseSerialGC'];

export interface NodePlan {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** Folder of its log; default: in its own directory. */
  readonly data?: string;
  /** Of a second listener: where it listens, and the port that it tells its clients, which is somebody else's. */
  readonly detour?: { readonly port: number; readonly toldPort: number };
}

/** How the listener of a node lets clients in. */
export interface Listener {
  readonly protocol: 'PLAINTEXT' | 'SASL_SSL';
  /** Lines of server.properties that it needs. */
  readonly properties: string;
  /** Arguments of the formatting: users that are there from the start. */
  readonly formatting: readonly string[];
  /** What lets a client in that may do everything. */
  readonly client: Omit<KafkaConfig, 'brokers'>;
}

export const OPEN: Listener = { protocol: 'PLAINTEXT', properties: '', formatting: [], client: {} };

export class KafkaNode {
  readonly address: string;
  readonly #configuration: string;
  readonly #output: string;
  readonly #java: readonly string[];
  readonly #client: KafkaConfig;
  #child: ChildProcess | undefined;

  /** Formats its directory, a new one below `folder`; starts nothing. `settings`: lines of server.properties; `options`: of the JVM. */
  constructor(
    folder: string,
    clusterId: string,
    plan: NodePlan,
    all: readonly NodePlan[],
    settings: string,
    options: readonly string[],
    listener = OPEN,
  ) {
    const directory = join(folder, `node-${plan.id}`);
    mkdirSync(directory);
    this.address = `127.0.0.1:${plan.port}`;
    this.#configuration = join(directory, 'server.properties');
    this.#output = join(directory, 'broker.out');
    this.#client = { ...listener.client, brokers: [this.address], logLevel: logLevel.NOTHING, retry: { retries: 0 } };
    this.#java = [...HEAP, ...options, '-cp', join(fetchJars(), '*')];
    const data = join(plan.data ?? directory, 'data');
    writeFileSync(this.#configuration, `${placeOf(plan, all, listener)}log.dirs=${data}\n${settings}`);
    // With an equals sign: one id in 64 begins with a dash and would be taken for an option.
    const format = ['kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', this.#configuration];
    execute('java', [...this.#java, ...format, ...listener.formatting], directory);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Does not wait for it. */
  start(): void {
    const output = openSync(this.#output, 'a');
    this.#child = spawn('java', [...this.#java, 'kafka.Kafka', this.#configuration], { stdio: ['ignore', output, output] });
    closeSync(output);
  }

  /** Resolves when it answers as a broker. */
  async ready(): Promise<void> {
    const admin = new Kafka(this.#client).admin();
    const begin = Date.now();
    while (Date.now() - begin < READY_WITHIN && isRunning(this.#child)) {
      try {
        await admin.connect();
        await admin.listTopics();
        await admin.disconnect();
        return;
      } catch {
        await delay(100);
      }
    }
    throw new Error(`The broker did not come up:\n${readFileSync(this.#output, 'utf8').slice(-4000)}`);
  }

  /** SIGKILL by default: what it had written stays. SIGTERM hands its leaderships over first. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || !isRunning(child)) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await exited;
  }

  /** For the end of this process, when nothing can be waited for. */
  abandon(): void {
    this.#child?.kill('SIGKILL');
  }
}

function placeOf(
  { id, port, controllerPort, detour }: NodePlan,
  all: readonly NodePlan[],
  { protocol, properties }: Listener,
): string {
  const listen = [`${protocol}://127.0.0.1:${port}`, `CONTROLLER://127.0.0.1:${controllerPort}`];
  const told = [...listen];
  if (detour !== undefined) {
    listen.push(`DETOUR://127.0.0.1:${detour.port}`);
    told.push(`DETOUR://127.0.0.1:${detour.toldPort}`);
  }
  return `process.roles=broker,controller
node.id=${id}
listeners=${listen.join(',')}
advertised.listeners=${told.join(',')}
inter.broker.listener.name=${protocol}
listener.security.protocol.map=${protocol}:${protocol},CONTROLLER:PLAINTEXT,DETOUR:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=${all.map((each) => `${each.id}@127.0.0.1:${each.controllerPort}`).join(',')}
${properties}`;
}

function isRunning(child: ChildProcess | undefined): boolean {
  return child?.exitCode === null && child.signalCode === null;
}
