/**
 * The chart, for every file of values and for what they leave off: helm takes it, Kubernetes' schemas take it, each container could start and
 * may do no more than it must; and wrong values are refused before anything is installed.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ACCESS } from '#libs/log/kafka/access.ts';
import { CHART, helm, type Manifest, manifestsOf, type Pod, podsOf } from './chart.ts';
import { commandLineProblems } from './command-line.ts';
import { kubernetesSchemas, KUBERNETES } from './schemas.ts';
import { LONGEST_FETCH_MS, tool } from './tools.ts';

const run = promisify(execFile);
const file = (name: string): string[] => ['--values', join(CHART, `values-${name}.yaml`)];
const set = (...pairs: readonly string[]): string[] => pairs.flatMap((pair) => ['--set', pair]);

/** What is rendered: the files, and what none of them switches on. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  laptop: file('laptop'),
  small: file('small'),
  large: file('large'),
  'a GPU': [
    ...file('small'),
    ...set('training.gpu.enabled=true', 'training.models=all', 'training.image.repository=tributary-trainer'),
    ...set('search.enabled=true', 'search.until=2026-03-08T00:00:00Z', 'search.models={trees,lstm}', 'search.symbols={BTC-USD}'),
  ],
  'a search': [...file('small'), ...set('search.enabled=true', 'search.until=2026-03-08', 'search.workers=3')],
  'an ingress': [
    ...file('small'),
    ...set('gateway.ingress.enabled=true', 'gateway.ingress.host=tributary.example', 'gateway.ingress.clusterIssuer=letsencrypt'),
    ...set('gateway.ingress.annotations.nginx\\.ingress\\.kubernetes\\.io/backend-protocol=HTTPS'),
  ],
  'lag as an external metric': [...file('small'), ...set('autoscaling.externalMetrics=true')],
  'certificates on all sides, a cluster': [
    ...file('large'),
    ...set('kafka.security.protocol=SSL', 'kafka.security.clientCertificate=true', 'kafka.security.tlsSecretName=brokers'),
    ...set(
      'clickhouse.tlsSecretName=store',
      'clickhouse.cluster=main',
      'access.tls.clientCaKey=ca.crt',
      'access.tokens.secretName=',
    ),
    ...set('search.enabled=true', 'search.until=2026-03-08'),
  ],
  'nobody asked, asked for by name': [
    ...file('large'),
    ...set('kafka.security.protocol=PLAINTEXT', 'kafka.security.dangerouslyWithoutAuthentication=true'),
    ...set('kafka.security.dangerouslyWithoutTls=true', 'clickhouse.url=http://c:8123', 'clickhouse.dangerouslyWithoutTls=true'),
    ...set('access.tokens.secretName=', 'access.tls.secretName=', 'access.dangerouslyWithoutAuthentication=true'),
  ],
  'neither candles nor an archive': [...file('small'), ...set('history.enabled=false')],
  'features rebuilt from the archive': [
    ...file('large'),
    ...set('services.features.rebuildFrom=clickhouse', 'history.enabled=false', 'clickhouse.tlsSecretName=store'),
  ],
  'a prefix, a digest, no history': [
    ...file('small'),
    ...set('kafka.topicPrefix=t1.', `image.digest=sha256:${'0'.repeat(64)}`, 'history.enabled=false', 'training.enabled=false'),
    ...set('networkPolicy.enabled=false', 'ingest.venues[0].name=kraken', 'ingest.venues[0].symbols={BTC-USD}'),
  ],
};

const rendered: Record<
  string,
  { readonly yaml: string; readonly manifests: readonly Manifest[]; readonly pods: readonly Pod[] }
> = {};

beforeAll(async () => {
  await Promise.all([tool('helm'), tool('kubeconform'), kubernetesSchemas()]);
  for (const [name, values] of Object.entries(CASES)) {
    const yaml = await helm('template', ...values);
    const manifests = manifestsOf(yaml);
    rendered[name] = { yaml, manifests, pods: podsOf(manifests) };
  }
}, LONGEST_FETCH_MS);

describe.each(Object.keys(CASES))('%s', (name) => {
  const of = () => rendered[name]!;
  const kinds = (...wanted: readonly string[]) => of().manifests.filter(({ kind }) => wanted.includes(kind));

  test('passes helm lint', async () => {
    expect(await helm('lint', ...CASES[name]!)).toContain('0 chart(s) failed');
  });

  test("is what Kubernetes', KEDA's and the Prometheus operator's schemas allow, all of it", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-chart-'));
    try {
      writeFileSync(join(folder, 'all.yaml'), of().yaml);
      const schemas = join(await kubernetesSchemas(), '{{.ResourceKind}}{{.KindSuffix}}.json');
      const args = [
        '-strict',
        '-output',
        'json',
        '-summary',
        '-kubernetes-version',
        KUBERNETES,
        '-schema-location',
        schemas,
        folder,
      ];
      const { stdout } = await run(await tool('kubeconform'), args).catch(
        (thrown: unknown) => thrown as { readonly stdout: string },
      );
      const { resources = [], summary } = JSON.parse(stdout) as { resources?: unknown[]; summary: Record<string, number> };
      expect(resources).toEqual([]);
      expect(summary).toEqual({ valid: of().manifests.length, invalid: 0, errors: 0, skipped: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('runs only commands, options and variables that there are', () => {
    for (const { owner, spec } of of().pods) {
      for (const container of [...spec.initContainers, ...spec.containers]) {
        if (!/^(tributary|tributary-trainer)[:@]/.test(container.image)) continue;
        const env = Object.fromEntries(container.env.map(({ name: variable, value }) => [variable, value]));
        // Kubernetes puts it in the environment of an indexed Job's pods, and the argument takes it from there.
        const args = container.args.map((arg) => arg.replaceAll('$(JOB_COMPLETION_INDEX)', '0'));
        expect([owner.metadata.name, container.name, commandLineProblems(args, env)]).toEqual([
          owner.metadata.name,
          container.name,
          [],
        ]);
      }
    }
  });

  test('lets no pod do more than it must: pod security "restricted", read-only, limits, no token', () => {
    expect(of().pods.length).toBeGreaterThan(8);
    for (const { owner, spec } of of().pods) {
      const where = owner.metadata.name;
      expect([where, spec.automountServiceAccountToken]).toEqual([where, false]);
      expect([where, spec.securityContext]).toMatchObject([
        where,
        { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      ]);
      for (const key of ['hostNetwork', 'hostPID', 'hostIPC']) expect(spec).not.toHaveProperty(key);
      for (const volume of spec.volumes) expect(Object.keys(volume)).not.toContain('hostPath');
      for (const container of [...spec.initContainers, ...spec.containers]) {
        expect([where, container.securityContext]).toEqual([
          where,
          { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        ]);
        expect(Object.keys(container.resources.requests)).toEqual(expect.arrayContaining(['cpu', 'memory']));
        expect(Object.keys(container.resources.limits)).toContain('memory');
        for (const { name: volume } of container.volumeMounts)
          expect([...spec.volumes.map((each) => each.name), 'data']).toContain(volume);
      }
    }
  });

  test('gives every pod an account that is there, without a role', () => {
    const accounts = kinds('ServiceAccount').map(({ metadata }) => metadata.name);
    expect(of().pods.filter(({ spec }) => !accounts.includes(spec.serviceAccountName))).toEqual([]);
    expect(kinds('Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding')).toEqual([]);
  });

  test('asks each service how it is, gives it time to drain, and spreads it', () => {
    for (const { owner, spec } of of().pods.filter((pod) => pod.owner.kind === 'Deployment')) {
      const container = spec.containers[0]!;
      expect(container.startupProbe?.httpGet?.path).toBe('/healthz');
      expect(container.livenessProbe?.httpGet?.path).toBe('/healthz');
      expect(['/readyz', '/healthz']).toContain(container.readinessProbe?.httpGet?.path);
      expect([owner.metadata.name, spec.terminationGracePeriodSeconds]).toEqual([owner.metadata.name, 30]);
      expect(spec.topologySpreadConstraints.length).toBeGreaterThan(0);
    }
  });

  test('keeps passwords in secrets', () => {
    const variables = of().pods.flatMap(({ spec }) => [...spec.initContainers, ...spec.containers].flatMap(({ env }) => env));
    const secret = variables.filter(({ name: variable }) => /PASSWORD|USER$/.test(variable));
    expect(secret.length).toBeGreaterThan(0);
    expect(secret.filter(({ valueFrom }) => valueFrom === undefined)).toEqual([]);
    expect(kinds('Secret')).toEqual([]);
  });

  test('reads files of secrets where they are mounted', () => {
    for (const { owner, spec } of of().pods) {
      for (const { name: container, env, volumeMounts } of [...spec.initContainers, ...spec.containers]) {
        const files = env.map(({ value = '' }) => value).filter((value) => value.startsWith('/etc/tributary/'));
        const isMounted = (path: string): boolean => volumeMounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`));
        expect([owner.metadata.name, container, files.filter((path) => !isMounted(path))]).toEqual([
          owner.metadata.name,
          container,
          [],
        ]);
      }
    }
  });

  test('selects pods that are there, and scales what is there', () => {
    const Selector = z.object({ selector: z.record(z.string(), z.string()) });
    const labels = of().pods.map(({ metadata }) => metadata.labels);
    for (const service of kinds('Service')) {
      const { selector } = Selector.parse(service['spec']);
      const isSelected = labels.some((pod) => Object.entries(selector).every(([key, value]) => pod[key] === value));
      expect([service.metadata.name, isSelected]).toEqual([service.metadata.name, true]);
    }
    const deployments = kinds('Deployment').map(({ metadata }) => metadata.name);
    const Target = z.object({ scaleTargetRef: z.object({ name: z.string() }) });
    for (const scaler of kinds('HorizontalPodAutoscaler', 'ScaledObject'))
      expect(deployments).toContain(Target.parse(scaler['spec']).scaleTargetRef.name);
  });

  test('names nothing twice', () => {
    const names = of().manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names.filter((each, index) => names.indexOf(each) !== index)).toEqual([]);
  });
});

describe('what the values decide', () => {
  const named = (name: string, kind: string): string[] =>
    rendered[name]!.manifests.filter((manifest) => manifest.kind === kind).map(({ metadata }) => metadata.name);

  test('one ingest a venue', () => {
    expect(named('small', 'Deployment').filter((each) => each.includes('ingest'))).toEqual([
      'release-ingest-coinbase',
      'release-ingest-kraken',
    ]);
    expect(named('a prefix, a digest, no history', 'Deployment').filter((each) => each.includes('ingest'))).toEqual([
      'release-ingest-kraken',
    ]);
  });

  test('topics and tables come before the services, unless the release brings their servers', () => {
    const hooks = (name: string) =>
      rendered[name]!.manifests.filter(({ kind, metadata }) => kind === 'Job' && 'helm.sh/hook' in metadata.annotations);
    expect(hooks('small').map(({ metadata }) => metadata.annotations['helm.sh/hook'])).toEqual([
      'pre-install,pre-upgrade',
      'pre-install,pre-upgrade',
    ]);
    expect(hooks('laptop')).toEqual([]);
    expect(named('laptop', 'Job')).toEqual(expect.arrayContaining(['release-topics-1', 'release-schema-1']));
    expect(named('laptop', 'StatefulSet').sort()).toEqual(['release-clickhouse', 'release-kafka']);
    expect(named('small', 'StatefulSet')).toEqual([]);
  });

  test('features reach ClickHouse where they need it: for candles, or for archived ticks', () => {
    const reaches = (name: string) => {
      const { manifests, pods } = rendered[name]!;
      const policy = manifests.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'release-store');
      const features = pods.find(({ owner }) => owner.kind === 'Deployment' && owner.metadata.name === 'release-features')!;
      const [container] = features.spec.containers;
      return {
        policy: policy === undefined ? undefined : JSON.stringify(policy['spec']).includes('"features"'),
        isAsked: container!.args.join(' ').includes('--rebuild-from clickhouse'),
        url: container!.env.find((variable) => variable.name === 'CLICKHOUSE_URL')?.value,
        authority: container!.volumeMounts.some(({ mountPath }) => mountPath === '/etc/tributary/clickhouse'),
        deadline: (features.owner['spec'] as Record<string, unknown>)['progressDeadlineSeconds'],
      };
    };
    const [url, deadline] = ['https://clickhouse.clickhouse.svc:8443', 86_400];
    expect(reaches('features rebuilt from the archive')).toEqual({ policy: true, isAsked: true, url, authority: true, deadline });
    expect(reaches('large')).toEqual({ policy: true, isAsked: false, url: undefined, authority: false, deadline: undefined });
    expect(reaches('neither candles nor an archive').policy).toBe(false);
  });

  test('who scales: nobody, the autoscaler, or KEDA', () => {
    expect([named('laptop', 'HorizontalPodAutoscaler'), named('laptop', 'ScaledObject')]).toEqual([[], []]);
    expect(named('small', 'HorizontalPodAutoscaler')).toEqual(['release-features']);
    expect(named('large', 'ScaledObject').sort()).toEqual(
      ['archive', 'evaluation', 'features', 'inference'].map((each) => `release-${each}`),
    );
    expect(named('large', 'HorizontalPodAutoscaler')).toEqual([]);
    expect(rendered['lag as an external metric']!.yaml).toContain('name: tributary_features_lag_records');
    const specOf = (name: string, kind: string): unknown =>
      rendered[name]!.manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === 'release-features')![
        'spec'
      ];
    expect(specOf('small', 'HorizontalPodAutoscaler')).toMatchObject({
      metrics: [{ type: 'Resource', resource: { name: 'cpu' } }],
    });
    expect(specOf('large', 'ScaledObject')).toMatchObject({ triggers: [{ type: 'kafka' }, { type: 'cpu' }] });
  });

  test('of what runs, no more than one pod at a time is drained', () => {
    const Budget = z.object({
      maxUnavailable: z.literal(1),
      selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    });
    const { manifests, pods } = rendered['small']!;
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget').map((each) => Budget.parse(each['spec']));
    for (const { owner, metadata } of pods.filter((pod) => pod.owner.kind === 'Deployment')) {
      const isCovered = ({ selector }: z.output<typeof Budget>): boolean =>
        Object.entries(selector.matchLabels).every(([key, value]) => metadata.labels[key] === value);
      expect([owner.metadata.name, budgets.filter(isCovered).length]).toEqual([owner.metadata.name, 1]);
    }
  });

  test('training asks for a GPU, tolerates its nodes and keeps what CUDA compiled', () => {
    const pod = rendered['a GPU']!.pods.find(({ owner }) => owner.kind === 'CronJob' && owner.metadata.name.endsWith('-train'));
    const train = pod!.spec.initContainers.find(({ name }) => name === 'train')!;
    expect(train).toMatchObject({ image: 'tributary-trainer:0.1.0', resources: { limits: { 'nvidia.com/gpu': 1 } } });
    expect(pod!.spec['tolerations']).toEqual([{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }]);
    expect(train.volumeMounts.map(({ mountPath }) => mountPath)).toContain('/var/cache/cuda');
    expect(pod!.owner['spec']).toMatchObject({ jobTemplate: { spec: { backoffLimit: 2, activeDeadlineSeconds: 7_200 } } });
  });

  test('a search is shared by the pods of an indexed Job, off by default, on GPUs where networks are searched', () => {
    expect(named('small', 'Job').filter((each) => each.includes('-search-'))).toEqual([]);
    const jobOf = (name: string) => rendered[name]!.pods.find(({ owner }) => owner.metadata.name.includes('-search-'))!;
    const { owner, spec } = jobOf('a search');
    expect(owner['spec']).toMatchObject({ completionMode: 'Indexed', completions: 3, parallelism: 3 });
    const { args, image } = spec.containers[0]!;
    expect(args.slice(args.indexOf('--worker')).slice(0, 2)).toEqual(['--worker', '$(JOB_COMPLETION_INDEX)/3']);
    expect([image, args.includes('gpu')]).toEqual(['tributary:0.1.0', false]);
    const onGpu = jobOf('a GPU').spec.containers[0]!;
    expect(onGpu).toMatchObject({ image: 'tributary-trainer:0.1.0', resources: { limits: { 'nvidia.com/gpu': 1 } } });
    expect(onGpu.args).toContain('gpu');
  });

  test('another version or other values train once more; the same ones do not', async () => {
    const job = async (...more: readonly string[]): Promise<string> =>
      manifestsOf(await helm('template', ...file('small'), ...more)).find(
        ({ kind, metadata }) => kind === 'Job' && metadata.name.includes('-train-'),
      )!.metadata.name;
    const first = await job();
    expect(await job()).toBe(first);
    expect(await job(...set('image.tag=0.2.0'))).not.toBe(first);
    expect(await job(...set('training.historyDays=3'))).not.toBe(first);
  });

  test('policies: pods of a release talk to nobody but whom they must', () => {
    expect(named('small', 'NetworkPolicy').sort()).toEqual(
      ['clients', 'log', 'metrics', 'names', 'nothing', 'store', 'venues'].map((each) => `release-${each}`),
    );
    expect(rendered['large']!.yaml).toContain('port: 8443');
    expect(named('a prefix, a digest, no history', 'NetworkPolicy')).toEqual([]);
  });

  test('an image by digest', () => {
    const images = rendered['a prefix, a digest, no history']!.pods.flatMap(({ spec }) =>
      spec.containers.map(({ image }) => image),
    );
    expect(new Set(images)).toEqual(new Set([`tributary@sha256:${'0'.repeat(64)}`]));
  });
});

describe('who gets in', () => {
  const containers = (name: string) =>
    rendered[name]!.pods.flatMap(({ owner, spec }) =>
      [...spec.initContainers, ...spec.containers].map((container) => ({ owner: owner.metadata.name, ...container })),
    );
  const variables = (name: string, service: string): Readonly<Record<string, unknown>> => {
    const { env } = containers(name).find(({ owner }) => owner === `release-${service}`)!;
    return Object.fromEntries(env.map((each) => [each.name, each.value ?? each.valueFrom?.secretKeyRef]));
  };
  const flags = (name: string): string[] =>
    containers(name).flatMap(({ owner, args }) => args.filter((arg) => arg.startsWith('--dang')).map((arg) => `${owner} ${arg}`));

  test.each(['laptop', 'small', 'large'])('%s: each is a user of its own on Kafka, with the rights of its work', (name) => {
    const users = new Map<string, string>();
    for (const { owner, name: container, env } of containers(name)) {
      const user = env.find((each) => each.name === 'KAFKA_USERNAME')?.value;
      const password = env.find((each) => each.name === 'KAFKA_PASSWORD')?.valueFrom?.secretKeyRef;
      if (env.some((each) => each.name === 'KAFKA_BROKERS')) {
        expect([owner, password]).toEqual([owner, { name: 'tributary-kafka', key: user }]);
        users.set(container, user!);
      }
    }
    const services = Object.keys(ACCESS).filter((each) => !['models', 'bots'].includes(each));
    expect(Object.fromEntries(users)).toEqual({
      ...Object.fromEntries(services.map((service) => [service, `tributary-${service}`])),
      publish: 'tributary-models',
      topics: 'tributary-operator',
    });
    const topics = containers(name).find((each) => each.name === 'topics')!;
    expect(topics.args.slice(-2)).toEqual(['--acl-principal', 'User:tributary-{service}']);
  });

  test('the page and SignalService ask for a token, under TLS unless the values say otherwise by name', () => {
    for (const service of ['gateway', 'inference']) {
      expect(variables('small', service)).toMatchObject({
        TRIBUTARY_TOKENS_FILE: '/etc/tributary/access/tokens',
        TRIBUTARY_TLS_CERT_FILE: '/etc/tributary/tls/tls.crt',
        TRIBUTARY_TLS_KEY_FILE: '/etc/tributary/tls/tls.key',
      });
      expect(variables('laptop', service)).toHaveProperty('TRIBUTARY_TOKENS_FILE');
    }
    expect([...flags('small'), ...flags('large'), ...flags('certificates on all sides, a cluster')]).toEqual([]);
    expect(flags('laptop')).toEqual(['release-inference --dangerously-without-tls', 'release-gateway --dangerously-without-tls']);
    expect(flags('nobody asked, asked for by name')).toEqual([
      'release-inference --dangerously-without-authentication',
      'release-gateway --dangerously-without-authentication',
    ]);
  });

  test('certificates, where they are asked for', () => {
    expect(variables('certificates on all sides, a cluster', 'archive')).toMatchObject({
      KAFKA_SECURITY_PROTOCOL: 'SSL',
      KAFKA_CA_FILE: '/etc/tributary/kafka/ca.crt',
      KAFKA_CERT_FILE: '/etc/tributary/kafka/tls.crt',
      KAFKA_KEY_FILE: '/etc/tributary/kafka/tls.key',
      CLICKHOUSE_CA_FILE: '/etc/tributary/clickhouse/ca.crt',
      CLICKHOUSE_CLUSTER: 'main',
    });
    expect(variables('certificates on all sides, a cluster', 'gateway')).toMatchObject({
      TRIBUTARY_TLS_CLIENT_CA_FILE: '/etc/tributary/tls/ca.crt',
    });
  });

  test('KEDA asks the brokers as the service that it scales', () => {
    const authentication = rendered['large']!.manifests.find(
      ({ kind, metadata }) => kind === 'TriggerAuthentication' && metadata.name === 'release-features',
    );
    expect(authentication).toMatchObject({
      spec: {
        env: [
          { parameter: 'username', name: 'KAFKA_USERNAME' },
          { parameter: 'password', name: 'KAFKA_PASSWORD' },
        ],
        secretTargetRef: [{ parameter: 'ca', name: 'tributary-kafka-tls', key: 'ca.crt' }],
      },
    });
  });
});

describe('a wrong value is refused', () => {
  test.each([
    ['source=paper', /source/],
    ['symbols={btcusd}', /symbols/],
    ['sorce=live', /sorce/],
    ['services.features.replicas=0', /replicas/],
    ['services.features.env.FOO=1', /FOO/],
    ['kafka.topics.partitions=0', /partitions/],
    ['kafka.brokers={kafka}', /brokers/],
    ['clickhouse.url=clickhouse:8123', /url/],
    ['ingest.venues=null', /venues/],
    ['image.digest=latest', /digest/],
    ['training.schedule=daily', /schedule/],
    ['services.features.autoscaling.maxReplicas=9', /9, but there are 8 partitions/],
    ['training.gpu.enabled=true', /training\.models/],
    ['training.models=all', /training\.image/],
    ['parity.sample=2', /sample/],
    ['search.enabled=true', /search\.until/],
    ['search.until=yesterday', /until/],
    ['search.workers=0', /workers/],
    ['access.tokens.secretName=', /dangerouslyWithoutAuthentication/],
    ['access.tls.secretName=', /dangerouslyWithoutTls/],
    ['kafka.security.protocol=PLAINTEXT', /dangerouslyWithoutAuthentication[^]*dangerouslyWithoutTls/],
    ['kafka.security.protocol=SSL', /dangerouslyWithoutAuthentication/],
    ['kafka.security.protocol=SASL_PLAINTEXT', /dangerouslyWithoutTls/],
    ['kafka.security.protocol=PLAIN', /protocol/],
    ['kafka.security.secretName=', /secretName/],
    ['kafka.security.aclPrincipal=User:tributary', /aclPrincipal/],
    ['kafka.security.clientCertificate=true', /tlsSecretName/],
    ['clickhouse.url=http://clickhouse:8123', /dangerouslyWithoutTls/],
  ])('%s', async (pair, message) => {
    await expect(helm('template', ...file('small'), ...set(pair))).rejects.toThrow(message);
  });

  test('so is a release without a Kafka or a ClickHouse', async () => {
    await expect(helm('template', ...set('clickhouse.url=https://c:8443'))).rejects.toThrow(/kafka\.brokers/);
    await expect(helm('template', ...set('kafka.brokers={kafka:9092}'))).rejects.toThrow(/clickhouse\.url/);
  });
});
