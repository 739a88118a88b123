import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { COLUMNS } from '../catalogue.ts';
import { type CheckResult } from './checks.ts';
import { checkMirror } from './mirror.ts';
import { generateMarket } from './market.ts';
import { foldAll } from './lane.ts';
import { givenTooEarly, overwriteFuture, type ShiftedKind } from './overwrite.ts';
import { differences } from './parity.ts';

describe('every column of the catalogue', () => {
  // In a process of its own: Jest's module sandbox makes number crunching several times slower.
  test('knows nothing of the future, is warm when it says so, and is the same however the log is cut', async () => {
    const urlOf = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
    const script = `
      import { checkCatalogue } from ${urlOf('checks.ts')};
      import { checkFastCatalogue } from ${urlOf('fast.ts')};
      process.stdout.write(JSON.stringify([...checkCatalogue(), ...checkFastCatalogue()]));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script]);
    const results = JSON.parse(stdout) as CheckResult[];
    expect(results.map(({ name, problems }) => ({ name, problems }))).toEqual([
      { name: 'future-overwrite', problems: [] },
      { name: 'warm-up', problems: [] },
      { name: 'mirror', problems: [] },
      { name: 'parity over partitions', problems: [] },
      { name: 'parity after restore', problems: [] },
      { name: 'fast lane: future-overwrite', problems: [] },
      { name: 'fast lane: parity over partitions', problems: [] },
      { name: 'fast lane: parity after restore', problems: [] },
    ]);
  }, 900_000);
});

describe('the checks can fail', () => {
  const minute = 60_000;
  const start = Date.UTC(2024, 2, 1);
  const candles = generateMarket({ start, candleMinutes: 200, liveMinutes: 0, seed: 5 });
  const live = generateMarket({ start, candleMinutes: 2, liveMinutes: 8, seed: 6 });

  test.each([
    ['candle', candles, start + 180 * minute, minute],
    ['reference', candles, start + 180 * minute, minute],
    // Each series comes once an hour.
    ['context', candles, start + 180 * minute, 60 * minute],
    // In one second there may be none.
    ['trade', live, start + 8 * minute, minute],
    ['quote', live, start + 8 * minute, 1000],
    ['book', live, start + 8 * minute, 1000],
  ] as const)('future-overwrite sees a %s given one step too early', (kind: ShiftedKind, ticks, t, step) => {
    expect(overwriteFuture(ticks, t).leaks).toEqual([]);
    expect(overwriteFuture(givenTooEarly(ticks, kind, step), t).leaks.length).toBeGreaterThan(0);
  });

  test('mirror sees a column that turns where it should not, and one that does not where it should', () => {
    const truth = foldAll(candles);
    const names = new Set(['own_ret@1', 'own_range@1']);
    expect(checkMirror(candles, truth, names)).toEqual({ compared: names, problems: [] });
    const places = [...names].map((name) => COLUMNS.findIndex((column) => column.name === name));
    const turned = truth.map((vector) => ({
      ...vector,
      values: vector.values.map((value, place) => (places.includes(place) ? -value : value)),
    }));
    expect(checkMirror(candles, turned, names).problems).toHaveLength(2);
  });

  test('parity sees one bit', () => {
    const truth = foldAll(candles);
    const last = truth.at(-1)!;
    const column = last.values.findIndex((value) => value !== 0 && !Number.isNaN(value));
    const values = last.values.map((value, index) => (index === column ? Math.fround(value * (1 + 2 ** -23)) : value));
    expect(differences(truth, [...truth.slice(0, -1), { ...last, values }])).toHaveLength(1);
    expect(differences(truth, truth)).toEqual([]);
  });
});
