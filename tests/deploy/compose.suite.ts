/**
 * deploy/compose without an engine, for real: deploy/secrets.sh makes its secrets, kafka.sh starts its broker (on Kafka's jars, as the image's
 * scripts do), and the tasks and services run with the command lines and variables of compose.yml, on the simulator instead of venues. Every
 * service has its own user there, with the rights that `topics apply` gave it and no more: decisions come out at the other end, or not.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { credentials, Metadata, status } from '@grpc/grpc-js';
import { openKafkaLog } from '#libs/log/kafka.ts';
import { signBundle } from '#libs/models/signature.ts';
import { operatorKey } from '#libs/registry/operator-key.ts';
import { readSecretFile } from '#libs/secrets/secret.ts';
import { type HttpFront, startHttpFront } from '#libs/store/testing/http-front.ts';
import { SignalServiceClient } from '#libs/wire/tributary/v1/signal_service.ts';
import { bundleOf } from '#services/inference/testing/market.ts';
import { fetchJars } from '#tests/kafka/jars.ts';
import { freePorts } from '#tests/ports.ts';
import { describeWithKafka } from '#tests/kafka/shared.ts';
import { Processes } from '#tests/shapes/processes.ts';
import { z } from 'zod';
import { compose, FOLDER, isTask, own, type Service } from './compose.ts';
import { LONGEST_FETCH_MS, tool } from './tools.ts';

const ROOT = join(FOLDER, '../..');
const LONGEST_MS = 480_000;
const KAFKA_SCRIPT = join(ROOT, 'helm/tributary/files/kafka.sh');

test(
  'compose.yml is what the Compose Specification allows',
  async () => {
    const { stdout } = await promisify(execFile)(await tool('compose'), ['-format', 'json', join(FOLDER, 'compose.yml')]);
    const { services } = z.object({ services: z.record(z.string(), z.unknown()) }).parse(JSON.parse(stdout));
    expect(Object.keys(services).sort()).toEqual(Object.keys(compose.services).sort());
  },
  LONGEST_FETCH_MS,
);

describeWithKafka('deploy/compose', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-compose-'));
  const secrets = join(folder, 'secrets');
  const processes = new Processes(folder, LONGEST_MS);
  const services = own.filter(([, service]) => !isTask(service));
  let kafka: Kafka;
  let store: HttpFront;
  let simulator: Readonly<Record<string, string>>;
  let ports: Readonly<Record<'page' | 'grpc', number>>;
  const token = (role: 'read' | 'operate'): string => readFileSync(join(secrets, 'access', role), 'utf8');
  const page = (path: string, bearer?: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${ports.page}${path}`, {
      ...(bearer !== undefined && { headers: { authorization: `Bearer ${bearer}` } }),
    });

  beforeAll(async () => {
    execFileSync('sh', [join(ROOT, 'deploy/secrets.sh'), secrets]);
    const [pagePort, grpcPort] = await freePorts(2);
    ports = { page: pagePort!, grpc: grpcPort! };
    const password = readFileSync(join(secrets, 'clickhouse/password'), 'utf8');
    [kafka, store] = await Promise.all([
      startKafka(folder, join(secrets, 'kafka')),
      startHttpFront(join(folder, 'store'), { login: `tributary:${password}` }),
    ]);
    processes.start('simulator', 'simulator', '--port', '0', '--seed', '7', '--history-days', '0.1');
    await processes.until(() => processes.output('simulator').includes('}}'));
    simulator = (JSON.parse(processes.output('simulator')) as { urls: Record<string, string> }).urls;

    const work = join(folder, 'work');
    mkdirSync(work);
    for (const task of ['topics', 'schema', 'history']) await runTask(task);
    // What `train` would leave, in no time.
    const bundle = bundleOf({ trainedTo: Date.now() });
    writeFileSync(join(work, 'bundle.json'), signBundle(bundle, await operatorKey(join(work, 'operator.pem'))));
    await runTask('publish');
    for (const [name, service] of services) {
      const { args, env } = here(service);
      processes.startWith(env, name, ...args);
    }
  }, LONGEST_MS);

  afterAll(async () => {
    await processes.kill();
    await store.stop();
    await kafka.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function runTask(name: string): Promise<void> {
    const { args, env } = here(compose.services[name]!);
    await processes.runWith(env, name, ...args);
  }

  /** What a container of this service would run, with the addresses and files of this machine. */
  function here({ command, environment, secrets: mounted }: Service) {
    const places = new Map<string, string>([
      ['kafka:9092', kafka.address],
      ['http://clickhouse:8123', store.url],
      ['/var/lib/tributary', join(folder, 'work')],
      ['0.0.0.0', '127.0.0.1'],
      ...mounted.map(({ source, target }): [string, string] => [
        `/run/secrets/${target}`,
        join(secrets, compose.secrets[source]!.file.replace('../secrets/', '')),
      ]),
    ]);
    const place = (text: string): string => [...places].reduce((sum, [from, to]) => sum.replaceAll(from, to), text);
    const [name = '', , venue = ''] = command;
    const args: string[] = command.map(place);
    if (name === 'ingest') args.push('--ws-url', simulator[`${venue}Ws`]!, '--rest-url', simulator[`${venue}Rest`]!);
    if (name === 'backfill')
      args.push('--rest-url', ...['coinbase', 'kraken'].map((each) => `${each}=${simulator[`${each}Rest`]!}`));
    if (name === 'context') args.push('--context-sources', 'none');
    if (name === 'gateway') args.push('--port', String(ports.page));
    if (name === 'inference') args.push('--grpc-port', String(ports.grpc));
    const env = Object.fromEntries(Object.entries(environment).map(([variable, value]) => [variable, place(value)]));
    return { args, env: { ...env, TRIBUTARY_SOURCE: 'sim' } };
  }

  test('the services work as the users that they are: decisions are published, shown and archived', async () => {
    const decisions = async (): Promise<number> => {
      const answer = await page('/api/signals', token('read')).catch(() => undefined);
      return answer?.ok === true ? ((await answer.json()) as unknown[]).length : 0;
    };
    let seen = 0;
    const work = new Promise<void>((resolve, reject) => {
      processes.until(() => seen > 0).then(resolve, reject);
    });
    work.catch(() => undefined);
    while (seen === 0) {
      seen = await decisions();
      await Promise.race([delay(1_000), work]);
    }
    await processes.until(() => store.statements.some((statement) => /INSERT INTO signals\b/.test(statement)));
  }, 300_000);

  test('nobody is refused by the broker', () => {
    for (const [name] of services) {
      const said = processes.output(name).split('\n');
      expect([name, said.filter((line) => /TRB_LOG_(FORBIDDEN|AUTHENTICATION)|not authorized/i.test(line))]).toEqual([name, []]);
    }
  });

  test('the page asks for a token, and for one that may operate where something changes', async () => {
    expect((await page('/')).status).toBe(401);
    expect((await page('/api/status', 'x'.repeat(48))).status).toBe(401);
    expect((await page('/api/status', token('read'))).status).toBe(200);
  });

  test('SignalService asks for a token', async () => {
    const client = new SignalServiceClient(`127.0.0.1:${ports.grpc}`, credentials.createInsecure());
    const request = { instrument: 'BTC-USD', venue: '', horizon: '' };
    const ask = (metadata: Metadata): Promise<number> =>
      new Promise((resolve) => client.getSignal(request, metadata, (error) => resolve(error?.code ?? status.OK)));
    const bearing = new Metadata();
    bearing.set('authorization', `Bearer ${token('read')}`);
    try {
      expect(await ask(new Metadata())).toBe(status.UNAUTHENTICATED);
      expect(await ask(bearing)).toBe(status.OK);
    } finally {
      client.close();
    }
  });

  test('without its password nobody gets in at the broker', async () => {
    const { args, env } = here(compose.services['clock']!);
    const stranger = { ...env, KAFKA_PASSWORD_FILE: join(secrets, 'kafka/tributary-bots') };
    await expect(processes.runWith(stranger, 'stranger', ...args)).rejects.toThrow(/TRB_LOG_AUTHENTICATION/);
  }, 60_000);

  test('secrets that are there stay', () => {
    const before = token('operate');
    execFileSync('sh', [join(ROOT, 'deploy/secrets.sh'), secrets]);
    expect(token('operate')).toBe(before);
  });
});

