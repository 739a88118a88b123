/** Labels, splits, intervals and metrics against cases worked by hand. */
import { describe, expect, test } from '@jest/globals';
import { type CandleRow } from '../history/rows.ts';
import { createRandom } from '../models/random.ts';
import { accuracyTable } from './accuracy-table.ts';
import { blockBootstrap, blocksOf, effectiveTrials, wilson } from './intervals.ts';
import { DOWN, FLAT, labelMinutes, minuteSeries, UP, VOID } from './labels.ts';
import { assess, type Prediction } from './metrics.ts';
import { combinations, innerFolds, isApart, isTrained, walkForward } from './splits.ts';

const MINUTE = 60_000;

function candle(minute: number, open: number, close: number): CandleRow {
  const [high, low] = [Math.max(open, close), Math.min(open, close)];
  return { venue: 'kraken', instrument: 'BTC-USD', start: minute * MINUTE, open, high, low, close, volume: 1, trades: 1 };
}

describe('labels', () => {
  // Minute 2 had no trade.
  const [series] = minuteSeries([candle(0, 100, 101), candle(1, 103, 102), candle(3, 102, 104), candle(4, 105, 104)]);

  test('entry: the last trade within the horizon against the first at or after t', () => {
    const { y, logReturn } = labelMinutes(series!, 'entry', MINUTE, 0, 6);
    expect([...y]).toEqual([UP, DOWN, VOID, UP, DOWN, VOID]);
    expect(logReturn[1]).toBeCloseTo(Math.log(102 / 103), 12);
    expect(logReturn[2]).toBeNaN();
  });

  test('close: against the last trade before t', () => {
    expect([...labelMinutes(series!, 'close', MINUTE, 0, 6).y]).toEqual([VOID, UP, VOID, UP, FLAT, VOID]);
  });

  test('over more than a minute, and from the middle', () => {
    expect([...labelMinutes(series!, 'entry', 2 * MINUTE, MINUTE, 3).y]).toEqual([DOWN, UP, UP]);
    expect([...labelMinutes(series!, 'close', 3 * MINUTE, 2 * MINUTE, 2).y]).toEqual([UP, UP]);
  });
});

describe('splits', () => {
  test('walk forward without holes; the last fold ends with the data', () => {
    expect(walkForward(0, 100, 250, 100)).toEqual([
      { from: 0, trainTo: 100, testFrom: 100, testTo: 200 },
      { from: 0, trainTo: 200, testFrom: 200, testTo: 250 },
    ]);
  });

  test('a label that is not known when the test begins is purged', () => {
    const fold = { from: 0, trainTo: 10 * MINUTE, testFrom: 10 * MINUTE, testTo: 20 * MINUTE };
    expect(isTrained(fold, 5 * MINUTE, 5 * MINUTE)).toBe(true);
    expect(isTrained(fold, 6 * MINUTE, 5 * MINUTE)).toBe(false);
  });

  test('inner folds cover the later part of the window on whole minutes', () => {
    const folds = innerFolds(0, 1_001 * MINUTE, 0.55, 2);
    expect(folds.map(({ testFrom, testTo }) => [testFrom / MINUTE, testTo / MINUTE])).toEqual([
      [551, 776],
      [776, 1_001],
    ]);
  });
});

