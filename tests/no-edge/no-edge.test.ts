/**
 * Honesty about having nothing to say: on a market that cannot be foretold (the simulator's, with independent noise) almost no signal is
 * emitted, whatever the seed; the same code on the same market with an edge speaks, so silence is no habit of it.
 */
import { describe, expect, test } from '@jest/globals';
import { HORIZON_MS } from '#libs/market/horizon.ts';
import { type BacktestResult, runBacktest } from '#services/backtest/backtest.ts';
import { parseBacktestOptions } from '#services/backtest/options.ts';
import { type Edge } from '#services/simulator/market.ts';
import { simulatedMinutes } from '#services/simulator/minutes.ts';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
/** Whole days: a few train the first model, the rest is tested in two folds. */
const END = Date.parse('2024-05-09T00:00:00Z');
const DAYS = 6;
const TEST_DAYS = 3;
const SYMBOL = 'BTC-USD';
const horizonMs: Readonly<Record<string, number>> = HORIZON_MS;
/** Four models on six days of two venues take their time on a busy machine. */
const PATIENCE = 240_000;

describe('a market without an edge', () => {
  const told: BacktestResult[] = [];

  test.each([1, 2, 3])(
    'seed %i: every head is right about half of the time, as a coin',
    async (seed) => {
      const results = await walk(seed, 'none');
      expect(results).toHaveLength(4);
      for (const { horizon, accuracy, n } of results) {
        // Labels that overlap say one thing together: about one throw of a coin for each whole horizon of the test.
        const standardError = 0.5 / Math.sqrt(n / (horizonMs[horizon]! / MINUTE));
        expect(Math.abs(accuracy! - 0.5)).toBeLessThan(4 * standardError);
      }
      told.push(...results);
    },
    PATIENCE,
  );

  test('less than one decision in a hundred is said aloud', () => {
    expect(told).toHaveLength(12);
    expect(emitted(told)).toBeLessThan(0.01);
  });
});

describe('the same market with an edge', () => {
  test(
    'the same code speaks, and is right',
    async () => {
      const results = await walk(1, 'lag');
      expect(emitted(results)).toBeGreaterThan(0.1);
      const right = results.reduce((sum, { emitted: { count, accuracy } }) => sum + count * (accuracy ?? 0), 0);
      const said = results.reduce((sum, { emitted: { count } }) => sum + count, 0);
      expect(right / said).toBeGreaterThan(0.65);
    },
    PATIENCE,
  );
});

async function walk(seed: number, edge: Edge): Promise<readonly BacktestResult[]> {
  const asked = parseBacktestOptions({
    history: 'simulated.csv',
    trainUntil: new Date(END - TEST_DAYS * DAY).toISOString(),
    retrainEvery: '36h',
    horizons: '1m,5m',
    workers: 2,
    quick: true,
  });
  const report = await runBacktest(
    { ...asked, targets: ['entry'] },
    {
      candles: await simulatedMinutes({ seed, edge, symbol: SYMBOL, until: END, days: DAYS }),
    },
  );
  return report.results;
}

/** Share of all decisions that were signals. */
function emitted(results: readonly BacktestResult[]): number {
  const decisions = results.length * ((TEST_DAYS * DAY) / MINUTE);
  return results.reduce((sum, { emitted: { count } }) => sum + count, 0) / decisions;
}
