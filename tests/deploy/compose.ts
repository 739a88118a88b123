/** deploy/compose as an engine would read it, with nothing in the environment. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export const FOLDER = join(import.meta.dirname, '..', '..', 'deploy/compose');
const Variables = z.record(z.string(), z.coerce.string()).default({});
const SecretMount = z.union([
  z.string().transform((source) => ({ source, target: source })),
  z.object({ source: z.string(), target: z.string() }),
]);
const Service = z.object({
  image: z.string(),
  command: z.array(z.string()).default([]),
  environment: Variables,
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

/** `${NAME:-default}` as the default. A variable without one stays, and is found. */
export const text = readFileSync(join(FOLDER, 'compose.yml'), 'utf8').replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1');
export const compose = Compose.parse(parse(text, { merge: true }));
/** Those of our image. */
export const own = Object.entries(compose.services).filter(([, { image }]) => image === 'tributary:local');

/** It runs once and ends. */
export function isTask({ restart }: Service): boolean {
  return restart === 'on-failure';
}