describe('combinatorial splits', () => {
  const shapes = [
    [6, 2],
    [6, 1],
    [5, 3],
    [10, 2],
  ] as const;

  test.each(shapes)('%i groups, %i tested: each choice once, each group in every path once', (groups, testGroups) => {
    const found = combinations({ from: 0, end: 1_000 * MINUTE, groups, testGroups, embargo: 0 });
    const ways = (n: number, k: number): number => (k === 0 ? 1 : (ways(n - 1, k - 1) * n) / k);
    expect(found.splits).toHaveLength(ways(groups, testGroups));
    expect(new Set(found.splits.map(String)).size).toBe(found.splits.length);
    // López de Prado 2018, 12.3: k / N of the splits is the number of paths.
    expect(found.paths).toHaveLength((ways(groups, testGroups) * testGroups) / groups);
    for (const path of found.paths) path.forEach((split, group) => expect(found.splits[split]).toContain(group));
    const used = found.paths.flatMap((path) => path.map((split, group) => `${split} ${group}`));
    expect(new Set(used).size).toBe(found.splits.length * testGroups);
    expect(found.groups.map(({ from }) => from)).toEqual([0, ...found.groups.slice(0, -1).map(({ to }) => to)]);
    expect(found.groups.at(-1)!.to).toBe(1_000 * MINUTE);
    expect(found.groups.every(({ from }) => from % MINUTE === 0)).toBe(true);
  });

  test('no training label reaches into a tested one or its embargo, and no row is left out without need', () => {
    const random = createRandom(8);
    for (let trial = 0; trial < 40; trial++) {
      const upTo = (n: number): number => Math.floor(random.next() * n);
      const groups = 3 + upTo(6);
      const [embargo, horizon] = [upTo(90) * MINUTE, (1 + upTo(15)) * MINUTE];
      const end = (600 + upTo(600)) * MINUTE;
      const plan = combinations({ from: 0, end, groups, testGroups: 1 + upTo(groups - 2), embargo });
      const tested = plan.splits[upTo(plan.splits.length)]!.map((group) => plan.groups[group]!);
      let [trained, closest] = [0, Infinity];
      for (let t = 0; t < end; t += MINUTE) {
        if (!isApart(tested, t, horizon, embargo)) continue;
        trained++;
        // The label of t is made of what happens in [t, t + horizon), those of a test of [from, last + horizon).
        for (const { from, to } of tested) {
          const gap = from > t ? from - (t + horizon) : t - (to - MINUTE + horizon);
          if (gap < closest) closest = gap;
        }
      }
      expect(closest).toBeGreaterThanOrEqual(embargo);
      const lost = tested.reduce((sum, { from, to }) => sum + to - from + 2 * (horizon + embargo), 0) / MINUTE;
      expect(trained).toBeGreaterThanOrEqual(end / MINUTE - lost);
    }
  });
});

describe('intervals', () => {
  test('Wilson, as published: 5 of 10', () => {
    const { low, high } = wilson(0.5, 10);
    expect(low).toBeCloseTo(0.2366, 4);
    expect(high).toBeCloseTo(0.7634, 4);
    expect(wilson(1, 10).high).toBeCloseTo(1, 12);
    expect(wilson(0.7, 0)).toEqual({ low: 0, high: 1 });
  });

  test('hits that come in runs count as fewer trials', () => {
    const times = Float64Array.from({ length: 1_000 }, (_, i) => i);
    const alternating = blocksOf(
      times,
      times.map((i) => i % 2),
      10,
    );
    const runs = blocksOf(
      times,
      times.map((i) => Math.floor(i / 10) % 2),
      10,
    );
    expect(alternating).toHaveLength(100);
    expect(effectiveTrials(alternating)).toBe(1_000);
    expect(effectiveTrials(runs)).toBeCloseTo(99, 0); // one trial a block
    expect(blockBootstrap(alternating, 1)).toEqual({ low: 0.5, high: 0.5 });
    const wide = blockBootstrap(runs, 1)!;
    expect(wide.low).toBeCloseTo(0.4, 1);
    expect(wide.high).toBeCloseTo(0.6, 1);
    expect(blockBootstrap(runs, 1)).toEqual(wide);
  });
});