interface Kafka {
  readonly address: string;
  stop(): Promise<void>;
}

/** By the script that the containers run; its two programs are those of the image, which start these classes too. */
async function startKafka(folder: string, users: string): Promise<Kafka> {
  const [port, controller] = await freePorts(2);
  const address = `127.0.0.1:${port!}`;
  const bin = join(folder, 'bin');
  const data = join(folder, 'kafka');
  for (const each of [bin, data]) mkdirSync(each);
  const java = `exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '${join(fetchJars(), '*')}'`;
  const programs = { 'kafka-storage.sh': 'kafka.tools.StorageTool', 'kafka-server-start.sh': 'kafka.Kafka' };
  for (const [name, main] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${java} ${main} "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const places = { ADVERTISED: address, LISTEN: address, CONTROLLER: `127.0.0.1:${controller!}`, USERS: users, BIN: bin };
  const output = openSync(join(folder, 'kafka.log'), 'a');
  const env = { PATH: process.env['PATH'] ?? '', TMPDIR: folder, DATA: data, ...places };
  const child: ChildProcess = spawn('bash', [KAFKA_SCRIPT], { stdio: ['ignore', output, output], env });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  const username = 'tributary-operator';
  const password = readSecretFile(join(users, username), username);
  for (;;) {
    try {
      await (await openKafkaLog({ brokers: [address], sasl: { mechanism: 'scram-sha-512', username, password } })).close();
      return { address, stop };
    } catch (error) {
      if (child.exitCode !== null)
        throw new Error(`kafka.sh ended:\n${readFileSync(join(folder, 'kafka.log'), 'utf8').slice(-3000)}`, { cause: error });
      await delay(200);
    }
  }
}
