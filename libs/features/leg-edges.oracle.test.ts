/** Legs, rates and spreads where markets are not well-behaved, folded, against scripts/oracle/features_leg_edges.py. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { type GeneratedBar, generatedBars } from '../indicators/generated-bars.ts';
import { Tick } from '../wire/tributary/v1/market.ts';
import { featureSchema } from './catalogue.ts';
import { createFold, foldTick } from './fold.ts';

interface Golden {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly t: number; readonly values: readonly (number | null)[] }[];
}
const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/leg-edges.json'), 'utf8')) as Record<string, Golden>;

const START = Date.UTC(2024, 0, 1);
const MINUTE = 60_000;
const N = 500;
const LEGS = [
  { venue: 'coinbase', quote: 'USD' },
  { venue: 'kraken', quote: 'USD' },
  { venue: 'kraken', quote: 'USDT' },
];
const SHAPES = { quiet: { quiet: 0.9 }, broken: { gapEvery: 37 }, jumps: { jumpEvery: 150 } };

test.each(['flat', 'single', 'quiet', 'broken', 'jumps'] as const)('%s', (name) => {
  const { columns, rows } = golden[name]!;
  const places = columns.map((column) => featureSchema().columns.indexOf(column));
  const byTime = new Map(rows.map((row) => [row.t, row.values]));
  const state = createFold({ targets: ['coinbase:ETH-USD'] });
  const wrong: string[] = [];
  let compared = 0;
  for (const tick of market(name)) {
    foldTick(state, tick, 0, ({ t, values }) => {
      byTime.get(t)?.forEach((expected, index) => {
        const value = values[places[index]!] ?? Infinity;
        compared++;
        const isRight = expected === null ? Number.isNaN(value) : Math.abs(value - expected) <= 1e-8 + 1e-6 * Math.abs(expected);
        if (!isRight) wrong.push(`${columns[index]!} at ${(t - START) / MINUTE - 1}: ${value}, oracle ${expected}`);
      });
    });
  }
  expect(wrong).toEqual([]);
  expect(compared).toBe(rows.length * columns.length);
});

type Case = 'flat' | 'single' | keyof typeof SHAPES;

function* market(name: Case): Generator<Tick> {
  const legs = LEGS.map((_, k) => barsOf(name, k));
  for (let i = 0; i < N; i++) {
    const rate = rateOf(name, i);
    const effectiveT = START + (i + 1) * MINUTE;
    if (rate !== undefined) {
      const value = { source: 'coinbase', series: 'USDT-USD', seq: i + 1, value: rate, effectiveT };
      yield Tick.fromPartial({ event: { $case: 'reference', value } });
    }
    for (const [k, { venue, quote }] of LEGS.entries()) {
      const bar = legs[k]![i]!;
      if (bar.volume === 0) continue;
      const value = { start: START + i * MINUTE, ...bar, trades: -1 };
      const exchangeTime = effectiveT * 1000;
      yield Tick.fromPartial({
        asset: 'ETH',
        venue,
        instrument: `ETH-${quote}`,
        exchangeTime,
        event: { $case: 'candle', value },
      });
    }
    yield Tick.fromPartial({ event: { $case: 'clock', value: { t: effectiveT } } });
  }
}

/** As in the script. */
function barsOf(name: Case, k: number): readonly GeneratedBar[] {
  const none = { open: 0, high: 0, low: 0, close: 0, volume: 0 };
  if (name === 'flat')
    return Array.from({ length: N }, (_, i) => ({ open: 100, high: 100, low: 100, close: 100, volume: 1 + ((i + k) % 7) }));
  if (name === 'single')
    return Array.from({ length: N }, (_, i) => (i === 0 ? { open: 100, high: 104, low: 99, close: 100.5 + k, volume: 2 } : none));
  const bars = generatedBars({ n: N, seed: 21 + k, ...SHAPES[name] });
  return bars.map((bar, i) => {
    if (i === 0 && bar.volume === 0) return { ...bar, volume: 1 };
    return name === 'broken' && k === 0 && i >= 200 && i < 245 ? none : bar;
  });
}

function rateOf(name: Case, i: number): number | undefined {
  if (name === 'broken' && i >= 340 && i < 350) return undefined;
  const peg = name === 'flat' ? 1 : 1 + (((i * 37) % 41) - 20) / 100_000;
  return peg + (name === 'broken' && i >= 300 && i < 320 ? 0.01 : 0);
}
