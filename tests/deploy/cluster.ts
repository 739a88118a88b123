/**
 * A Kubernetes without machines on loopback: etcd, kube-apiserver, the controllers and the scheduler are the real ones; kwok plays the kubelets
 * of its nodes, so that pods become ready, and those of Jobs end well, without anything running in them.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { freePorts } from '#tests/ports.ts';
import { KUBERNETES } from './schemas.ts';
import { controlPlane, type ControlPlaneProgram, kwokStages, tool } from './tools.ts';

const run = promisify(execFile);
const READY_WITHIN_MS = 180_000;
const ZONES = ['a', 'b', 'c'] as const;

type Program = ControlPlaneProgram | 'kwok';

const AuditEvent = z.object({
  verb: z.string(),
  requestReceivedTimestamp: z.string(),
  user: z.object({ username: z.string() }),
  objectRef: z
    .object({
      resource: z.string(),
      subresource: z.string().optional(),
      namespace: z.string().optional(),
      name: z.string().optional(),
    })
    .optional(),
  responseStatus: z.object({ code: z.number() }),
  requestObject: z.unknown().optional(),
});
/** A call of the API that changed something, or was to. */
export type AuditEvent = z.output<typeof AuditEvent>;

export class Cluster {
  readonly #folder: string;
  readonly #programs: string;
  readonly #children = new Map<Program, ChildProcess>();

  private constructor(folder: string, programs: string) {
    this.#folder = folder;
    this.#programs = programs;
  }

  /** Three nodes in three zones. Resolves when they are ready. */
  static async start(): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-cluster-'));
    const cluster = new Cluster(folder, await controlPlane(KUBERNETES));
    try {
      await cluster.#start();
      return cluster;
    } catch (thrown) {
      const tails = [...cluster.#children.keys()].map((name) => `--- ${name}\n${cluster.#output(name).slice(-2000)}`);
      await cluster.stop();
      throw new Error(`The cluster did not come up.\n${tails.join('\n')}`, { cause: thrown });
    }
  }

