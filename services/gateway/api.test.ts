/** The API as it is described: each route is in OpenAPI, and what each answers is what it says. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type SignalJson, signalJson } from '#libs/signals/json.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { Direction, Outcome, OutcomeStatus, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { CURSOR_HEADER, errorJson, type Route, ROUTES } from './api.ts';
import { runGateway } from './service.ts';

let directory: string;
let log: EventLog;
let url: string;
let running: Promise<void>;
const stop = new AbortController();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-api-'));
  log = await openEmbeddedLog({ path: directory, partitions: 2 });
  const parts = { logger: createLogger({ level: 'silent' }), metrics: createMetrics(), health: new Health() };
  const context = { log, clock: systemClock, ...parts, source: 'sim' as const };
  await publish(0, 10);
  await log.append([
    ...['heartbeat', 'trade'].map((kind) => tick(kind)),
    { topic: 'outcomes', key: 'BTC', value: Outcome.encode(outcome()).finish() },
  ]);
  url = await new Promise<string>((resolve, reject) => {
    running = runGateway(context, { port: 0, startedAt: 0, listening: resolve }, stop.signal);
    running.catch(reject);
  });
});
afterAll(async () => {
  stop.abort();
  await running;
  await log.close();
  await rm(directory, { recursive: true });
});

/** Decisions of minutes [from, to), each third one an abstention, on two assets. */
async function publish(from: number, to: number): Promise<void> {
  const signals = Array.from({ length: to - from }, (_, i) => decision(from + i)).flatMap((each) => [
    each,
    { ...each, asset: 'ETH', instrument: 'ETH-USD' },
  ]);
  await log.append(signals.map((each) => ({ topic: 'signals', key: each.asset, value: Signal.encode(each).finish() })));
}

function decision(minute: number): Signal {
  const direction = minute % 3 === 2 ? Direction.DIRECTION_ABSTAIN : Direction.DIRECTION_UP;
  return Signal.fromPartial({
    ...{ asset: 'BTC', venue: 'kraken', instrument: 'BTC-USD', horizon: '1m', t: minute * 60_000, lane: 'slow', direction },
    ...{ probabilityUp: 0.8, confidence: 0.8, threshold: 0.7, referencePrice: 60_000, referenceKind: 2, costBps: 40.5 },
    ...{ abstainReason: minute % 3 === 2 ? 'below_threshold' : '', bundleId: 'b', slot: 'champion', source: 'sim' },
    ...{ publishedAt: minute * 60_000 + 250, validUntil: minute * 60_000 + 60_250, unfamiliarity: 0.4 },
  });
}

function outcome(): Outcome {
  return Outcome.fromPartial({ signal: decision(0), status: OutcomeStatus.OUTCOME_STATUS_UP, entryPrice: 1, exitPrice: 2 });
}

function tick(kind: string): Parameters<EventLog['append']>[0][number] {
  const at = { asset: 'BTC', venue: 'kraken', instrument: 'BTC-USD', receiveTime: 1, sequence: 1 };
  const event =
    kind === 'trade'
      ? { $case: 'trade' as const, value: { price: 60_000, size: 1 } }
      : { $case: 'heartbeat' as const, value: { healthy: true, lastFrameTime: 1 } };
  return { topic: 'ticks', key: 'BTC', partition: 0, value: Tick.encode(Tick.fromPartial({ ...at, event })).finish() };
}

const get = (path: string, headers: Readonly<Record<string, string>> = {}) => fetch(new URL(path, url), { headers });
async function page(query: string): Promise<{ rows: SignalJson[]; cursor: string }> {
  const answer = await get(`/api/signals?${query}`);
  return { rows: (await answer.json()) as SignalJson[], cursor: answer.headers.get(CURSOR_HEADER)! };
}

/** The events of a stream until `count` had data. */
async function events(count: number, path: string, headers: Readonly<Record<string, string>> = {}) {
  const ended = new AbortController();
  const answer = await fetch(new URL(path, url), { headers, signal: ended.signal });
  const found: { id: string; row: SignalJson | undefined }[] = [];
  let text = '';
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    const parts = (text + chunk).split('\n\n');
    text = parts.pop()!;
    for (const part of parts) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1];
      const data = field('data');
      found.push({ id: field('id')!, row: data === undefined ? undefined : signalJson.parse(JSON.parse(data)) });
    }
    if (found.filter(({ row }) => row !== undefined).length >= count) break;
  }
  ended.abort();
  return found;
}

