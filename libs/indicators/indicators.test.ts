import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { type AnyIndicator, EVERY_INDICATOR } from './every-indicator.ts';
import { CASES, createUniform, type GeneratedBar, generatedBars } from './generated-bars.ts';
import {
  createRollingCovariance,
  peekRollingBeta,
  peekRollingCorrelation,
  peekRollingCovariance,
  pushRollingCovariance,
} from './rolling-covariance.ts';
import { createRollingExtreme, peekExtremeAge, peekRollingExtreme, pushRollingExtreme } from './rolling-extreme.ts';
import { createRollingMoments, peekRollingMean, peekRollingSd, pushRollingMoments } from './rolling-moments.ts';
import { createRollingSum, peekRollingSum, pushRollingSum } from './rolling-sum.ts';
import { createSessionVwap, peekSessionVwap, pushSessionVwap } from './session-vwap.ts';

interface Golden {
  readonly close: number;
  readonly at: readonly number[];
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
}
const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/indicators.json'), 'utf8')) as Record<string, Golden>;

/** By output, the value at each bar. */
function seriesOf(indicator: AnyIndicator, bars: readonly GeneratedBar[]): Record<string, number[]> {
  const state = indicator.create();
  const out = new Float64Array(indicator.outputs.length);
  const series: number[][] = indicator.outputs.map(() => []);
  for (const bar of bars) {
    indicator.peek(state, bar, out);
    out.forEach((value, k) => series[k]!.push(value));
    indicator.push(state, bar);
  }
  return Object.fromEntries(indicator.outputs.map((name, k) => [name, series[k]!]));
}

/** Largest distance from the golden values, relative to them, or to `unit` where they are smaller. */
function worst(values: readonly number[], { at, values: all }: Golden, name: string, unit: number): number {
  let error = 0;
  let compared = 0;
  all[name]!.forEach((wanted, k) => {
    if (wanted === null) return;
    compared++;
    error = Math.max(error, Math.abs(values[at[k]!]! - wanted) / Math.max(Math.abs(wanted), unit));
    if (Number.isNaN(values[at[k]!])) error = Infinity;
  });
  return compared === 0 ? NaN : error;
}

/** What outputs that cross zero are measured against, so that the rounding of prices in the oracle does not show: a price, or 1 % of the index. */
function unitOf(output: string, price: number): number {
  if (output.startsWith('macd')) return price;
  return output === 'cci_20' ? 10 : 1e-6;
}

/** What TA-Lib, pandas leave undefined (0 / 0) where nothing moves or nothing is traded. */
const UNDEFINED_WHEN_FLAT = ['keltner_pos_20', 'donchian_pos_20', 'z_20', 'bb_pctb_20_2', 'obv_slope_20'];

describe.each(Object.keys(CASES))('against TA-Lib, pandas and numpy: %s', (name) => {
  const bars = generatedBars(CASES[name]!);
  const expected = golden[name]!;

  test('the generated bars are the script’s', () => {
    expect(bars.at(-1)!.close).toBe(expected.close);
  });

  test.each(EVERY_INDICATOR.flatMap((indicator) => indicator.outputs.map((output) => [output, indicator] as const)))(
    '%s',
    (output, indicator) => {
      const error = worst(seriesOf(indicator, bars)[output]!, expected, output, unitOf(output, bars[0]!.close));
      if (name === 'flat' && UNDEFINED_WHEN_FLAT.includes(output)) expect(error).toBeNaN();
      else expect(error).toBeLessThan(1e-9);
    },
  );

  test('covariance, beta, correlation', () => {
    const state = createRollingCovariance(30);
    const got: Record<string, number[]> = { cov_30: [NaN], beta_30: [NaN], corr_30: [NaN] };
    for (let i = 1; i < bars.length; i++) {
      const y = Math.log(bars[i]!.close / bars[i - 1]!.close);
      const x = Math.sin(i) * 0.01 + y;
      got['cov_30']!.push(peekRollingCovariance(state, x, y));
      got['beta_30']!.push(peekRollingBeta(state, x, y));
      got['corr_30']!.push(peekRollingCorrelation(state, x, y));
      pushRollingCovariance(state, x, y);
    }
    const scale = { cov_30: 1e-4, beta_30: 1, corr_30: 1 };
    for (const [output, unit] of Object.entries(scale)) {
      const error = worst(got[output]!, expected, output, unit);
      // Pandas keeps no digits of tiny variances after a jump, and says nothing of the correlation with a constant.
      if (!(name === 'flat' && output === 'corr_30')) expect(error).toBeLessThan(name === 'jumps' ? 1e-8 : 1e-9);
    }
  });
});

