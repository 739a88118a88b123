/** deploy/compose without an engine: every container could start (its command line is the CLI's), nothing listens beyond the machine. */
import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { commandLineProblems } from './command-line.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = join(ROOT, 'deploy/compose');
const Variables = z.record(z.string(), z.union([z.string(), z.number()])).default({});
const Service = z.object({
  image: z.string(),
  command: z.array(z.string()).default([]),
  environment: Variables,
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.object({ test: z.array(z.string()).optional(), disable: z.boolean().optional() }).optional(),
  restart: z.string(),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  mem_limit: z.string(),
});
const Compose = z.object({ services: z.record(z.string(), Service), volumes: z.record(z.string(), z.null()) });

const text = readFileSync(join(FOLDER, 'compose.yml'), 'utf8');
const compose = Compose.parse(parse(substitute(text), { merge: true }));
const services = Object.entries(compose.services);
const own = services.filter(([, { image }]) => image === 'tributary:local');
const isTask = ({ restart }: z.output<typeof Service>): boolean => restart === 'on-failure';

/** `${NAME:-default}`, with nothing in the environment. A variable without a default stays, and is found. */
function substitute(yaml: string): string {
  return yaml.replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1');
}

describe('deploy/compose/compose.yml', () => {
  test('asks for no variable: one command is enough', () => {
    expect(substitute(text)).not.toMatch(/\$\{/);
  });

  test('has every service that runs, and what they need', () => {
    const running = own.filter(([, service]) => !isTask(service)).map(([name]) => name);
    expect(running.sort()).toEqual(
      [
        'archive',
        'clock',
        'context',
        'evaluation',
        'features',
        'gateway',
        'inference',
        'ingest-coinbase',
        'ingest-kraken',
        'paper',
        'rollout',
      ].sort(),
    );
    for (const name of ['kafka', 'clickhouse', 'prometheus', 'grafana']) expect(compose.services).toHaveProperty(name);
  });

  test.each(own)('%s: its command line is one that the image understands', (_name, { command, environment }) => {
    const variables = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));
    // What the image sets besides; see docker/Dockerfile. Tasks have no metrics and read neither.
    const image = { NODE_ENV: 'production', TSX_DISABLE_CACHE: '1' };
    expect(commandLineProblems(command, { ...image, ...variables })).toEqual([]);
  });

  test.each(own)('%s can write nowhere but into its volumes, has no capability and a limit of memory', (_name, service) => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], mem_limit: expect.stringMatching(/^\d+[mg]$/) });
  });

  test('listens on loopback only', () => {
    const ports = services.flatMap(([, service]) => service.ports);
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  test('waits for what is there, in the way that it can be waited for', () => {
    for (const [name, { depends_on: dependencies }] of services) {
      for (const [other, { condition }] of Object.entries(dependencies)) {
        const dependency = compose.services[other];
        expect([name, other, dependency === undefined]).toEqual([name, other, false]);
        expect([other, condition]).toEqual([other, isTask(dependency!) ? 'service_completed_successfully' : 'service_healthy']);
      }
    }
  });

  test('checks the health of everything that stays; the services by what the image says', () => {
    for (const [name, service] of services) {
      const isChecked = service.image === 'tributary:local' || (service.healthcheck?.test ?? []).length > 0;
      expect([name, isChecked]).toEqual([name, true]);
      expect([name, service.healthcheck?.disable ?? false]).toEqual([name, isTask(service)]);
    }
  });

  test('mounts what is there', () => {
    for (const volume of services.flatMap(([, service]) => service.volumes)) {
      const source = volume.split(':')[0]!;
      const isThere = source.startsWith('.') ? existsSync(join(FOLDER, source)) : source in compose.volumes;
      expect([source, isThere]).toEqual([source, true]);
    }
  });

  test('names an image by a version, and Kafka keeps one copy of what it needs several of elsewhere', () => {
    for (const [, { image }] of services) expect(image).toMatch(/^[a-z/-]+:(local|v?\d+\.\d+(\.\d+)*)$/);
    expect(compose.services['kafka']!.environment).toMatchObject({
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: 1,
    });
  });
});

test('Prometheus scrapes every service of it that runs', () => {
  const Scrapes = z.object({
    scrape_configs: z.array(
      z.object({ job_name: z.string(), static_configs: z.array(z.object({ targets: z.array(z.string()) })) }),
    ),
  });
  const { scrape_configs: jobs } = Scrapes.parse(parse(readFileSync(join(ROOT, 'deploy/prometheus/prometheus.yml'), 'utf8')));
  const targets = jobs
    .filter(({ job_name: job }) => job === 'tributary')
    .flatMap((job) => job.static_configs.flatMap((each) => each.targets));
  const running = own.filter(([, service]) => !isTask(service)).map(([name]) => `${name}:9464`);
  expect(targets.sort()).toEqual(running.sort());
});