  /** What it prints; rejects with what it says where it fails. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(join(this.#programs, 'kubectl'), [...args], { env: this.#env, maxBuffer: 1e8 });
    return stdout;
  }

  async helm(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(await tool('helm'), [...args], { env: this.#env, maxBuffer: 1e8 });
    return stdout;
  }

  /** Makes what the documents say, as `kubectl apply` does. */
  async apply(...documents: readonly unknown[]): Promise<void> {
    const file = join(this.#folder, `${randomUUID()}.json`);
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: documents }));
    await this.kubectl('apply', '--server-side', '--filename', file);
  }

  /** Calls that change something, in the order in which they were answered. */
  audit(): AuditEvent[] {
    const lines = readFileSync(join(this.#folder, 'audit.log'), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => AuditEvent.parse(JSON.parse(line)));
  }

  async stop(): Promise<void> {
    for (const child of [...this.#children.values()].reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #env(): NodeJS.ProcessEnv {
    const homes = Object.fromEntries(
      ['CACHE', 'CONFIG', 'DATA'].map((each) => [`HELM_${each}_HOME`, join(this.#folder, 'helm')]),
    );
    return { PATH: process.env['PATH'], HOME: this.#folder, KUBECONFIG: this.#file('kubeconfig'), ...homes };
  }

  async #start(): Promise<void> {
    const [client, peer, api, kubelets] = (await freePorts(4)) as [number, number, number, number];
    const etcd = `http://127.0.0.1:${client}`;
    const token = randomUUID();
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.#write('accounts.pub', publicKey.export({ type: 'spki', format: 'pem' }));
    this.#write('accounts.key', privateKey.export({ type: 'pkcs1', format: 'pem' }));
    this.#write('tokens.csv', `${token},admin,admin,system:masters\n`);
    this.#write('audit.json', JSON.stringify(AUDIT));
    this.#write('kubeconfig', JSON.stringify(kubeconfig(`https://127.0.0.1:${api}`, token)));
    mkdirSync(this.#file('etcd'));

    this.#run('server', [
      ...['--data-dir', this.#file('etcd'), '--listen-client-urls', etcd, '--advertise-client-urls', etcd],
      ...['--listen-peer-urls', `http://127.0.0.1:${peer}`, '--unsafe-no-fsync', '--log-level', 'error'],
    ]);
    this.#run('kube-apiserver', [
      ...[`--etcd-servers=${etcd}`, '--bind-address=127.0.0.1', `--secure-port=${api}`, `--cert-dir=${this.#file('certs')}`],
      ...['--authorization-mode=RBAC', `--token-auth-file=${this.#file('tokens.csv')}`, '--anonymous-auth=false'],
      ...['--service-account-issuer=https://kubernetes.default.svc', '--service-cluster-ip-range=10.96.0.0/16'],
      ...[`--service-account-key-file=${this.#file('accounts.pub')}`],
      ...[`--service-account-signing-key-file=${this.#file('accounts.key')}`],
      ...[`--audit-policy-file=${this.#file('audit.json')}`, `--audit-log-path=${this.#file('audit.log')}`],
    ]);
    await this.#until(() => this.kubectl('get', '--raw', '/readyz'));
    const connected = [`--kubeconfig=${this.#file('kubeconfig')}`];
    this.#run('kube-controller-manager', [
      ...[...connected, '--leader-elect=false', '--secure-port=0'],
      `--service-account-private-key-file=${this.#file('accounts.key')}`,
    ]);
    this.#run('kube-scheduler', [...connected, '--leader-elect=false', '--secure-port=0']);
    const stages = (await kwokStages()).map((file) => `--config=${file}`);
    const kwok = [...connected, ...stages, '--manage-all-nodes=true', `--server-address=127.0.0.1:${kubelets}`];
    this.#run('kwok', kwok, await tool('kwok'));
    await this.apply(...ZONES.map((zone) => nodeIn(zone)));
    await this.#until(() => this.kubectl('wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=60s'));
    // Pods are let in when the account that they run as by default is there.
    await this.#until(() => this.kubectl('get', 'serviceaccount', 'default', '--namespace', 'default'));
  }

  async #until(works: () => Promise<unknown>): Promise<void> {
    const begin = Date.now();
    for (;;) {
      const ended = [...this.#children].filter(([, child]) => child.exitCode !== null).map(([name]) => name);
      if (ended.length > 0) throw new Error(`${ended.join(', ')} ended by itself`);
      try {
        await works();
        return;
      } catch (thrown) {
        if (Date.now() - begin > READY_WITHIN_MS) throw thrown;
        await delay(250);
      }
    }
  }

  #run(program: Program, args: readonly string[], path = join(this.#programs, program)): void {
    const output = openSync(this.#file(`${program}.log`), 'a');
    const child = spawn(path, [...args], { stdio: ['ignore', output, output], env: this.#env });
    this.#children.set(program, child);
    // However this process ends, what it started ends with it.
    process.once('exit', () => child.kill('SIGKILL'));
  }

  #output(program: Program): string {
    return readFileSync(this.#file(`${program}.log`), 'utf8');
  }

  #write(name: string, content: string | Buffer): void {
    writeFileSync(this.#file(name), content, { mode: 0o600 });
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }
}

/** Reading is left out; of what is written, what it was. */
const AUDIT = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [
    { level: 'None', verbs: ['get', 'list', 'watch'] },
    { level: 'Metadata', resources: [{ group: '', resources: ['secrets'] }] },
    { level: 'Request', resources: [{ group: 'batch' }, { group: 'apps' }] },
    { level: 'Metadata' },
  ],
};

/** JSON is YAML. The server's certificate is its own and of this run. */
function kubeconfig(server: string, token: string): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  };
}

/** kwok says how much room it has: enough. */
function nodeIn(zone: string): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `node-${zone}`,
      labels: { 'kubernetes.io/hostname': `node-${zone}`, 'topology.kubernetes.io/zone': zone },
    },
  };
}
