/**
 * Every panel and every alert against a real Prometheus that scrapes a running instance on the simulator: no panel is empty, no rule fails. It
 * waits for a first model and for signals that are settled: some minutes.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { LONGEST_FETCH_MS, tool } from '#tests/deploy/tools.ts';
import { freePorts } from '#tests/ports.ts';
import { DASHBOARDS } from '../../deploy/dashboards/grafana.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** For the first model and for a signal of one minute that it emits, on a machine that has much else to do. */
const LONGEST_MS = 900_000;
const POLL_MS = 2_000;

const Answer = z.object({ data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }) });
const Rules = z.object({
  data: z.object({
    groups: z.array(
      z.object({ rules: z.array(z.object({ name: z.string(), health: z.string(), lastError: z.string().optional() })) }),
    ),
  }),
});

const folder = mkdtempSync(join(tmpdir(), 'tributary-dashboards-'));
const children: ChildProcess[] = [];
let prometheus: string;
let page: string;

beforeAll(async () => {
  const binary = await tool('prometheus');
  const [port, pagePort] = await freePorts(2);
  prometheus = `http://127.0.0.1:${port}`;
  page = `http://127.0.0.1:${pagePort}`;
  const up = ['up', '--source', 'sim', '--port', `${pagePort}`, '--grpc-port', '0', '--data-dir', join(folder, 'data')];
  start('up', process.execPath, [join(ROOT, 'bin/tributary.js'), ...up]);
  writeFileSync(
    join(folder, 'prometheus.json'),
    JSON.stringify({
      global: { scrape_interval: '2s', evaluation_interval: '2s' },
      rule_files: [join(ROOT, 'deploy/prometheus/rules/*.yml')],
      scrape_configs: [
        { job_name: 'tributary', static_configs: [{ targets: [`127.0.0.1:${pagePort}`], labels: { tributary_service: 'up' } }] },
      ],
    }),
  );
  const store = [`--storage.tsdb.path=${join(folder, 'tsdb')}`, `--web.listen-address=127.0.0.1:${port}`];
  start('prometheus', binary, [`--config.file=${join(folder, 'prometheus.json')}`, ...store]);
}, LONGEST_FETCH_MS);

afterAll(async () => {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }),
  );
  rmSync(folder, { recursive: true, force: true });
});

test(
  'no panel is empty',
  async () => {
    const panels = DASHBOARDS.flatMap(({ title, panels: all }) =>
      all.flatMap((panel) => panel.queries.map(({ expr, legend }) => ({ name: `${title} / ${panel.title} / ${legend}`, expr }))),
    );
    let waiting = panels;
    const deadline = Date.now() + LONGEST_MS;
    while (waiting.length > 0 && Date.now() < deadline) {
      expectRunning();
      const answers = await Promise.all(waiting.map(async (panel) => ({ panel, isEmpty: await isEmpty(panel.expr) })));
      waiting = answers.filter((answer) => answer.isEmpty).map(({ panel }) => panel);
      if (waiting.length > 0) await delay(POLL_MS);
    }
    expect(waiting.map(({ name }) => name)).toEqual([]);
  },
  LONGEST_MS + 60_000,
);

test('a panel that asks for what is not there is found empty', async () => {
  expect(await isEmpty('tributary_no_such_thing{source=~"$source"}')).toBe(true);
});

test('Prometheus evaluates every rule', async () => {
  const response = await fetch(`${prometheus}/api/v1/rules`);
  const { groups } = Rules.parse(await response.json()).data;
  const rules = groups.flatMap((group) => group.rules);
  expect(rules.length).toBeGreaterThan(10);
  expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
});

test("promtool has nothing to say about the names of the project's own metrics", async () => {
  const metrics = await (await fetch(`${page}/metrics`)).text();
  const child = spawn(await tool('promtool'), ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  child.stdin.end(metrics);
  await once(child, 'close');
  expect(said.split('\n').filter((line) => line.startsWith('tributary_'))).toEqual([]);
});

/** Nothing, or nothing that is a number. Prometheus may still be starting. */
async function isEmpty(expr: string): Promise<boolean> {
  const query = expr.replaceAll('$source', '.+').replaceAll('$__rate_interval', '5m');
  const url = `${prometheus}/api/v1/query?${new URLSearchParams({ query }).toString()}`;
  const response = await fetch(url).catch(() => undefined);
  if (response === undefined || response.status === 503) return true;
  if (!response.ok) throw new Error(`${query}: ${await response.text()}`);
  const { result } = Answer.parse(await response.json()).data;
  return !result.some(({ value }) => Number.isFinite(Number(value[1])));
}

function start(name: string, command: string, args: readonly string[]): void {
  const output = openSync(join(folder, `${name}.log`), 'w');
  children.push(spawn(command, args, { stdio: ['ignore', output, output] }));
}

function expectRunning(): void {
  if (children.every(({ exitCode }) => exitCode === null)) return;
  const logs = ['up', 'prometheus'].map((name) => readFileSync(join(folder, `${name}.log`), 'utf8').slice(-2_000));
  throw new Error(`one ended by itself:\n${logs.join('\n')}`);
}
