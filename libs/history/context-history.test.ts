import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type Tick } from '../wire/tributary/v1/market.ts';
import { mergeContext, withContext } from './context-events.ts';
import { loadContext, writeContext } from './context-file.ts';
import { clockEvent, type ContextRow } from './events.ts';

const T = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'tributary-context-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

const row = (seq: number, availableAt: number): ContextRow => {
  return { source: 'fred', series: 'rate', seq, value: -0.25, observedAt: T, publishedAt: T, availableAt, validFor: MINUTE };
};
const clocks = [0, 1, 2, 3].map((minute) => clockEvent(T + minute * MINUTE));
const rows = [row(1, T), row(2, T + 1), row(3, T + MINUTE), row(4, T + 9 * MINUTE)];
const told = (ticks: readonly Tick[]): string =>
  ticks.map(({ event }) => (event?.$case === 'reference' ? event.value.seq : '|')).join('');

async function* blocks(): AsyncGenerator<readonly ContextRow[]> {
  yield rows.slice(0, 2);
  await Promise.resolve();
  yield [];
  yield rows.slice(2);
}

describe('context among events', () => {
  test('stands before the first clock at or after its availability; what comes later stands last', async () => {
    expect(told([...withContext(clocks, rows)])).toBe('1|23|||4');
    const merged: Tick[] = [];
    for await (const tick of mergeContext(clocks, blocks())) merged.push(tick);
    expect(merged).toEqual([...withContext(clocks, rows)]);
  });

  test('without context nothing changes', () => {
    expect([...withContext(clocks, [])]).toEqual(clocks);
  });
});

describe('a context file', () => {
  const HEADER = 'source,series,seq,value,observed_at,published_at,available_at,valid_for';
  const load = (...lines: string[]): Promise<readonly ContextRow[]> => {
    const path = join(folder, 'context.csv');
    writeFileSync(path, `${[HEADER, ...lines].join('\n')}\n`);
    return loadContext(path);
  };
  const line = (change: Record<string, unknown> = {}): string => {
    const fields = { source: 'fred', series: 'rate', seq: T, value: -0.25, observed: T, published: T, available: T, valid: 1 };
    return Object.values({ ...fields, ...change }).join(',');
  };

  test('is read in order of availability', async () => {
    const loaded = await load(line({ available: T + 5 }), line());
    expect(loaded.map(({ availableAt, seq, value }) => [availableAt - T, seq, value])).toEqual([
      [0, T, -0.25],
      [5, T, -0.25],
    ]);
  });

  test.each([
    ['no number', { value: 'n/a' }],
    ['a value that is seen before it was published', { published: T + 1 }],
    ['a value that is seen before its period is over', { observed: T + 1 }],
    ['no validity', { valid: 0 }],
    ['no source', { source: '' }],
    ['a formula', { series: '=1+1' }],
    ['no time', { available: '' }],
  ])('%s is an error that names its line', async (_name, change) => {
    await expect(load(line(), line(change))).rejects.toMatchObject({ code: 'TRB_HISTORY_FORMAT' });
    await expect(load(line(), line(change))).rejects.toThrow('line 3');
  });

  test.each(['=HYPERLINK("http://x")', '+1', '@x', '-1', 'a,b', 'a\nfred', '"'])(
    'is not written where a name is %j, which a spreadsheet or a reader would take for something else',
    async (series) => {
      const path = join(folder, 'hostile.csv.gz');
      const written = writeContext(path, Readable.from([[{ ...row(1, T), series }]]));
      await expect(written).rejects.toMatchObject({ code: 'TRB_HISTORY_FORMAT' });
      expect(existsSync(path)).toBe(false);
    },
  );
});
