import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { featureSchema } from '#libs/features/catalogue.ts';
import { foldCandles } from './history.ts';

const T = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'tributary-training-context-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('training sees a context value from its availability on, and a revision from its own', async () => {
  const context = join(folder, 'context.csv');
  const line = (seq: number, value: number, minute: number): string =>
    `alternative-me,fear_greed,${seq},${value},${T - MINUTE},${T - MINUTE},${T + minute * MINUTE},86400000`;
  const header = 'source,series,seq,value,observed_at,published_at,available_at,valid_for';
  writeFileSync(context, `${[header, line(1, 25, 30), line(2, 75, 60)].join('\n')}\n`);
  const rows = Array.from({ length: 90 }, (_, i) => {
    const bar = { open: 100, high: 101, low: 99, close: 100 + (i % 2), volume: 1, trades: 1 };
    return { venue: 'kraken', instrument: 'BTC-USD', start: T + i * MINUTE, ...bar };
  });
  const column = featureSchema().columns.findIndex((name) => name.startsWith('fear_greed@'));
  expect(column).toBeGreaterThanOrEqual(0);
  const seen = async (file?: string): Promise<(number | undefined)[]> => {
    const [table] = (await foldCandles(rows, { context: file })).tables;
    return Array.from(table!.t, (_, row) => table!.values[row * table!.columns.length + column]);
  };
  const values = await seen(context);
  const before = values.slice(0, 29);
  expect(before.every(Number.isNaN)).toBe(true);
  const [first, revised] = [values.slice(29, 59), values.slice(59)];
  expect([...new Set(first)]).toEqual([-0.5]);
  expect([...new Set(revised)]).toEqual([0.5]);
  expect((await seen()).every(Number.isNaN)).toBe(true);
});
