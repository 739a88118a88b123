/**
 * JSON schemas of what the chart may contain, for kubeconform: Kubernetes' own out of its OpenAPI description, KEDA's and the Prometheus
 * operator's out of their custom resource definitions. Strict: a field that is not in them is an error.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { cached, goModule } from './tools.ts';

export const KUBERNETES = '1.34.4';

/** Kinds of others that the chart can make. */
const CUSTOM = {
  keda: {
    module: 'github.com/kedacore/keda/v2',
    version: 'v2.17.2',
    kinds: ['scaledobjects', 'triggerauthentications'],
    file: (kind: string) => `config/crd/bases/keda.sh_${kind}.yaml`,
  },
  operator: {
    module: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    kinds: ['podmonitors', 'prometheusrules'],
    file: (kind: string) => `example/prometheus-operator-crd/monitoring.coreos.com_${kind}.yaml`,
  },
} as const;

type Schema = Record<string, unknown>;
const Gvk = z.array(z.object({ group: z.string(), version: z.string(), kind: z.string() }));
const Swagger = z.object({
  definitions: z.record(z.string(), z.looseObject({ 'x-kubernetes-group-version-kind': Gvk.optional() })),
});
const Definition = z.object({
  spec: z.object({
    group: z.string(),
    names: z.object({ kind: z.string() }),
    versions: z.array(z.object({ name: z.string(), schema: z.object({ openAPIV3Schema: z.record(z.string(), z.unknown()) }) })),
  }),
});

/** Folder of files `kind-group-version.json`, as kubeconform's default template names them. */
export function kubernetesSchemas(): Promise<string> {
  const versions = Object.values(CUSTOM).flatMap(({ version, kinds }) => [version, ...kinds]);
  return cached(['schemas', KUBERNETES, ...versions].join('-'), async (folder) => {
    const [kubernetes, custom] = await Promise.all([goModule('k8s.io/kubernetes', `v${KUBERNETES}`), customResources()]);
    writeKubernetes(join(kubernetes, 'api/openapi-spec/swagger.json'), folder);
    for (const file of custom) writeCustom(file, folder);
  });
}

/** Files of their custom resource definitions. */
export async function customResources(): Promise<string[]> {
  const files = await Promise.all(
    Object.values(CUSTOM).map(async ({ module, version, kinds, file }) => {
      const sources = await goModule(module, version);
      return kinds.map((kind) => join(sources, file(kind)));
    }),
  );
  return files.flat();
}

function writeKubernetes(file: string, folder: string): void {
  const { definitions } = Swagger.parse(JSON.parse(readFileSync(file, 'utf8')));
  const strict = Object.fromEntries(Object.entries(definitions).map(([name, schema]) => [name, strictly(schema, name)]));
  for (const [name, { 'x-kubernetes-group-version-kind': kinds = [] }] of Object.entries(definitions)) {
    // Options of deletion and the like are listed under every group.
    if (kinds.length !== 1) continue;
    const [{ group, version, kind }] = kinds as [z.output<typeof Gvk>[number]];
    const needed = Object.fromEntries([...closure(strict, name)].map((each) => [each, strict[each]]));
    write(folder, kind, group, version, { $ref: `#/definitions/${name}`, definitions: needed });
  }
}

function writeCustom(file: string, folder: string): void {
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
    const { group, names, versions } = Definition.parse(document.toJS()).spec;
    for (const { name, schema } of versions) write(folder, names.kind, group, name, strictly(schema.openAPIV3Schema, ''));
  }
}

function write(folder: string, kind: string, group: string, version: string, schema: unknown): void {
  const name = [kind, ...(group === '' ? [] : [group.split('.')[0]!]), version].join('-').toLowerCase();
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(schema));
}

/** Of an OpenAPI schema: what it does not name is not allowed; numbers where Kubernetes reads them as text. */
function strictly(schema: unknown, name: string): unknown {
  if (Array.isArray(schema)) return schema.map((each) => strictly(each, ''));
  if (typeof schema !== 'object' || schema === null) return schema;
  if (name.endsWith('.Quantity')) return { type: ['string', 'number'] };
  const found = schema as Schema;
  if (found['format'] === 'int-or-string' || found['x-kubernetes-int-or-string'] === true) return { type: ['string', 'integer'] };
  const made = Object.fromEntries(Object.entries(found).map(([key, value]) => [key, strictly(value, '')]));
  const isOpen = found['x-kubernetes-preserve-unknown-fields'] === true || found['additionalProperties'] !== undefined;
  return isProperties(found['properties']) && found['type'] === 'object' && !isOpen
    ? { ...made, additionalProperties: false }
    : made;
}

/** A property may be called `properties`, which then is a schema like any other. */
function isProperties(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !('type' in value && typeof value.type === 'string');
}

/** `name` and everything it refers to. */
function closure(definitions: Readonly<Record<string, unknown>>, name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const [, next] of JSON.stringify(definitions[name]).matchAll(/"#\/definitions\/([^"]+)"/g))
    closure(definitions, next!, found);
  return found;
}