describe('metrics', () => {
  const p = (probabilityUp: number, y: number, signal = 0): Prediction => ({ t: 0, probabilityUp, signal, y });
  const assessed = assess(
    [p(0.9, UP, 1), p(0.2, UP, -1), p(0.6, UP), p(0.5, DOWN), p(0.8, FLAT, 1), p(0.7, VOID, 1), p(0.55, DOWN)].map((one, i) => ({
      ...one,
      t: i * MINUTE,
    })),
    1,
    2 * MINUTE,
  );

  test('accuracy is of moves, most confident first', () => {
    // By confidence: 0.9 right, 0.2 wrong, 0.6 right, 0.55 wrong, 0.5 (down) right.
    expect(assessed).toMatchObject({ n: 5, flat_share: 1 / 6, void: 1, majority: 0.6, accuracy: 0.6 });
    // Moves at minutes 0, 1, 2, 3 and 6, each two minutes long: 0, 2 and 6.
    expect(assessed.non_overlapping_n).toBe(3);
    expect(assessed.at_coverage.map(({ n, accuracy }) => [n, accuracy])).toEqual([
      [5, 0.6],
      [2, 0.5],
      [1, 1],
      [0, null],
    ]);
    // Said up: 0.9 and 0.6 right, 0.55 wrong; said down: 0.5 right, 0.2 wrong.
    expect(assessed.mcc).toBeCloseTo((2 * 1 - 1 * 1) / Math.sqrt(3 * 3 * 2 * 2), 12);
    expect(assessed.brier).toBeCloseTo((0.01 + 0.64 + 0.16 + 0.25 + 0.3025) / 5, 12);
    // Bins of a tenth: 0.2 up, 0.5 and 0.55 both down, 0.6 up, 0.9 up.
    expect(assessed.ece).toBeCloseTo((0.8 + 1.05 + 0.4 + 0.1) / 5, 12);
  });

  test('emitted signals count flats and voids apart, and as misses', () => {
    expect(assessed.emitted).toMatchObject({
      count: 4,
      moves: 2,
      flat: 1,
      void: 1,
      right: 1,
      accuracy: 0.5,
      accuracy_with_flats: 0.25,
    });
  });

  test('each accuracy has both intervals, and so has the coverage at 0.68', () => {
    const random = createRandom(4);
    const rows = Array.from({ length: 6_000 }, (_, i) => {
      const probabilityUp = random.next();
      return { t: i * MINUTE, probabilityUp, signal: probabilityUp > 0.7 ? 1 : 0, y: random.next() < probabilityUp ? UP : DOWN };
    });
    const found = assess(rows, 1, MINUTE);
    for (const { accuracy, wilson: range, bootstrap } of [found, ...found.at_coverage, found.emitted]) {
      // Independent trials: both say the same, roughly.
      expect(Math.abs(range![0] - bootstrap![0])).toBeLessThan(0.02);
      expect(bootstrap![0]).toBeLessThan(accuracy!);
      expect(bootstrap![1]).toBeGreaterThan(accuracy!);
    }
    const [low, high] = found.coverage_at_68_range!;
    expect(low).toBeLessThanOrEqual(found.coverage_at_68);
    expect(high).toBeGreaterThanOrEqual(found.coverage_at_68);
    expect(high - low).toBeLessThan(0.4);
  });

  test('coverage at 0.68 is the largest that holds on more than 200 moves', () => {
    const rows = Array.from({ length: 1_000 }, (_, i) => ({
      t: i * MINUTE,
      probabilityUp: 0.99 - i * 0.0004,
      signal: 0,
      y: i < 340 || i % 2 === 0 ? UP : DOWN,
    }));
    // 340 right, then every other one: (340 + (k - 340) / 2) / k = 0.68 at k = 944.
    expect(assess(rows, 1, MINUTE).coverage_at_68).toBeCloseTo(0.944, 2);
    expect(assess(rows.slice(0, 150), 1, MINUTE).coverage_at_68).toBe(0);
  });

  test('nothing to judge is null, not a number', () => {
    expect(assess([p(0.5, VOID)], 1, MINUTE)).toMatchObject({
      n: 0,
      flat_share: null,
      accuracy: null,
      majority: null,
      mcc: null,
      brier: null,
      ece: null,
      void: 1,
    });
  });

  test('the table is aligned and shows what is missing', () => {
    const table = accuracyTable({
      results: [
        { symbol: 'BTC-USD', venue: 'kraken', horizon: '1m', target: 'entry', ...assessed },
        { symbol: 'ETH-USD', venue: 'coinbase', horizon: '15m', target: 'close', ...assess([], 1, MINUTE) },
      ],
    });
    const lines = table.split('\n');
    expect(lines).toHaveLength(4);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    // All within one block: nothing is known of how sure it is.
    expect(lines[2]).toMatch(/^BTC-USD +kraken +1m +entry +5 +16\.7 % +1 +0\.600 +0\.600 \[-\]/);
    expect(lines[3]).toContain(' - [-] ');
  });
});