describe('OpenAPI', () => {
  test('lists every route that the server has, and the copy in docs is the same', async () => {
    const served = (await (await get('/openapi.json')).json()) as { paths: Record<string, Record<string, unknown>> };
    const listed = Object.entries(served.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(listed.sort()).toEqual(
      Object.values<Route>(ROUTES)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    );
    for (const each of listed) {
      const [method, path] = each.split(' ');
      const answer = await fetch(new URL(path!, url), { method: method! });
      await answer.body?.cancel();
      expect([each, answer.status]).not.toEqual([each, 404]);
    }
    expect(served).toEqual(JSON.parse(await readFile('docs/openapi.json', 'utf8')));
    const refs = [...JSON.stringify(served).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]!);
    const { schemas } = (served as unknown as { components: { schemas: Record<string, unknown> } }).components;
    expect([...new Set(refs)].filter((name) => schemas[name] === undefined)).toEqual([]);
    expect(refs).toContain('Signal');
  });

  test.each(
    Object.entries<Route>(ROUTES).filter(([, { method, answers }]) => method === 'GET' && answers[200]?.schema !== undefined),
  )('%s answers what it says', async (name, { path, answers }) => {
    if (name === 'signalStream') {
      expect((await events(1, `${path}?after=sim.0-0`)).length).toBeGreaterThan(0);
      return;
    }
    const answer = await get(path);
    const { schema } = answers[answer.status]!;
    expect(schema!.safeParse(await answer.json())).toMatchObject({ success: true });
  });

  test.each([
    ['/api/nothing', 404, 'TRB_NOT_FOUND'],
    ['/api/signals?limit=0', 400, 'TRB_QUERY'],
    ['/api/signals?horizons=7m', 400, 'TRB_QUERY'],
    ['/api/signals?after=live.0-0', 400, 'TRB_CURSOR'],
    ['/api/signals/stream?after=sim.0', 400, 'TRB_CURSOR'],
  ])('%s is refused with %i %s', async (path, status, code) => {
    const answer = await get(path);
    expect([answer.status, errorJson.parse(await answer.json()).code]).toEqual([status, code]);
  });
});

describe('signals', () => {
  test('the newest without a cursor; abstentions only where they are asked for', async () => {
    const { rows } = await page('symbols=BTC-USD');
    expect(rows.map(({ t, direction }) => `${t / 60_000} ${direction}`)).toEqual([
      '0 up',
      '1 up',
      '3 up',
      '4 up',
      '6 up',
      '7 up',
      '9 up',
    ]);
    expect((await page('limit=2&symbols=BTC-USD')).rows.map(({ t }) => t / 60_000)).toEqual([7, 9]);
  });

  test('pages after a cursor meet without a hole or a repeat', async () => {
    const seen: string[] = [];
    for (let after = 'sim.0-0'; ;) {
      const { rows, cursor } = await page(`abstentions=true&limit=3&after=${after}`);
      seen.push(...rows.map(({ symbol, t }) => `${symbol} ${t / 60_000}`));
      after = cursor;
      if (rows.length < 3) break;
    }
    expect(seen).toHaveLength(20);
    expect(new Set(seen).size).toBe(20);
  });

  test('the stream goes on from the last event’s id, as EventSource does it', async () => {
    const first = await events(5, '/api/signals/stream?after=sim.0-0&abstentions=true');
    const seen = first.filter(({ row }) => row !== undefined).slice(0, 5);
    const rest = await events(15, '/api/signals/stream?abstentions=true', { 'last-event-id': seen[4]!.id });
    const rows = [...seen, ...rest].flatMap(({ row }) => (row === undefined ? [] : [`${row.symbol} ${row.t}`]));
    expect(rows).toHaveLength(20);
    expect(new Set(rows).size).toBe(20);
  });

  test('the stream without a cursor gives what is new', async () => {
    const waiting = events(2, '/api/signals/stream');
    await systemClock.sleep(300);
    await publish(12, 13);
    expect((await waiting).flatMap(({ row }) => (row === undefined ? [] : [row.t / 60_000]))).toEqual([12, 12]);
  });
});
