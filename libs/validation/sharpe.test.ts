/** Sharpe ratios, what the paper strategy earns and how it is judged, against published figures and cases worked by hand. */
import { describe, expect, test } from '@jest/globals';
import { type CandleRow } from '../history/rows.ts';
import { HORIZON_MS } from '../market/horizon.ts';
import { createRandom } from '../models/random.ts';
import { type AccuracyRow } from './accuracy-table.ts';
import { consistencyOf, consistencyText } from './consistency.ts';
import { estimateHalfSpreadBps } from './half-spread.ts';
import { DOWN, FLAT, labelMinutes, UP, VOID } from './labels.ts';
import { assess, type Prediction } from './metrics.ts';
import { normalCdf, normalQuantile } from './normal.ts';
import { paperTable } from './paper-table.ts';
import { assessPaper, hourlyReturns, judgedTrades, paperTrades } from './paper.ts';
import { ANNUAL, deflate, deflatedSharpe, type HourlyReturns, sharpeDifference, sharpeInterval, sharpeRatio } from './sharpe.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;

test('the normal distribution as tabulated', () => {
  expect(normalCdf(0)).toBeCloseTo(0.5, 7);
  expect(normalCdf(1.959964)).toBeCloseTo(0.975, 6);
  expect(normalCdf(-3)).toBeCloseTo(0.001349898, 8);
  expect(normalQuantile(0.975)).toBeCloseTo(1.959964, 5);
  expect(normalQuantile(0.01)).toBeCloseTo(-2.326348, 5);
});

describe('the Sharpe ratio', () => {
  test('mean over standard deviation; nothing traded is 0', () => {
    expect(sharpeRatio(returns([1, 2, 3, 4]))).toBeCloseTo(2.5 / Math.sqrt(5 / 3), 12);
    expect(sharpeRatio(returns([0, 0, 0]))).toBe(0);
    expect(sharpeRatio(returns([]))).toBe(0);
  });

  test('its interval holds the truth about as often as it says', () => {
    const random = createRandom(5);
    const truth = 0.2;
    let held = 0;
    for (let trial = 0; trial < 40; trial++) {
      const { low, high } = sharpeInterval(returns(Array.from({ length: 200 }, () => truth + normal(random))), trial)!;
      held += Number(low <= truth && truth <= high);
    }
    expect(held).toBeGreaterThan(34);
    expect(sharpeInterval(returns([1, 2, 3]), 1)).toBeUndefined();
  });

  test('a difference is drawn in pairs: against itself it is nothing, against a shifted self it is narrow', () => {
    const random = createRandom(7);
    const noise = Array.from({ length: 400 }, () => normal(random));
    const [a, b] = [returns(noise.map((value) => value + 0.3)), returns(noise)];
    expect(sharpeDifference(a, a, 1)).toEqual({ low: 0, high: 0 });
    const paired = sharpeDifference(a, b, 1)!;
    const alone = sharpeInterval(a, 1)!;
    expect(paired.low).toBeGreaterThan(0.2);
    expect(paired.high - paired.low).toBeLessThan((alone.high - alone.low) / 2);
  });
});

describe('deflation', () => {
  // Bailey and López de Prado 2014, the numerical example: five years of days, 2.5 a year, variance of trials one half a year.
  const found = { ratio: 2.5 / Math.sqrt(250), n: 1_250, skewness: -3, kurtosis: 10 };

  test('as published', () => {
    const hundred = deflate(found, { count: 100, variance: 0.5 / 250 });
    expect(hundred.expectedBest).toBeCloseTo(0.1132, 4);
    expect(hundred.probability).toBeCloseTo(0.9004, 3);
    expect(deflate(found, { count: 46, variance: 0.5 / 250 }).probability).toBeCloseTo(0.9505, 3);
    expect(deflate({ ...found, skewness: 0, kurtosis: 3 }, { count: 88, variance: 0.5 / 250 }).probability).toBeCloseTo(
      0.9505,
      3,
    );
  });

  test('the best of many tries without skill is no find', () => {
    const random = createRandom(3);
    const tries = Array.from({ length: 200 }, () => returns(Array.from({ length: 300 }, () => normal(random))));
    const best = tries.toSorted((a, b) => sharpeRatio(b) - sharpeRatio(a))[0]!;
    expect(deflatedSharpe(best, { count: 1, variance: undefined }).probability).toBeGreaterThan(0.98);
    expect(deflatedSharpe(best, { count: 200, variance: undefined }).probability).toBeLessThan(0.8);
  });
});

