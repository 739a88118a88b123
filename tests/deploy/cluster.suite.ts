/**
 * The chart on a real API server: installed, every pod ready, upgraded, rolled back, with its hooks before everything else; what is wrong is
 * refused before anything changes, and nothing that runs may do anything. Nodes are kwok's: no container runs, compose.suite.ts runs them.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { makeCertificates } from '#tests/tls/certificates.ts';
import { CHART } from './chart.ts';
import { Cluster } from './cluster.ts';
import { customResources } from './schemas.ts';
import { LONGEST_FETCH_MS } from './tools.ts';

const ROOT = join(CHART, '../..');
const VALUES = readdirSync(CHART).flatMap((file) => /^values-(.+)\.yaml$/.exec(file)?.slice(1) ?? []);
const WITHIN = ['--wait', '--wait-for-jobs', '--timeout', '4m'];

const Condition = z.object({ type: z.string(), status: z.string() });
const Pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()) }),
      spec: z.object({ containers: z.array(z.object({ image: z.string() })), serviceAccountName: z.string() }),
      status: z.object({ phase: z.string(), conditions: z.array(Condition).default([]) }),
    }),
  ),
});
const History = z.array(z.object({ revision: z.number(), status: z.string() }));

let cluster: Cluster;
const values = (name: string): string[] => ['--values', join(CHART, `values-${name}.yaml`)];
const set = (...pairs: readonly string[]): string[] => pairs.flatMap((pair) => ['--set', pair]);

beforeAll(async () => {
  cluster = await Cluster.start();
  for (const file of await customResources()) {
    const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as unknown);
    await cluster.apply(...documents);
  }
}, LONGEST_FETCH_MS);

afterAll(() => cluster.stop(), 60_000);

/** A namespace that takes nothing below pod security "restricted", with the secrets that the chart refers to. */
async function prepare(namespace: string): Promise<void> {
  const certificates = makeCertificates();
  try {
    await cluster.kubectl('create', 'namespace', namespace);
    await cluster.kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
    const folder = join(certificates.folder, 'secrets');
    execFileSync('sh', [join(ROOT, 'deploy/secrets.sh'), folder]);
    const secret = (kind: string, name: string, ...args: readonly string[]): Promise<string> =>
      cluster.kubectl('create', 'secret', kind, name, '--namespace', namespace, ...args);
    for (const name of ['kafka', 'clickhouse', 'access'])
      await secret('generic', `tributary-${name}`, `--from-file=${join(folder, name)}`);
    const { file } = certificates;
    await secret('tls', 'tributary-tls', `--cert=${file('server.pem')}`, `--key=${file('server.key')}`);
    await secret('generic', 'tributary-kafka-tls', `--from-file=ca.crt=${file('ca.pem')}`);
  } finally {
    certificates.remove();
  }
}

async function podsIn(namespace: string): Promise<z.output<typeof Pods>['items']> {
  return Pods.parse(JSON.parse(await cluster.kubectl('get', 'pods', '--namespace', namespace, '--output', 'json'))).items;
}

/** Those that neither serve nor have ended well. */
async function ailing(namespace: string): Promise<string[]> {
  return (await podsIn(namespace))
    .filter(({ status }) => {
      const isReady = status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
      return status.phase !== 'Succeeded' && !(status.phase === 'Running' && isReady);
    })
    .map(({ metadata, status }) => `${metadata.name}: ${status.phase}`);
}

async function revisions(namespace: string): Promise<string[]> {
  const history = await cluster.helm('history', 'release', '--namespace', namespace, '--output', 'json');
  return History.parse(JSON.parse(history)).map(({ revision, status }) => `${revision} ${status}`);
}

