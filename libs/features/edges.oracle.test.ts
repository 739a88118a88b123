/**
 * Every feature of one instrument's bars where bars are not well-behaved, against scripts/oracle/features_edges.py: a price that never moves,
 * one trade and then none, hardly any trades, gaps, prices times and over 10. The blocks are driven bar by bar, so what holds here holds for
 * each of their timeframes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { type GeneratedBar, generatedBars } from '../indicators/generated-bars.ts';
import { type Bar, type BarBlock, type MinuteBlock } from './declaration.ts';
import { oscillatorBlock, profileBlock } from './oscillators.ts';
import { amihudBlock, returnBlock, shapeBlock, volumeBlock, vwapBlock } from './price.ts';
import { bandBlock, momentumBlock, sessionBlock, trendBlock, volatilityBlock } from './technical.ts';
import { type View } from './view.ts';

interface Golden {
  readonly at: readonly number[];
  readonly close: number;
  readonly features: Readonly<Record<string, readonly (number | null)[]>>;
}
const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/edges.json'), 'utf8')) as Record<string, Golden>;

const START = Date.UTC(2024, 0, 1);
const N = 1_600;
const CASES: Readonly<Record<string, readonly GeneratedBar[]>> = {
  flat: Array.from({ length: N }, (_, i) => ({ open: 100, high: 100, low: 100, close: 100, volume: 1 + (i % 7) })),
  single: Array.from({ length: N }, (_, i) =>
    i === 0
      ? { open: 100, high: 101, low: 99, close: 100.5, volume: 2 }
      : { open: 100.5, high: 100.5, low: 100.5, close: 100.5, volume: 0 },
  ),
  quiet: generatedBars({ n: N, seed: 12, quiet: 0.9 }),
  gaps: generatedBars({ n: N, seed: 13, gapEvery: 37 }),
  jumps: generatedBars({ n: N, seed: 14, jumpEvery: 450 }),
};

const BAR_BLOCKS = [
  shapeBlock,
  volumeBlock,
  trendBlock,
  momentumBlock,
  bandBlock,
  volatilityBlock,
  sessionBlock,
  oscillatorBlock,
] as readonly BarBlock<unknown>[];
const MINUTE_BLOCKS = [returnBlock, vwapBlock, amihudBlock, profileBlock] as readonly MinuteBlock<unknown>[];

describe.each(Object.keys(CASES))('%s', (name) => {
  const { at, close, features } = golden[name]!;

  test('the bars are the script’s, and it covers every feature of the blocks', () => {
    expect(CASES[name]!.at(-1)!.close).toBe(close);
    const declared = [...BAR_BLOCKS, ...MINUTE_BLOCKS].flatMap((block) => block.features.map((feature) => feature.name));
    expect(Object.keys(features).sort()).toEqual(declared.sort());
  });

  test('values', () => {
    const series = seriesOf(CASES[name]!);
    const wrong: string[] = [];
    for (const [feature, expected] of Object.entries(features)) {
      at.forEach((bar, k) => {
        const value = series.get(feature)![bar]!;
        const wanted = expected[k] ?? null;
        const isRight =
          wanted === null ? Number.isNaN(value) : Math.abs(value - wanted) <= 1e-8 * Math.max(Math.abs(wanted), 1e-2);
        if (!isRight) wrong.push(`${feature} at ${bar}: ${value}, oracle ${wanted}`);
      });
    }
    expect(wrong).toEqual([]);
  });
});

/** By feature, its value at each bar. */
function seriesOf(bars: readonly GeneratedBar[]): ReadonlyMap<string, readonly number[]> {
  const series = new Map<string, number[]>();
  const minutes = bars.map(minuteOf);
  const out = new Float64Array(32);
  const keep = (block: BarBlock<unknown> | MinuteBlock<unknown>): void =>
    block.features.forEach(({ name }, i) => {
      const values = series.get(name);
      if (values === undefined) series.set(name, [out[i]!]);
      else values.push(out[i]!);
    });
  for (const block of BAR_BLOCKS) {
    const state = block.create('1m');
    for (const minute of minutes) {
      out.fill(NaN);
      block.write(state, minute, out, 0);
      keep(block);
      block.closed(state, minute);
    }
  }
  for (const block of MINUTE_BLOCKS) {
    const state = block.create();
    for (const minute of minutes) {
      out.fill(NaN);
      // They look at nothing but the instrument's newest minute.
      block.write(state, { instrument: { minute } } as View, out, 0);
      keep(block);
    }
  }
  return series;
}

function minuteOf({ open, high, low, close, volume }: GeneratedBar, i: number): Bar {
  const start = START + i * 60_000;
  return {
    start,
    open,
    high,
    low,
    close,
    volume,
    quoteVolume: ((high + low + close) / 3) * volume,
    trades: -1,
    empty: volume === 0,
  };
}