describe('the paper strategy', () => {
  const p = (minute: number, signal: number, y: number): Prediction => ({ t: minute * MINUTE, probabilityUp: 0.7, signal, y });
  const moves = new Map([0, 1, 2, 3, 130].map((minute, i) => [minute * MINUTE, [0.001, -0.002, 0, Number.NaN, 0.003][i]!]));
  const predictions = [p(0, 1, UP), p(1, 1, DOWN), p(2, -1, FLAT), p(3, 1, VOID), p(60, 0, UP), p(130, -1, UP)];
  const trades = judgedTrades(predictions, moves, { takerFeeBps: 2, halfSpreadBps: 0.5 });

  test('earns the move in the direction said less the costs; flats cost, nothing is traded where nobody traded', () => {
    expect(trades.map(({ t, gross, net }) => [t / MINUTE, gross, net])).toEqual([
      [0, 10, 5],
      [1, -20, -25],
      [2, expect.closeTo(0), -5],
      [130, -30, -35],
    ]);
  });

  test('earns over candles, holes among them, what the labels say of each decision, to the last bit', () => {
    const random = createRandom(4);
    const length = 3_000;
    const prices = { open: new Float64Array(length), close: new Float64Array(length) };
    let price = 100;
    for (let minute = 0; minute < length; minute++) {
      const isTraded = random.next() > 0.3;
      prices.open[minute] = isTraded ? (price *= Math.exp(0.001 * normal(random))) : Number.NaN;
      prices.close[minute] = isTraded ? (price *= Math.exp(0.001 * normal(random))) : Number.NaN;
    }
    const candles = { venue: 'kraken', instrument: 'BTC-USD', from: 1_000 * MINUTE, ...prices };
    for (const horizon of ['1m', '5m', '15m'] as const) {
      const { y, logReturn } = labelMinutes(candles, 'entry', HORIZON_MS[horizon], candles.from, length);
      const said = Array.from(y, (truth, i) => p(1_000 + i, Math.floor(random.next() * 3) - 1, truth));
      const returns = new Map(Array.from(logReturn, (move, i) => [candles.from + i * MINUTE, move]));
      const costs = { takerFeeBps: 40, halfSpreadBps: 1.7 };
      const judged = judgedTrades(said, returns, costs);
      expect(judged.length).toBeGreaterThan(1_000);
      expect(paperTrades(said, candles, horizon, costs)).toEqual(judged);
    }
  });

  test('by the hour, idle hours too', () => {
    expect([...hourlyReturns(trades, 'gross', 0, 3 * HOUR).values]).toEqual([-10, 0, -30]);
    expect([...hourlyReturns(trades, 'net', 0, 3 * HOUR).values]).toEqual([-25, 0, -35]);
  });

  test('is judged before costs and after, beside the incumbent', () => {
    const trials = { gross: { count: 1, variance: undefined }, net: { count: 9, variance: 0.04 } };
    const judged = assessPaper(trades, { from: 0, to: 24 * HOUR, seed: 1, incumbent: [], trials });
    expect(judged).toMatchObject({ trades: 4, hours: 24, gross_bps: -10, net_bps: -15 });
    expect(judged.gross.sharpe).toBeCloseTo(sharpeRatio(hourlyReturns(trades, 'gross', 0, 24 * HOUR)) * ANNUAL, 9);
    // An incumbent that never trades has a ratio of 0.
    expect(judged.net.above_incumbent?.difference).toBeCloseTo(judged.net.sharpe, 9);
    expect(judged.gross.deflated.expected_best).toBe(0);
    expect(judged.net.deflated.expected_best).toBeGreaterThan(0);
    const row = { symbol: 'BTC-USD', venue: 'kraken', horizon: '1m', target: 'entry' };
    const idle = assessPaper([], { from: 0, to: 24 * HOUR, seed: 1, trials });
    const lines = paperTable([
      { ...row, paper: judged },
      { ...row, paper: idle },
    ]).split('\n');
    expect(lines[2]).toMatch(/^BTC-USD +kraken +1m +entry +4 +-10\.0 +-15\.0 +-\d+\.\d \[/);
    expect(lines[3]).toMatch(/^BTC-USD +kraken +1m +entry +0 +- +-/);
  });
});

test('half the spread is found in trades that bounce between bid and ask', () => {
  const random = createRandom(9);
  const half = 0.0008;
  let mid = 0;
  const candles = Array.from({ length: 3_000 }, (_, minute): CandleRow => {
    const prices = Array.from({ length: 40 }, () => {
      mid += 0.00005 * normal(random);
      return 100 * Math.exp(mid + (random.next() < 0.5 ? half : -half));
    });
    const [open, close] = [prices[0]!, prices.at(-1)!];
    const [high, low] = [Math.max(...prices), Math.min(...prices)];
    return { venue: 'kraken', instrument: 'ADA-USD', start: minute * MINUTE, open, high, low, close, volume: 1, trades: 40 };
  });
  expect(Math.abs(estimateHalfSpreadBps(candles) - 8)).toBeLessThan(1);
  expect(estimateHalfSpreadBps(candles.filter((_, i) => i % 2 === 0))).toBe(0);
  expect(estimateHalfSpreadBps(candles.map((candle) => ({ ...candle, volume: 0 })))).toBe(0);
});

test('the worst head and the best, and how much chance would part them', () => {
  const row = (symbol: string, right: number): AccuracyRow => ({
    ...{ symbol, venue: 'kraken', horizon: '1m', target: 'entry' },
    ...assess(
      Array.from({ length: 1_000 }, (_, i) => ({
        t: i * 10 * MINUTE,
        probabilityUp: 0.6,
        signal: 0,
        y: (i * 7) % 10 < right ? UP : DOWN,
      })),
      1,
      MINUTE,
    ),
  });
  const [found, ...others] = consistencyOf([row('BTC-USD', 7), row('ADA-USD', 5), row('ETH-USD', 6)]);
  expect(others).toEqual([]);
  expect(found).toMatchObject({
    heads: 3,
    worst: { symbol: 'ADA-USD', accuracy: 0.5 },
    best: { symbol: 'BTC-USD', accuracy: 0.7 },
  });
  expect(found!.deviation).toBeCloseTo(0.1, 9);
  expect(found!.deviation_by_chance).toBeLessThan(0.02);
  expect(consistencyText([found!])).toContain('worst ADA-USD on kraken 0.500, best BTC-USD on kraken 0.700; deviation 0.100');
  expect(consistencyOf([row('BTC-USD', 7)])).toEqual([]);
});

function returns(values: readonly number[]): HourlyReturns {
  return { from: 0, values: Float64Array.from(values) };
}

function normal(random: { next(): number }): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
