/**
 * On recorded candles, every venue and both targets: what a fold decides is the same, bit for bit, whether the time after it is there, is missing or is
 * garbage. A leak from the future, anywhere from the features to the thresholds, would change a hash.
 */
import { describe, expect, test } from '@jest/globals';
import { loadCandles } from '#libs/history/candles.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { sharedData } from '#libs/history/shared-data.ts';
import { createRandom } from '#libs/models/random.ts';
import { runBacktest } from '#services/backtest/backtest.ts';
import { parseBacktestOptions } from '#services/backtest/options.ts';

const PATIENCE = 1_800_000;
const FILE = sharedData('btc-1m-4venues-2023-03-01_2023-03-14.csv.gz');
const START = Date.parse('2023-03-01T00:00:00Z');
/** The end of the first fold. The test week of the reports is not touched. */
const CUT = Date.parse('2023-03-05T00:00:00Z');
const END = Date.parse('2023-03-06T00:00:00Z');

describe('a fold knows nothing of what comes after it', () => {
  if (FILE === undefined) {
    test.skip('recorded candles are absent: set TRIBUTARY_DATA', () => undefined);
    return;
  }
  test(
    'neither missing nor overwritten',
    async () => {
      const { rows } = await loadCandles(FILE);
      const candles = rows.filter(({ start }) => start >= START && start < END);
      const whole = await foldsOf(candles);
      const cut = await foldsOf(candles.filter(({ start }) => start < CUT));
      const garbage = await foldsOf(garbled(candles));
      const firsts = whole.map(([first]) => first);
      expect(firsts).toHaveLength(8);
      expect(new Set(firsts).size).toBe(8);
      expect(whole.map((folds) => folds.length)).toEqual(firsts.map(() => 2));
      expect(cut).toEqual(firsts.map((first) => [first]));
      expect(garbage.map(([first]) => first)).toEqual(firsts);
      for (const [i, [, second]] of garbage.entries()) expect(second).not.toBe(whole[i]![1]);
    },
    PATIENCE,
  );
});

async function foldsOf(candles: readonly CandleRow[]): Promise<string[][]> {
  const options = parseBacktestOptions({
    history: 'recorded.csv',
    trainUntil: '2023-03-04T00:00:00Z',
    retrainEvery: '1d',
    horizons: '1m',
    quick: true,
    workers: 2,
  });
  const { results } = await runBacktest(options, { candles });
  return results.map(({ folds }) => folds.map(({ sha256 }) => sha256));
}

/** From the cut on, prices and volumes of another world. */
function garbled(candles: readonly CandleRow[]): CandleRow[] {
  const random = createRandom(6);
  return candles.map((candle) => {
    if (candle.start < CUT) return candle;
    const [open, close] = [candle.open * (0.5 + random.next()), candle.close * (0.5 + random.next())];
    return { ...candle, open, close, high: Math.max(open, close), low: Math.min(open, close), volume: 1_000 * random.next() };
  });
}
