/**
 * The image without an engine: docker/build.sh lays it out in a folder, and services run from there as the image runs them, as nobody,
 * on files that nobody can write. Takes as long as `npm ci`.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { describeWithKafka, sharedBroker } from '#tests/kafka/shared.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);
/** Only root can become somebody else; then the service is also shown to need no right to write. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_532, gid: 65_532 } : {};

let folder: string;
let app: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-image-'));
  chmodSync(folder, 0o755);
  app = join(folder, 'app');
  await run('sh', [join(ROOT, 'docker/build.sh'), app]);
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `zod`, `@grpc/grpc-js`, …: what is installed at the top. */
function packageNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => (name.startsWith('@') ? readdirSync(join(folder, name)).map((part) => `${name}/${part}`) : [name]));
}

/** Runs `node ARGS` as the image would. */
function inImage(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const environment = { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', TSX_DISABLE_CACHE: '1', ...env };
  return { cwd: app, env: environment, args: [...args], ...NOBODY };
}

describe('the image', () => {
  test('holds no tests, no tools of development, no embedded ClickHouse', () => {
    const files = readdirSync(app, { recursive: true }).map(String);
    const own = files.filter((file) => !file.startsWith('node_modules'));
    expect(own.filter((file) => /\.test|golden|\/testing\//.test(file))).toEqual([]);
    const packages = new Set(readdirSync(join(app, 'node_modules')));
    for (const name of ['jest', 'typescript', 'eslint', 'chdb', '@chdb', '@swc', '@grafana'])
      expect(packages).not.toContain(name);
    for (const name of ['tsx', 'kafkajs', 'fastify', 'uplot']) expect(packages).toContain(name);
  });

  test('lets nobody write', () => {
    const writable = readdirSync(app, { recursive: true })
      .map((name) => join(app, String(name)))
      .filter((path) => existsSync(path) && (statSync(path).mode & 0o022) !== 0);
    expect(writable).toEqual([]);
  });

  test('has a bill of materials that names what is there', () => {
    const bill = JSON.parse(readFileSync(join(app, 'sbom.cdx.json'), 'utf8')) as {
      readonly bomFormat: string;
      readonly components: readonly { readonly name: string; readonly version: string }[];
    };
    expect(bill.bomFormat).toBe('CycloneDX');
    expect(bill.components.length).toBeGreaterThan(50);
    const versions = new Map<string, string[]>();
    for (const { name, version } of bill.components) versions.set(name, [...(versions.get(name) ?? []), version]);
    for (const name of packageNames(join(app, 'node_modules'))) {
      const manifest = JSON.parse(readFileSync(join(app, 'node_modules', name, 'package.json'), 'utf8')) as {
        readonly version: string;
      };
      expect([name, versions.get(name)]).toEqual([name, expect.arrayContaining([manifest.version])]);
    }
    expect(bill.components.map(({ name }) => name)).not.toContain('chdb');
  });

  test('knows every command', async () => {
    const { args, ...options } = inImage(['bin/tributary.js', '--help']);
    const { stdout } = await run(process.execPath, args, options);
    for (const command of [
      'ingest',
      'clock',
      'features',
      'inference',
      'evaluation',
      'paper',
      'rollout',
      'archive',
      'gateway',
      'train',
      'topics',
      'store',
    ])
      expect(stdout).toMatch(new RegExp(`^ +${command} `, 'm'));
  });

  test('has its bundle compiled for the Node that runs it', async () => {
    const script = `import { COMPILED, loadBundle } from './bin/bundle.js';
      import { existsSync } from 'node:fs';
      console.log(existsSync(COMPILED), loadBundle().script.cachedDataRejected);`;
    const { args, ...options } = inImage(['--input-type=module', '--eval', script]);
    const { stdout } = await run(process.execPath, args, options);
    expect(stdout.trim()).toBe('true false');
  });

  test('says what is missing where the embedded ClickHouse is asked for', async () => {
    const { args, ...options } = inImage(['bin/tributary.js', 'store', 'migrate', '--store', join(folder, 'store')]);
    await expect(run(process.execPath, args, options)).rejects.toMatchObject({
      stderr: expect.stringContaining('TRB_STORE_UNAVAILABLE'),
    });
  });
});

describeWithKafka('a service of the image', () => {
  let service: ChildProcess | undefined;

  afterAll(async () => {
    if (service?.exitCode === null) {
      service.kill('SIGKILL');
      await once(service, 'exit');
    }
  });

  test('runs as nobody, is found healthy by the health check of the image, and drains', async () => {
    const env = { KAFKA_BROKERS: (await sharedBroker()).join(','), TRIBUTARY_TOPIC_PREFIX: `image-${randomUUID()}.` };
    const topics = inImage(['bin/tributary.js', 'topics', 'apply', '--partitions', '2', '--replication-factor', '1'], env);
    await run(process.execPath, topics.args, topics);

    const clock = inImage(['bin/tributary.js', 'clock', '--metrics-port', '0', '--source', 'sim'], env);
    service = spawn(process.execPath, clock.args, { ...clock, stdio: ['ignore', 'pipe', 'inherit'] });
    const port = await metricsPort(service);
    const check = inImage(['docker/healthcheck.js'], { TRIBUTARY_METRICS_PORT: port });
    await run(process.execPath, check.args, check);

    service.kill('SIGTERM');
    await once(service, 'exit');
    expect(service.exitCode).toBe(0);
    await expect(run(process.execPath, check.args, check)).rejects.toMatchObject({ code: 1 });
  }, 120_000);
});

/** Of the log line that tells where the metrics are. */
async function metricsPort(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
    if (found !== null) {
      child.stdout!.resume();
      return found[1]!;
    }
  }
  throw new Error('it ended before it listened');
}