describe('values-small, on a Kafka and a ClickHouse that are there', () => {
  const namespace = 'trading';
  const upgrade = (...args: readonly string[]): Promise<string> =>
    cluster.helm('upgrade', '--install', 'release', CHART, '--namespace', namespace, ...values('small'), ...WITHIN, ...args);
  /** Nothing else serves any more: helm does not wait for the end of what it replaced. */
  const untilServing = async (image: string): Promise<void> => {
    const others = async (): Promise<string[]> => {
      const serving = (await podsIn(namespace)).filter(({ status }) => status.phase === 'Running');
      return serving.flatMap(({ spec }) => spec.containers.map((container) => container.image)).filter((each) => each !== image);
    };
    for (let look = 0; look < 60 && (await others()).length > 0; look++) await delay(500);
    expect([await others(), await ailing(namespace)]).toEqual([[], []]);
  };

  beforeAll(() => prepare(namespace), 60_000);

  test('is installed, and every pod is ready', async () => {
    await upgrade();
    expect(await ailing(namespace)).toEqual([]);
    const components = (await podsIn(namespace)).map(({ metadata }) => metadata.labels['app.kubernetes.io/component']);
    for (const component of ['ingest', 'clock', 'features', 'inference', 'evaluation', 'archive', 'gateway'])
      expect(components).toContain(component);
    await untilServing('tributary:0.1.0');
  }, 300_000);

  test('topics and tables are made before anything else runs', () => {
    const inNamespace = cluster.audit().filter(({ objectRef }) => objectRef?.namespace === namespace);
    const at = (resource: string, verb: string, name: RegExp, subresource?: string): number[] =>
      inNamespace.flatMap(({ objectRef, verb: is }, index) => {
        const isKind = objectRef?.resource === resource && objectRef.subresource === subresource;
        return isKind && is === verb && name.test(objectRef.name ?? '') ? [index] : [];
      });
    const deployments = at('deployments', 'create', /^release-/);
    expect(deployments.length).toBeGreaterThan(8);
    for (const task of ['topics', 'schema']) {
      const [begun] = at('jobs', 'create', new RegExp(`^release-${task}$`));
      const ended = at('jobs', 'update', new RegExp(`^release-${task}$`), 'status').at(-1);
      expect([task, begun! < ended!, ended! < deployments[0]!]).toEqual([task, true, true]);
    }
  });

  test('is upgraded to another version and rolled back', async () => {
    await upgrade(...set('image.tag=0.2.0'));
    await untilServing('tributary:0.2.0');
    await cluster.helm('rollback', 'release', '1', '--namespace', namespace, ...WITHIN);
    await untilServing('tributary:0.1.0');
    expect(await revisions(namespace)).toEqual(['1 superseded', '2 superseded', '3 deployed']);
  }, 600_000);

  test.each([
    ['source=paper', /source/],
    ['access.tokens.secretName=', /dangerouslyWithoutAuthentication/],
    ['kafka.security.protocol=PLAINTEXT', /dangerouslyWithoutTls/],
  ])('%s is refused, and nothing changes', async (pair, message) => {
    const before = cluster.audit().length;
    await expect(upgrade(...set(pair))).rejects.toThrow(message);
    expect(await revisions(namespace)).toEqual(['1 superseded', '2 superseded', '3 deployed']);
    const changed = cluster
      .audit()
      .slice(before)
      .filter(({ user }) => user.username === 'admin');
    expect(changed.filter(({ objectRef }) => ['deployments', 'jobs'].includes(objectRef?.resource ?? ''))).toEqual([]);
  });

  test('what runs may do nothing here: no secret, no pod, no change', async () => {
    const accounts = [...new Set((await podsIn(namespace)).map(({ spec }) => spec.serviceAccountName))];
    expect(accounts.length).toBeGreaterThan(8);
    for (const account of accounts) {
      const as = `--as=system:serviceaccount:${namespace}:${account}`;
      const rights = await cluster.kubectl('auth', 'can-i', '--list', '--no-headers', '--namespace', namespace, as);
      // What every caller may ask about itself; the rest are addresses such as /healthz.
      const resources = rights.split('\n').flatMap((line) => /^(\S+)\s/.exec(line)?.slice(1) ?? []);
      expect([account, resources.filter((each) => !/^self\w+reviews\.auth/.test(each))]).toEqual([account, []]);
    }
    const token = (await cluster.kubectl('create', 'token', 'release-gateway', '--namespace', namespace)).trim();
    for (const call of [
      ['get', 'secrets'],
      ['get', 'secret', 'tributary-access'],
      ['get', 'pods'],
      ['delete', 'deployment', 'release-clock'],
    ])
      await expect(cluster.kubectl(...call, '--namespace', namespace, '--token', token)).rejects.toThrow(/Forbidden/);
  }, 120_000);

  test('a pod below pod security "restricted" is not let in', async () => {
    const pod = ['run', 'intruder', '--image=tributary:0.1.0', '--namespace', namespace];
    await expect(cluster.kubectl(...pod)).rejects.toThrow(/violates PodSecurity "restricted/);
  });

  test('is taken away without a rest that runs', async () => {
    await cluster.helm('uninstall', 'release', '--namespace', namespace, '--wait', '--timeout', '2m');
    expect(await cluster.kubectl('get', 'deployments,statefulsets,cronjobs', '--namespace', namespace)).toBe('');
  }, 180_000);
});

describe.each(VALUES.filter((name) => name !== 'small'))('values-%s', (name) => {
  const namespace = `on-${name}`;

  beforeAll(async () => {
    await prepare(namespace);
    // No provisioner is there to make what bundled servers claim.
    await cluster.apply(...['one', 'two'].map((each) => volume(`${name}-${each}`)));
  }, 60_000);

  test('is installed, and every pod is ready', async () => {
    await cluster.helm('install', 'release', CHART, '--namespace', namespace, ...values(name), ...WITHIN);
    expect(await ailing(namespace)).toEqual([]);
    expect((await podsIn(namespace)).length).toBeGreaterThan(10);
    await cluster.helm('uninstall', 'release', '--namespace', namespace);
  }, 400_000);
});

function volume(name: string): unknown {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '20Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: `/volumes/${name}` },
    },
  };
}
