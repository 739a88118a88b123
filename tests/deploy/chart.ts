/** The chart as helm renders it, as objects. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { KUBERNETES } from './schemas.ts';
import { tool } from './tools.ts';

export const CHART = join(import.meta.dirname, '..', '..', 'helm', 'tributary');
const run = promisify(execFile);

const Labels = z.record(z.string(), z.string()).default({});
const SecretKey = z.object({ secretKeyRef: z.object({ name: z.string(), key: z.string() }) });
const Probe = z.object({ httpGet: z.object({ path: z.string() }).optional(), tcpSocket: z.unknown().optional() }).optional();

export const Container = z.object({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).default([]),
  env: z.array(z.object({ name: z.string(), value: z.string().optional(), valueFrom: SecretKey.optional() })).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  startupProbe: Probe,
  livenessProbe: Probe,
  readinessProbe: Probe,
  securityContext: z.record(z.string(), z.unknown()),
  resources: z.object({ requests: z.record(z.string(), z.unknown()), limits: z.record(z.string(), z.unknown()) }),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().default(false) })).default([]),
});
export const PodSpec = z.looseObject({
  serviceAccountName: z.string(),
  automountServiceAccountToken: z.boolean(),
  securityContext: z.record(z.string(), z.unknown()),
  terminationGracePeriodSeconds: z.number().optional(),
  topologySpreadConstraints: z.array(z.object({ whenUnsatisfiable: z.string() })).default([]),
  initContainers: z.array(Container).default([]),
  containers: z.array(Container),
  volumes: z.array(z.looseObject({ name: z.string() })).default([]),
});
const Template = z.object({ metadata: z.object({ labels: Labels }), spec: PodSpec });
const Manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({ name: z.string(), labels: Labels, annotations: Labels }),
});
export type Manifest = z.output<typeof Manifest>;
export type Pod = z.output<typeof Template> & { readonly owner: Manifest };

/** Arguments of `helm template` and `lint` that stand for a cluster. */
const CLUSTER = ['--kube-version', KUBERNETES];

/** What helm prints; rejects with its message where values are refused. */
export async function helm(command: 'template' | 'lint', ...args: readonly string[]): Promise<string> {
  const release = command === 'template' ? ['release', '--namespace', 'trading'] : ['--strict'];
  const { stdout } = await run(await tool('helm'), [command, ...release, CHART, ...CLUSTER, ...args], { maxBuffer: 1e8 });
  return stdout;
}

export function manifestsOf(yaml: string): Manifest[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as unknown)
    .filter((content) => content !== null)
    .map((content) => Manifest.parse(content));
}

/** The pods that these would make. */
export function podsOf(manifests: readonly Manifest[]): Pod[] {
  return manifests.flatMap((owner) => {
    const spec = owner['spec'];
    if (owner.kind === 'CronJob') {
      const { jobTemplate } = z.object({ jobTemplate: z.object({ spec: z.object({ template: Template }) }) }).parse(spec);
      return [{ ...jobTemplate.spec.template, owner }];
    }
    return ['Deployment', 'StatefulSet', 'Job'].includes(owner.kind)
      ? [{ ...z.object({ template: Template }).parse(spec).template, owner }]
      : [];
  });
}
