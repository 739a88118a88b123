/** Technical features, folded from candles, against what TA-Lib, pandas and numpy say of the same bars (scripts/oracle/features.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { candlesToTicks } from '../history/candle-events.ts';
import { loadCandles } from '../history/candles.ts';
import { type CandleRow } from '../history/rows.ts';
import { sharedData } from '../history/shared-data.ts';
import { generatedBars } from '../indicators/generated-bars.ts';
import { featureSchema } from './catalogue.ts';
import { columnsOf } from './declaration.ts';
import { createFold, foldTick } from './fold.ts';
import { oscillatorBlock, profileBlock } from './oscillators.ts';
import { TECHNICAL_BLOCKS } from './technical.ts';

interface Golden {
  /** Decision times, milliseconds. */
  readonly t: readonly number[];
  readonly values: Readonly<Record<string, readonly number[]>>;
}
const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/technical.json'), 'utf8')) as Record<string, Golden>;

/** Largest error by column of the vectors at golden times, relative to the value, or to 1e-5 where it is smaller. */
function compare(candles: readonly CandleRow[], target: string, { t, values }: Golden): Map<string, number> {
  const { columns } = featureSchema();
  const errors = new Map<string, number>();
  let vectors = 0;
  const state = createFold({ targets: [target] });
  let offset = 0;
  for (const tick of candlesToTicks(candles)) {
    foldTick(state, tick, offset++, (vector) => {
      const row = t.indexOf(vector.t);
      if (row === -1) return;
      vectors++;
      for (const [name, wanted] of Object.entries(values)) {
        const got = vector.values[columns.indexOf(name)] ?? NaN;
        const error = Math.abs(got - wanted[row]!) / Math.max(Math.abs(wanted[row]!), 1e-5);
        errors.set(name, Math.max(errors.get(name) ?? 0, Number.isNaN(error) ? Infinity : error));
      }
    });
  }
  expect(vectors).toBe(t.length);
  return errors;
}

/** A vector holds Float32: about 6e-8 of the value. */
const FLOAT32 = 2e-7;

function wrong(errors: ReadonlyMap<string, number>): string[] {
  return [...errors].filter(([, error]) => error > FLOAT32).map(([name, error]) => `${name}: ${error}`);
}

describe('technical features equal the oracle where bars close', () => {
  test('the oracle covers every one of them', () => {
    const declared = [...TECHNICAL_BLOCKS, oscillatorBlock, profileBlock].flatMap(columnsOf).map(({ name }) => name);
    for (const part of Object.values(golden)) expect(Object.keys(part.values).sort()).toEqual([...declared].sort());
  });

  test('generated bars, some minutes without a trade', () => {
    const start = Date.UTC(2024, 0, 1);
    const candles = generatedBars({ n: 14_400, seed: 21, quiet: 0.15, width: 0.004 })
      .map((bar, i) => ({ venue: 'coinbase', instrument: 'BTC-USD', start: start + i * 60_000, trades: -1, ...bar }))
      .filter(({ volume }) => volume > 0);
    expect(wrong(compare(candles, 'coinbase:BTC-USD', golden['generated']!))).toEqual([]);
  });

  test('recorded Coinbase candles', async () => {
    const path = sharedData('coinbase-btc-usd-1m-2025-11-23_2025-12-31.csv.gz');
    if (path === undefined) return;
    const { rows } = await loadCandles(path);
    const last = golden['coinbase']!.t.at(-1)!;
    const candles = rows.filter(({ start }) => start < last);
    expect(wrong(compare(candles, 'coinbase:BTC-USD', golden['coinbase']!))).toEqual([]);
  });
});
