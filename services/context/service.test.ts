import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { namingProblems } from '#libs/telemetry/naming.ts';
import { type Reference, Tick } from '#libs/wire/tributary/v1/market.ts';
import { readMemory } from './memory.ts';
import { type ContextOptions, runContext } from './service.ts';
import { example, exampleSample } from './testing/example.ts';
import { LeapClock } from './testing/leap-clock.ts';
import { type Answers, json, type RecordedServer, serveRecorded } from './testing/recorded.ts';

const KEY = 'k3y-of-the-test';
const PARTITIONS = 3;
const MINUTE = 60_000;
const DAY = 86_400_000;
const { now: NOW } = exampleSample;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Rig {
  readonly log: EventLog;
  readonly server: RecordedServer;
  readonly clock: LeapClock;
  readonly lines: string[];
  readonly health: Health;
  readonly metrics: Registry;
  /** Starts the service; the returned function stops it. */
  readonly start: (options?: Partial<ContextOptions>) => () => Promise<void>;
}

async function rig(answers: Answers = exampleSample.answers): Promise<Rig> {
  const path = mkdtempSync(join(tmpdir(), 'tributary-context-'));
  const log = await openEmbeddedLog({ path, partitions: PARTITIONS });
  const server = await serveRecorded(answers);
  closers.push(
    () => server.close(),
    () => log.close().then(() => rmSync(path, { recursive: true })),
  );
  const clock = new LeapClock(NOW);
  const lines: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const health = new Health();
  const metrics = new Registry();
  const context: ServiceContext = { log, clock, logger, metrics, health, source: 'live' };
  const start = (options: Partial<ContextOptions> = {}): (() => Promise<void>) => {
    const stop = new AbortController();
    const baseUrl = (_source: string, host: string): string => server.baseUrl(host);
    const environment = { EXAMPLE_KEY: KEY };
    const running = runContext(
      context,
      { sources: [example], assets: ['BTC', 'ETH'], environment, baseUrl, random: () => 0, ...options },
      stop.signal,
    );
    const end = (): Promise<void> => {
      stop.abort();
      return running;
    };
    closers.push(end);
    return end;
  };
  return { log, server, clock, lines, health, metrics, start };
}

