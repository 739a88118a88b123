import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '#libs/clock/clock.ts';
import { loadContext } from '#libs/history/context-file.ts';
import { type ContextRow } from '#libs/history/events.ts';
import { streamContextValues } from '#libs/store/context-values.ts';
import { migrate } from '#libs/store/migrate.ts';
import { openStore } from '#libs/store/open.ts';
import { type Store } from '#libs/store/port.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { example, rateHistory } from '#services/context/testing/example.ts';
import { json, type RecordedServer, serveRecorded } from '#services/context/testing/recorded.ts';
import { type ContextBackfillOptions, type ContextBackfillReport, historyRows, runContextBackfill } from './context.ts';
import { exportContext } from './export-context.ts';

const DAY = 86_400_000;
const FROM = Date.UTC(2026, 0, 1);
const TO = FROM + 90 * DAY;

let folder: string;
let store: Store;
let server: RecordedServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-context-history-'));
  store = await openStore({ path: join(folder, 'store') });
  await migrate(store);
  server = await serveRecorded({ '/history': rateHistory });
});
afterAll(async () => {
  await server.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

function fetchHistory(options: Partial<ContextBackfillOptions> = {}): Promise<ContextBackfillReport> {
  return runContextBackfill({
    ...{ store, sources: [example], assets: ['BTC'], from: FROM, to: TO },
    environment: { EXAMPLE_KEY: 'any' },
    baseUrl: (_source, host) => server.baseUrl(host),
    ...{ clock: systemClock, logger: createLogger({ level: 'silent' }), signal: new AbortController().signal },
    ...options,
  });
}

async function stored(): Promise<ContextRow[]> {
  const rows: ContextRow[] = [];
  for await (const block of streamContextValues(store)) rows.push(...block);
  return rows;
}

const monthsAsked = (): string[] =>
  server.requests.map(({ query }) => {
    return [query.get('from'), query.get('to')].map((time) => (Number(time) - FROM) / DAY).join('-');
  });

describe('context history', () => {
  test('goes on where a killed run stopped, and each vintage is there once', async () => {
    // The second month hangs: there the process is killed.
    let asked: () => void = () => undefined;
    const hanging = new Promise<void>((resolve) => (asked = resolve));
    const stalled = await serveRecorded((request) => {
      if (Number(request.query.get('to')) === TO) return rateHistory(request);
      asked();
      return 'hang';
    });
    // The one store has one owner: it is handed to the child and taken back.
    await store.close();
    const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'context.child.ts')], {
      env: { ...process.env, CONTEXT_TEST: join(folder, 'store'), BASE_URL: stalled.baseUrl('api'), RANGE: `${FROM}-${TO}` },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const ended = once(child, 'exit');
    const met = await Promise.race([hanging.then(() => 'second month'), ended.then(([code]) => `exit ${String(code)}`)]);
    child.kill('SIGKILL');
    await ended;
    await stalled.close();
    store = await openStore({ path: join(folder, 'store') });
    expect(met).toBe('second month');

    const before = (await stored()).length;
    expect(before).toBe(60);
    const report = await fetchHistory();
    expect(monthsAsked()).toEqual(['30-60', '0-30']);
    expect(report).toMatchObject({ values: 120, failures: [] });
    const rows = await stored();
    expect(rows).toHaveLength(180);
    expect(new Set(rows.map(({ series, seq }) => `${series} ${seq}`)).size).toBe(180);

    await fetchHistory();
    expect(monthsAsked()).toHaveLength(2);
  });

  test('keeps every vintage, none available before its publication, in order of availability', async () => {
    await fetchHistory();
    const rows = await stored();
    const times = rows.map(({ availableAt }) => availableAt);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    for (const { availableAt, publishedAt, observedAt } of rows) {
      expect(availableAt).toBeGreaterThanOrEqual(publishedAt);
      expect(availableAt).toBeGreaterThanOrEqual(observedAt);
    }
    const vintages = rows.filter(({ observedAt }) => observedAt === FROM + 20 * DAY);
    expect(vintages.map(({ value }) => value)).toEqual([vintages[0]!.value, vintages[0]!.value + 0.25]);
    expect(vintages[1]!.seq).toBeGreaterThan(vintages[0]!.seq);
  });

  test('an asset that is new is asked for alone', async () => {
    await fetchHistory();
    const { length } = server.requests;
    await fetchHistory({ assets: ['BTC', 'ETH'] });
    expect(server.requests.length - length).toBe(3);
    expect(await stored()).toHaveLength(180);
  });

  test('a source that fails costs its own history only, and is asked again for what is missing', async () => {
    const other = { ...example, id: 'other' };
    const failing = { ...example, id: 'failing' };
    const broken = await serveRecorded(() => json({ error: 'no' }, 400));
    const baseUrl = (source: string, host: string): string => (source === 'failing' ? broken : server).baseUrl(host);
    const report = await fetchHistory({ sources: [failing, other], baseUrl });
    await broken.close();
    expect(report).toMatchObject({ values: 180, failures: [{ source: 'failing', error: { code: 'TRB_HTTP_REFUSED' } }] });
    expect((await fetchHistory({ sources: [failing, other] })).values).toBe(180);
  });

  test('a file of it is the same again', async () => {
    const file = join(folder, 'context.csv.gz');
    const rows = await stored();
    expect(await exportContext(store, file)).toBe(rows.length);
    expect(await loadContext(file)).toEqual(rows);
  });
});

describe('rows of history', () => {
  const range = { from: FROM, to: TO };
  const rate = { series: 'rate', value: 4, observedAt: FROM + DAY };

  test('a value without a time of publication, of no declared series, or that is no number is refused', () => {
    const known = { publishedAt: FROM + 2 * DAY };
    const observations = [rate, { ...rate, ...known, series: 'else' }, { ...rate, ...known, value: NaN }, { ...rate, ...known }];
    const { rows, refused } = historyRows(example, ['BTC'], observations, range);
    expect(refused).toBe(3);
    expect(rows.map(({ availableAt }) => availableAt)).toEqual([FROM + 2 * DAY]);
  });

  test('availability is never before publication or the end of the period', () => {
    const early = { availableAt: FROM, publishedAt: FROM + 3 * DAY };
    expect(historyRows(example, [], [{ ...rate, ...early }], range).rows[0]!.availableAt).toBe(FROM + 3 * DAY);
    expect(historyRows(example, [], [{ ...rate, availableAt: FROM }], range).rows[0]!.availableAt).toBe(FROM + DAY);
  });

  test('numbers rise where values become available together; what is given twice counts once', () => {
    const at = { publishedAt: FROM + 5 * DAY };
    const monday = [1, 2, 3].map((day) => ({ ...rate, ...at, value: day, observedAt: FROM + day * DAY }));
    const { rows } = historyRows(example, [], [...monday.toReversed(), ...monday], range);
    expect(rows.map(({ value, seq }) => [value, seq - FROM - 5 * DAY])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
  });
});
