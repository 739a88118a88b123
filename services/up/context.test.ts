import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { insertCandles } from '#libs/store/candles.ts';
import { insertContextValues } from '#libs/store/context-values.ts';
import { migrate } from '#libs/store/migrate.ts';
import { openStore } from '#libs/store/open.ts';
import { type Store } from '#libs/store/port.ts';
import { storedTicks } from './live-source.ts';

const T = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const DAY = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'tributary-up-context-'));
let store: Store;

beforeAll(async () => {
  store = await openStore({ path: join(folder, 'store') });
  await migrate(store);
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

test('the archive is folded with its context values at their availability, back to what features still look at', async () => {
  const bar = { venue: 'kraken', instrument: 'ADA-USD', open: 1, high: 1, low: 1, close: 1, volume: 1, trades: 1 };
  const candles = [0, 1, 2].map((minute) => ({ ...bar, start: T + minute * MINUTE }));
  await insertCandles(store, 'kraken', 'ADA-USD', { from: T, to: T + 3 * MINUTE }, candles, 'file');
  const value = { source: 'fred', series: 'rate', value: 4, observedAt: T - 50 * DAY, publishedAt: T - 50 * DAY, validFor: DAY };
  const times = [T - 46 * DAY, T - 40 * DAY, T + 2 * MINUTE, T + 2 * MINUTE + 1, T + 9 * MINUTE];
  const rows = times.map((availableAt) => ({ ...value, seq: availableAt, availableAt }));
  await insertContextValues(store, 'fred', ['ADA'], { from: T - 50 * DAY, to: T + DAY }, rows);
  const told: string[] = [];
  for await (const { event } of storedTicks(store)) {
    if (event?.$case === 'reference') told.push(`value ${(event.value.seq - T) / MINUTE}`);
    else if (event?.$case === 'clock') told.push(`clock ${(event.value.t - T) / MINUTE}`);
  }
  expect(told).toEqual([`value ${-40 * 1440}`, 'clock 1', 'value 2', 'clock 2', `value ${2 + 1 / MINUTE}`, 'clock 3', 'value 9']);
});