/** Waits for what real sockets and the log do; time itself stands. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await turn();
}

async function references(log: EventLog, partition = 0): Promise<Reference[]> {
  const found: Reference[] = [];
  for await (const { records } of log.read('ticks', partition)) {
    for (const { value } of records) {
      const { event } = Tick.decode(value);
      if (event?.$case === 'reference') found.push(event.value);
    }
  }
  return found;
}

const published = async (log: EventLog, count: number): Promise<void> =>
  until(async () => (await references(log)).length >= count);

async function metric(registry: Registry, name: string): Promise<Readonly<Record<string, number>>> {
  const values = (await registry.getSingleMetric(`tributary_context_${name}`)?.get())?.values ?? [];
  return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
}

describe('context', () => {
  test('publishes what is new into every partition, to take effect two seconds later', async () => {
    const { log, start, metrics } = await rig();
    const stop = start();
    await published(log, 5);
    await stop();
    const all = await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => references(log, partition)));
    expect(all).toEqual(all.map(() => all[0]));
    const bySeries = new Map(all[0]!.map((reference) => [reference.series, reference]));
    expect([...bySeries.keys()].sort()).toEqual(['cap.BTC', 'cap.ETH', 'mood', 'rate']);
    expect(bySeries.get('cap.BTC')).toEqual({
      source: 'example',
      series: 'cap.BTC',
      seq: NOW + 2_000,
      value: 1.55e12,
      observedAt: NOW - 2 * MINUTE,
      publishedAt: (NOW - 2 * MINUTE) * 1000,
      effectiveT: NOW + 2_000,
      validFor: DAY,
    });
    expect(await metric(metrics, 'values_total')).toEqual({ example: 5 });
    expect(await metric(metrics, 'requests_total')).toEqual({ 'example ok': 3 });
  });

  test('a value once; a revision has the same period and a higher seq; a restart publishes nothing again', async () => {
    const { log, server, clock, start } = await rig();
    let stop = start();
    await published(log, 5);
    const asked = (): number => server.requests.filter(({ path }) => path === '/caps').length;
    clock.leap(6 * MINUTE);
    await until(() => asked() === 2);
    await stop();
    expect(await references(log)).toHaveLength(5);

    stop = start();
    await until(() => server.requests.length >= 7);
    const revised = { ...exampleSample.answers, '/caps': json([{ symbol: 'BTC', cap: 2e12, updated: NOW - 2 * MINUTE }]) };
    server.answer(revised);
    clock.leap(6 * MINUTE);
    // The mood has no time of its own: it is of each new hour.
    await until(async () => (await references(log)).some(({ value }) => value === 2e12));
    await stop();
    const caps = (await references(log)).filter(({ series }) => series === 'cap.BTC');
    expect(caps.map(({ value }) => value)).toEqual([1.55e12, 2e12]);
    expect(caps[1]!.observedAt).toBe(caps[0]!.observedAt);
    expect(caps[1]!.seq).toBeGreaterThan(caps[0]!.seq);
    expect(caps[1]!.effectiveT).toBe(clock.now() + 2_000);
  });

  test('the month’s requests are counted through restarts, failures too, and a source that has used them up rests', async () => {
    const { log, server, clock, start, metrics, lines } = await rig();
    let stop = start();
    await published(log, 5);
    await stop();
    expect((await readMemory(log)).get('example')!.calls(clock.now())).toBe(3);
    server.answer(() => ({ status: 500, body: 'no' }));
    const few = { ...example, terms: { ...example.terms, callsPerMonth: 4 } };
    stop = start({ sources: [few] });
    const count = async (): Promise<number> => (await metric(metrics, 'calls_month'))['example'] ?? 0;
    await until(async () => (await count()) > 3);
    for (; (await count()) < 4;) clock.leap(1_000);
    // Attempts that are under way when the month is used up are not cut off.
    await until(async () => {
      clock.leap(30_000);
      await turn();
      return (await metric(metrics, 'source_state'))['example spent'] === 1;
    });
    await stop();
    expect(lines.filter((line) => line.includes('rests until the month is over'))).toHaveLength(1);
    const { length } = server.requests;
    expect((await readMemory(log)).get('example')!.calls(clock.now())).toBe(length);
  });

  test('is off with one notice where it is refused, is tried again after a day, and goes on', async () => {
    const { log, server, clock, start, lines, health, metrics } = await rig();
    server.answer(() => json({ error: 'not in your country' }, 451));
    const stop = start();
    const isBlocked = async (): Promise<boolean> => (await metric(metrics, 'source_state'))['example blocked'] === 1;
    await until(isBlocked);
    await until(() => health.parts()['context']!.detail.includes('HTTP 451'));
    const { length } = server.requests;
    expect(length).toBeLessThanOrEqual(3);
    clock.leap(DAY / 2);
    clock.leap(DAY / 2);
    await until(() => server.requests.length > length);
    await until(isBlocked);
    server.answer(exampleSample.answers);
    await until(async () => {
      clock.leap(DAY);
      await turn();
      return (await references(log)).length > 0;
    });
    expect((await metric(metrics, 'source_state'))['example on']).toBe(1);
    await stop();
    expect(lines.filter((line) => line.includes('is off for a day'))).toHaveLength(1);
  });

  test('without its key it is off with one notice and asks nothing', async () => {
    const { server, start, lines, health } = await rig();
    const stop = start({ environment: {} });
    await until(() => health.parts()['context']!.detail.includes('needs EXAMPLE_KEY'));
    await stop();
    expect(server.requests).toEqual([]);
    expect(lines.filter((line) => line.includes('EXAMPLE_KEY'))).toHaveLength(1);
  });

  test('a poll that fails is said once, counted each time, and does not hold up the others', async () => {
    const { log, server, clock, start, lines, metrics } = await rig();
    server.answer({ ...exampleSample.answers, '/mood': json({ mood: 'sour' }) });
    const stop = start();
    await published(log, 4);
    const failures = async (): Promise<number> => (await metric(metrics, 'failures_total'))['example TRB_HTTP_SHAPE'] ?? 0;
    await until(async () => (await failures()) === 1);
    clock.leap(MINUTE);
    await until(async () => (await failures()) === 2);
    server.answer(exampleSample.answers);
    clock.leap(3 * MINUTE);
    await until(async () => (await references(log)).some(({ series }) => series === 'mood'));
    await stop();
    expect(lines.filter((line) => line.includes('gives no mood'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('gives mood again'))).toHaveLength(1);
  });

  test('what is no number, not declared, too old or far ahead is not published, and counted', async () => {
    const { start, metrics } = await rig();
    const odd = {
      ...example,
      polls: () => [
        {
          name: 'odd',
          everyMs: MINUTE,
          calls: 0,
          run: () =>
            Promise.resolve([
              { series: 'mood', value: NaN, observedAt: NOW },
              { series: 'mood', value: Infinity, observedAt: NOW },
              { series: 'cap.DOGE', value: 1, observedAt: NOW },
              { series: 'mood', value: 1, observedAt: NOW - 2 * DAY },
              { series: 'mood', value: 1, observedAt: NOW + DAY },
            ]),
        },
      ],
    };
    const stop = start({ sources: [odd] });
    const refused = (): Promise<Readonly<Record<string, number>>> => metric(metrics, 'refused_values_total');
    await until(async () => (await refused())['example ahead'] === 1);
    await stop();
    expect(await refused()).toEqual({
      'example not_finite': 2,
      'example undeclared': 1,
      'example stale': 1,
      'example ahead': 1,
    });
  });

  test.each(['environment', 'file'])('a key from the %s is in the header, and in no log line, error or metric', async (where) => {
    const { server, clock, start, lines, metrics, health, log } = await rig();
    const file = join(mkdtempSync(join(tmpdir(), 'tributary-key-')), 'key');
    writeFileSync(file, `${KEY}\n`);
    closers.push(() => {
      rmSync(join(file, '..'), { recursive: true });
      return Promise.resolve();
    });
    server.answer((request) => json({ error: `no such key ${String(request.headers['x-example-key'])}` }, 500));
    const stop = start({ environment: where === 'file' ? { EXAMPLE_KEY_FILE: file } : { EXAMPLE_KEY: KEY } });
    await until(async () => {
      clock.leap(1_000);
      await turn();
      return Object.keys(await metric(metrics, 'failures_total')).length > 0;
    });
    server.answer((request) => json({ error: `no such key ${String(request.headers['x-example-key'])}` }, 403));
    await until(async () => {
      clock.leap(MINUTE);
      await turn();
      return (await metric(metrics, 'source_state'))['example blocked'] === 1;
    });
    await stop();
    expect(server.requests[0]!.headers['x-example-key']).toBe(KEY);
    const said = [...lines, await metrics.metrics(), JSON.stringify(health.parts())].join('\n');
    expect(said).toContain('no such key (key)');
    expect(said).not.toContain(KEY);
    expect(server.requests.map(({ path, query }) => `${path}?${query.toString()}`).join()).not.toContain(KEY);
    for await (const { records } of log.read('context-state', 0)) {
      for (const { value } of records) expect(Buffer.from(value).toString('latin1')).not.toContain(KEY);
    }
  });

  test('a second process stands by, and takes over where the first stopped', async () => {
    const { log, server, start } = await rig();
    const first = start();
    await published(log, 5);
    const { length } = server.requests;
    const second = start();
    await turn();
    expect(server.requests).toHaveLength(length);
    await first();
    await until(() => server.requests.length >= length + 3);
    await second();
    expect((await references(log)).filter(({ series }) => series.startsWith('cap'))).toHaveLength(2);
  });

  test('its metrics keep to the naming rules, and tell ages and projections', async () => {
    const { log, start, clock, metrics } = await rig();
    const stop = start();
    await published(log, 5);
    await until(async () => Object.keys(await metric(metrics, 'last_value_age_seconds')).length === 4);
    clock.leap(62_000);
    expect((await metric(metrics, 'last_value_age_seconds'))['example cap.BTC']).toBe(60);
    // Ten and a half days: a request every five minutes, two every hour.
    expect((await metric(metrics, 'projected_calls_month'))['example']).toBeCloseTo(3 + 10.5 * (288 + 48), -1);
    expect(namingProblems(await metrics.metrics())).toEqual([]);
    await stop();
  });
});