describe.each(EVERY_INDICATOR.map((indicator) => [indicator.outputs.join(', '), indicator] as const))(
  '%s',
  (_name, indicator) => {
    const bars = generatedBars({ n: 900, seed: 11, quiet: 0.2, gapEvery: 90, jumpEvery: 400 });
    const out = new Float64Array(indicator.outputs.length);
    const again = new Float64Array(indicator.outputs.length);

    test('looking changes nothing, and a copy of the state goes on as the state does', () => {
      const state = indicator.create();
      bars.forEach((bar, i) => {
        const wild = { high: bar.high * 3, low: bar.low / 3, close: bar.close * 2, volume: 1e6 };
        const before = structuredClone(state);
        indicator.peek(state, wild, out);
        indicator.peek(state, bar, out);
        if (i % 50 === 0) expect(state).toEqual(before);
        indicator.peek(before, bar, again);
        again.forEach((value, k) => {
          if (!Object.is(value, out[k])) throw new Error(`${indicator.outputs[k]} differs at bar ${i}`);
        });
        indicator.push(state, bar);
      });
    });

    test('values are finite whatever the bars, once there is a first', () => {
      const dull = { high: 100, low: 100, close: 100, volume: 0 };
      for (const series of [
        generatedBars({ n: 300, width: 0 }),
        [...bars.slice(0, 300), ...Array.from({ length: 300 }, () => dull)],
      ]) {
        const state = indicator.create();
        const isDefined = indicator.outputs.map(() => false);
        for (const bar of series) {
          indicator.peek(state, bar, out);
          out.forEach((value, k) => {
            if (Number.isFinite(value)) isDefined[k] = true;
            else if (isDefined[k] || !Number.isNaN(value)) throw new Error(`${indicator.outputs[k]} is ${value}`);
          });
          indicator.push(state, bar);
        }
        expect(isDefined).not.toContain(false);
      }
    });

    test('a cold start ends where a long history ends', () => {
      const long = indicator.create();
      const cold = indicator.create();
      bars.forEach((bar, i) => {
        indicator.push(long, bar);
        if (i >= 500) indicator.push(cold, bar);
      });
      const bar = bars[7]!;
      const scaled = { ...bar, high: bars[899]!.close * 1.01, low: bars[899]!.close * 0.99, close: bars[899]!.close };
      indicator.peek(long, scaled, out);
      indicator.peek(cold, scaled, again);
      out.forEach((value, k) => expect(again[k]).toBeCloseTo(value, 6));
    });
  },
);

test('what flat windows give', () => {
  const bars = generatedBars({ n: 120, width: 0 });
  const last: Record<string, number> = {};
  for (const indicator of EVERY_INDICATOR) {
    for (const [output, values] of Object.entries(seriesOf(indicator, bars))) last[output] = values.at(-1)!;
  }
  expect(last).toMatchObject({
    rsi_14: 0,
    mfi_14: 0,
    stoch_k_14_3: 0,
    williams_r_14: 0,
    cci_20: 0,
    bb_pctb_20_2: 0.5,
    bb_width_20_2: 0,
    donchian_pos_20: 0.5,
    keltner_pos_20: 0,
    obv_slope_20: 0,
    aroon_osc_25: 0,
    adx_14: 0,
    z_20: 0,
  });
});

describe('over a million values', () => {
  const n = 20;
  const uniform = createUniform(5);
  const values = Float64Array.from({ length: 1_000_000 }, (_, i) => 1e6 + uniform() * 1e-2 + (i % 5000 === 0 ? 1e9 : 0));

  test('sum, mean and deviation keep their digits', () => {
    const sum = createRollingSum(n);
    const moments = createRollingMoments(n);
    for (let i = 0; i < values.length - 1; i++) {
      pushRollingSum(sum, values[i]! - 1e6);
      pushRollingMoments(moments, values[i]!);
    }
    const window = values.slice(-n).map((value) => value - 1e6);
    const value = values.at(-1)!;
    const total = window.reduce((a, b) => a + b, 0);
    const sd = Math.sqrt(window.reduce((a, b) => a + (b - total / n) ** 2, 0) / n);
    expect(Math.abs(peekRollingSum(sum, value - 1e6) / total - 1)).toBeLessThan(1e-9);
    expect(Math.abs(peekRollingMean(moments, value) - 1e6 - total / n)).toBeLessThan(1e-9);
    expect(Math.abs(peekRollingSd(moments, value) / sd - 1)).toBeLessThan(1e-6);
  });

  test('extremes equal a search of the window, ties included', () => {
    const highest = createRollingExtreme(n, 'highest');
    const lowest = createRollingExtreme(n, 'lowest');
    const coarse = Array.from({ length: 20_000 }, () => Math.floor(uniform() * 12));
    coarse.forEach((value, i) => {
      if (i >= n - 1) {
        const window = coarse.slice(i - n + 1, i + 1);
        const max = Math.max(...window);
        const min = Math.min(...window);
        const found = [peekRollingExtreme(highest, value), peekRollingExtreme(lowest, value), peekExtremeAge(highest, value)];
        if (found.join() !== [max, min, n - 1 - window.lastIndexOf(max)].join()) throw new Error(`wrong at ${i}`);
      } else expect(peekRollingExtreme(highest, value)).toBeNaN();
      pushRollingExtreme(highest, value);
      pushRollingExtreme(lowest, value);
    });
  });
});

test('the session’s average price starts anew at midnight UTC', () => {
  const midnight = Date.UTC(2024, 0, 2);
  const state = createSessionVwap();
  pushSessionVwap(state, midnight - 120_000, 300, 3);
  expect(peekSessionVwap(state, midnight - 60_000, 150, 1)).toBeNaN();
  expect(peekSessionVwap(state, midnight, 0, 0)).toBeNaN();
  expect(peekSessionVwap(state, midnight, 90, 1)).toBe(90);
  pushSessionVwap(state, midnight, 300, 3);
  expect(peekSessionVwap(state, midnight + 60_000, 150, 1)).toBe(112.5);
});
