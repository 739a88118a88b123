/** deploy/compose as an engine would read it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export const FOLDER = join(import.meta.dirname, '..', '..', 'deploy/compose');
type Variables = Readonly<Record<string, string>>;
const SecretMount = z.union([
  z.string().transform((source) => ({ source, target: source })),
  z.object({ source: z.string(), target: z.string() }),
]);
const Service = z.object({
  image: z.string(),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.coerce.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  secrets: z.array(SecretMount).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.object({ test: z.array(z.string()).optional(), disable: z.boolean().optional() }).optional(),
  restart: z.string(),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  mem_limit: z.string(),
});
export type Service = z.output<typeof Service>;
const Compose = z.object({
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});

/**
 * With these variables in the environment. `${NAME:-default}` is the variable, or the default; `NAME:` without a value the variable, or nothing.
 * A `${NAME}` without a default stays, and is found.
 */
export function readCompose(variables: Variables = {}): { readonly text: string; readonly compose: z.output<typeof Compose> } {
  const text = readFileSync(join(FOLDER, 'compose.yml'), 'utf8')
    .replaceAll(/\$\{([A-Z_]+):-([^}]*)\}/g, (_, name: string, otherwise: string) => variables[name] ?? otherwise)
    .replaceAll(/^ +([A-Z_]+):\n/gm, (line, name: string) =>
      name in variables ? line.replace('\n', ` ${variables[name]!}\n`) : '',
    );
  return { text, compose: Compose.parse(parse(text, { merge: true })) };
}

export const { text, compose } = readCompose();
/** Those of our image. */
export const own = ownOf(compose);

export function ownOf({ services }: z.output<typeof Compose>): [string, Service][] {
  return Object.entries(services).filter(([, { image }]) => image === 'tributary:local');
}

/** It runs once and ends. */
export function isTask({ restart }: Service): boolean {
  return restart === 'on-failure';
}
