/** deploy/compose without an engine: every container could start (its command line is the CLI's), nothing listens beyond the machine. */
import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { ACCESS } from '#libs/log/kafka/access.ts';
import { commandLineProblems } from './command-line.ts';
import { compose, FOLDER, isTask, own, ownOf, readCompose, type Service, text } from './compose.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const isRunning = ([, service]: readonly [string, Service]): boolean => !isTask(service);
const services = Object.entries(compose.services);
const secretsScript = readFileSync(join(ROOT, 'deploy/secrets.sh'), 'utf8');

describe('deploy/compose/compose.yml', () => {
  test('asks for no variable: one command is enough', () => {
    expect(text).not.toMatch(/\$\{/);
  });

  test('has every service that runs, and what they need', () => {
    const running = own.filter(isRunning).map(([name]) => name);
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
    // What the image sets besides; see docker/Dockerfile. Tasks have no metrics and read neither.
    const image = { NODE_ENV: 'production', TSX_DISABLE_CACHE: '1' };
    expect(commandLineProblems(command, { ...image, ...environment })).toEqual([]);
  });

  test('hands TRIBUTARY_TRACES to every service that runs, where it is set', () => {
    const TRIBUTARY_TRACES = 'http://collector:4318';
    for (const [name, { command, environment }] of ownOf(readCompose({ TRIBUTARY_TRACES }).compose).filter(isRunning)) {
      expect([name, environment['TRIBUTARY_TRACES']]).toEqual([name, TRIBUTARY_TRACES]);
      expect([name, commandLineProblems(command, environment)]).toEqual([name, []]);
    }
    for (const [, { environment }] of own) expect(environment).not.toHaveProperty('TRIBUTARY_TRACES');
  });

  test('lets features ask ClickHouse for archived ticks, where TRIBUTARY_REBUILD_FROM is set', () => {
    const features = (variables: Record<string, string>) =>
      ownOf(readCompose(variables).compose).find(([name]) => name === 'features')![1];
    const asked = features({ TRIBUTARY_REBUILD_FROM: 'clickhouse' });
    expect(asked.environment).toMatchObject({
      ...{ TRIBUTARY_REBUILD_FROM: 'clickhouse', CLICKHOUSE_URL: 'http://clickhouse:8123' },
      CLICKHOUSE_PASSWORD_FILE: '/run/secrets/clickhouse',
    });
    expect(commandLineProblems(asked.command, asked.environment)).toEqual([]);
    expect(features({}).environment).not.toHaveProperty('TRIBUTARY_REBUILD_FROM');
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
      // deploy/secrets.sh makes it, as compose.suite.ts shows.
      if (source === '../secrets/kafka') continue;
      const isThere = source.startsWith('.') ? existsSync(join(FOLDER, source)) : source in compose.volumes;
      expect([source, isThere]).toEqual([source, true]);
    }
  });

  test('names an image by a version', () => {
    for (const [, { image }] of services) expect(image).toMatch(/^[a-z/-]+:(local|v?\d+\.\d+(\.\d+)*)$/);
  });
});

describe('who gets in', () => {
  test.each(own.filter(([, { environment }]) => 'KAFKA_BROKERS' in environment))(
    '%s is a user of its own on Kafka, with its own password and nobody else’s',
    (name, { command, environment, secrets }) => {
      const user = name === 'topics' ? 'operator' : command[0]!;
      expect([...Object.keys(ACCESS), 'operator']).toContain(user);
      expect(environment).toMatchObject({
        KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
        KAFKA_USERNAME: `tributary-${user}`,
        KAFKA_PASSWORD_FILE: '/run/secrets/kafka',
      });
      expect(secrets.filter(({ source }) => source.startsWith('kafka'))).toEqual([{ source: `kafka-${user}`, target: 'kafka' }]);
    },
  );

  test('whoever listens asks for a token; no password stands in a variable', () => {
    const listening = own.filter(([, { ports }]) => ports.length > 0);
    expect(listening.map(([name]) => name).sort()).toEqual(['gateway', 'inference']);
    for (const [, { environment }] of listening) expect(environment['TRIBUTARY_TOKENS_FILE']).toBe('/run/secrets/tokens');
    expect(own.filter(([, { command }]) => command.includes('--dangerously-without-authentication'))).toEqual([]);
    for (const [, { environment }] of services)
      expect(Object.keys(environment).filter((variable) => /PASSWORD$|TOKENS?$/.test(variable))).toEqual([]);
  });

  test('what is read as a secret is mounted as one', () => {
    for (const [name, { environment, secrets }] of services) {
      const read = Object.values(environment).flatMap((value) => /^\/run\/secrets\/(.+)/.exec(value)?.slice(1) ?? []);
      expect([name, read.sort()]).toEqual([name, secrets.map(({ target }) => target).sort()]);
      for (const { source } of secrets) expect(compose.secrets).toHaveProperty(source);
    }
  });

  test('deploy/secrets.sh makes a password for every user that the broker is told of', () => {
    const [, users = ''] = /for service in (.*); do/.exec(secretsScript) ?? [];
    expect(users.split(' ').sort()).toEqual([...Object.keys(ACCESS), 'operator'].sort());
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
  const running = own.filter(isRunning).map(([name]) => `${name}:9464`);
  expect(targets.sort()).toEqual(running.sort());
});
