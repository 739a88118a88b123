/** The backtest on generated candles: it finds a planted edge, is silent without one, and nothing later moves an earlier decision. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CandleRow } from '#libs/history/rows.ts';
import { createRandom } from '#libs/models/random.ts';
import { type CandleTarget } from '#libs/validation/labels.ts';
import { type BacktestReport, type BacktestResult, runBacktest } from './backtest.ts';
import { parseBacktestOptions, type RawBacktestOptions } from './options.ts';
import { pathsText } from './paths.ts';
import { readTrials } from './trials.ts';

const MINUTE = 60_000;
const START = Date.parse('2024-05-01T00:00:00Z');
const TRAIN_UNTIL = '2024-05-03T00:00:00Z';
const TESTED = 720;
const MINUTES = 2_880 + TESTED;
/** Four runs fold and fit in earnest; a busy machine needs its time. */
const PATIENCE = 240_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-backtest-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('with a venue that follows another a minute later', () => {
  const candles = market('lagging');
  let report: BacktestReport;
  beforeAll(async () => {
    report = await backtest('edge', candles, { ledger: join(folder, 'trials.jsonl'), trials: '40' });
  }, PATIENCE);

  test('finds the edge, speaks, and is right out of sample', () => {
    const follower = report.results.find(({ venue, target }) => venue === 'kraken' && target === 'close')!;
    expect(follower.accuracy).toBeGreaterThan(0.7);
    expect(follower.accuracy).toBeLessThan(0.95);
    expect(follower.emitted.count).toBeGreaterThan(50);
    expect(follower.emitted.accuracy).toBeGreaterThan(0.7);
    const leader = report.results.find(({ venue, target }) => venue === 'coinbase' && target === 'close')!;
    expect(leader.accuracy).toBeLessThan(0.58);
    expect(leader.emitted.coverage).toBeLessThan(0.01);
  });

  test('writes a decision for every minute of the test, labelled as the candles say', async () => {
    const rows = await predictions('edge');
    expect(rows).toHaveLength(2 * 2 * TESTED);
    const traded = new Map(candles.map((candle) => [`${candle.venue} ${candle.start}`, candle]));
    for (const row of rows) {
      const [venue, t] = [row['venue']!, Number(row['t'])];
      const inside = traded.get(`${venue} ${t}`);
      let earlier = t - MINUTE;
      while (!traded.has(`${venue} ${earlier}`)) earlier -= MINUTE;
      const from = row['target'] === 'entry' ? inside?.open : traded.get(`${venue} ${earlier}`)!.close;
      expect(row['y']).toBe(inside === undefined || from === undefined ? '' : String(Math.sign(inside.close - from)));
      expect(Number(row['confidence'])).toBeCloseTo(
        Math.max(Number(row['probability_up']), 1 - Number(row['probability_up'])),
        9,
      );
    }
    expect(rows.some((row) => row['y'] === '')).toBe(true);
    expect(JSON.parse(await readFile(join(folder, 'edge.json'), 'utf8'))).toEqual(report);
  });

  test('says what the signals earned, and how many trials that is one of', async () => {
    const follower = report.results.find(({ venue, target }) => venue === 'kraken' && target === 'close')!;
    expect(follower.paper.trades).toBeGreaterThan(50);
    expect(follower.paper.hours).toBe(TESTED / 60);
    expect(follower.paper.net_bps!).toBeCloseTo(
      follower.paper.gross_bps! - 2 * (follower.costs.taker_fee_bps + follower.costs.half_spread_bps),
      9,
    );
    expect(report.trials).toEqual({ count: 41, from: ['this run', 'the ledger trials.jsonl', '40 by --trials'] });
    const [trial] = await readTrials(join(folder, 'trials.jsonl'));
    expect(Object.keys(trial!.sharpe)).toHaveLength(4);
    expect(report.consistency.map(({ target, worst }) => [target, worst.venue])).toContainEqual(['close', 'coinbase']);
  });

  test(
    'gives the same without threads',
    async () => {
      const again = await backtest('alone', candles, { workers: 0 }, ['close']);
      const predicted = (result: BacktestResult): object => ({ ...result, paper: undefined });
      expect(again.results.map(predicted)).toEqual(report.results.filter(({ target }) => target === 'close').map(predicted));
      expect(await predictions('alone')).toEqual((await predictions('edge')).filter((row) => row['target'] === 'close'));
    },
    PATIENCE,
  );

  test(
    'what comes after a fold moves no decision of it by a bit, neither missing nor overwritten',
    async () => {
      const cut = Date.parse('2024-05-03T06:00:00Z');
      const garbled = candles.map((candle) =>
        candle.start < cut
          ? candle
          : { ...candle, open: candle.close * 1.01, high: candle.high * 1.02, close: candle.open, volume: 7 },
      );
      const hashes = async (name: string, rows: readonly CandleRow[]): Promise<string[][]> =>
        (await backtest(name, rows, {}, ['close'])).results.map(({ folds }) => folds.map(({ sha256 }) => sha256));
      const before = report.results
        .filter(({ target }) => target === 'close')
        .map(({ folds }) => folds.map(({ sha256 }) => sha256));
      const [missing, overwritten] = [
        await hashes(
          'cut',
          candles.filter(({ start }) => start < cut),
        ),
        await hashes('garbled', garbled),
      ];
      const firsts = before.map(([first]) => first);
      expect(missing).toEqual(firsts.map((first) => [first]));
      expect(overwritten.map(([first]) => first)).toEqual(firsts);
      expect(new Set(firsts).size).toBe(2);
      // The minute of the cut still knows nothing of what comes after it.
      const decided = async (name: string): Promise<Record<string, string>[]> =>
        (await predictions(name))
          .filter((row) => row['target'] === 'close' && Number(row['t']) <= cut)
          .map((row) => ({ ...row, y: '' }));
      expect(await decided('garbled')).toEqual(await decided('edge'));
      expect(overwritten.map(([, second]) => second)).not.toEqual(before.map(([, second]) => second));
    },
    PATIENCE,
  );
});

describe('combinatorial validation', () => {
  test(
    'every path finds the edge, each minute is in every path once, and nothing after --train-until is looked at',
    async () => {
      const until = START + 1_440 * MINUTE;
      const change = { validation: 'combinatorial', groups: 4, testGroups: 2, venues: 'kraken' } as const;
      const asked = { ...change, trainUntil: new Date(until).toISOString() };
      const short = market('lagging').filter(({ start }) => start < until + 120 * MINUTE);
      const garbled = short.map((candle) =>
        candle.start < until ? candle : { ...candle, close: candle.open * 2, high: candle.open * 3 },
      );
      const missing = short.filter(({ start }) => start < until);
      const report = await backtest('paths', garbled, asked, ['close']);
      const [result] = report.results;
      expect(result!.paths!.each).toHaveLength(3);
      expect(result!.paths!.over.accuracy!.least).toBeGreaterThan(0.65);
      expect(result!.paths!.over.accuracy!.most).toBeLessThan(0.95);
      expect(result!.folds.map(({ from }) => from.slice(5, 13))).toEqual(['05-01T00', '05-01T06', '05-01T12', '05-01T18']);
      const rows = await predictions('paths');
      expect(rows.map((row) => Number(row['t']))).toEqual(Array.from({ length: 1_440 }, (_, i) => START + i * MINUTE));
      expect(pathsText(report.results)).toMatch(/BTC-USD +kraken +1m +close +3 +0\.[6789]\d\d \[/);
      const again = await backtest('paths-cut', missing, asked, ['close']);
      expect(again.results.map(({ folds }) => folds)).toEqual(report.results.map(({ folds }) => folds));
    },
    PATIENCE,
  );
});

describe('what is switched off is not used', () => {
  const follower = async (name: string, change: Partial<RawBacktestOptions>): Promise<number> => {
    const report = await backtest(name, market('lagging'), { venues: 'kraken', retrainEvery: '12h', ...change }, ['close']);
    return report.results[0]!.accuracy!;
  };

  test(
    'the edge is gone without the other venue, or without the category that knows of it',
    async () => {
      expect(await follower('only', { onlyVenues: 'kraken' })).toBeLessThan(0.58);
      expect(await follower('without', { without: 'A,X' })).toBeLessThan(0.58);
      expect(await follower('calendar', { without: 'E' })).toBeGreaterThan(0.7);
      const report = JSON.parse(await readFile(join(folder, 'without.json'), 'utf8')) as BacktestReport;
      expect(report.features.without).toEqual(['A', 'X']);
    },
    PATIENCE,
  );
});

describe('without an edge', () => {
  test(
    'almost nothing is said',
    async () => {
      const report = await backtest('noise', market('independent'), {}, ['close']);
      const said = report.results.reduce((sum, { emitted }) => sum + emitted.count, 0);
      expect(said / (report.results.length * TESTED)).toBeLessThan(0.01);
      for (const { accuracy } of report.results) expect(Math.abs(accuracy! - 0.5)).toBeLessThan(0.06);
    },
    PATIENCE,
  );
});

describe('what cannot be done', () => {
  const asked: RawBacktestOptions = { history: 'candles.csv', trainUntil: TRAIN_UNTIL };
  const few = market('independent').filter(({ start }) => start < START + 600 * MINUTE);

  test.each([
    ['a bad date', { trainUntil: 'yesterday' }, 'TRB_BACKTEST_OPTIONS'],
    ['a bad duration', { retrainEvery: '2 days' }, 'TRB_BACKTEST_OPTIONS'],
    ['an unknown category', { without: 'A,F' }, 'TRB_BACKTEST_OPTIONS'],
    ['trials that are no number', { trials: 'many' }, 'TRB_BACKTEST_OPTIONS'],
    ['no group left to train on', { validation: 'combinatorial', groups: 4, testGroups: 3 }, 'TRB_BACKTEST_OPTIONS'],
    ['more splits than anyone waits for', { validation: 'combinatorial', groups: 16, testGroups: 8 }, 'TRB_BACKTEST_OPTIONS'],
    ['an unknown horizon', { horizons: '1m,7m' }, 'TRB_UNKNOWN_HORIZON'],
    ['a horizon of the fast lane', { horizons: '1s' }, 'TRB_UNKNOWN_HORIZON'],
    ['a time after the data', { trainUntil: '2030-01-01' }, 'TRB_BACKTEST_RANGE'],
    ['a time before there is anything to learn', { trainUntil: '2024-05-01T00:30:00Z' }, 'TRB_BACKTEST_RANGE'],
    ['an unknown symbol', { symbols: 'DOGE-USD' }, 'TRB_UNKNOWN_SYMBOL'],
    ['an unknown venue', { venues: 'mtgox' }, 'TRB_UNKNOWN_VENUE'],
    ['a folder that is not there', { report: '/nowhere/at/all.json' }, 'TRB_OUTPUT_UNWRITABLE'],
  ] as const)('%s is refused with a hint', async (_name, change, code) => {
    const run = async (): Promise<unknown> => runBacktest(parseBacktestOptions({ ...asked, ...change }), { candles: few });
    await expect(run()).rejects.toMatchObject({ code });
    await expect(run()).rejects.toHaveProperty('hint');
  });

  test('a missing file is named', async () => {
    await expect(runBacktest(parseBacktestOptions({ ...asked, history: join(folder, 'none.csv') }))).rejects.toMatchObject({
      code: 'TRB_HISTORY_NOT_FOUND',
    });
  });
});

async function backtest(
  name: string,
  candles: readonly CandleRow[],
  change: Partial<RawBacktestOptions>,
  targets: readonly CandleTarget[] = ['entry', 'close'],
): Promise<BacktestReport> {
  const options = parseBacktestOptions({
    history: 'generated.csv',
    trainUntil: TRAIN_UNTIL,
    retrainEvery: '6h',
    horizons: '1m',
    report: join(folder, `${name}.json`),
    predictions: join(folder, `${name}.csv`),
    workers: 2,
    quick: true,
    ...change,
  });
  return runBacktest({ ...options, targets }, { candles });
}

async function predictions(name: string): Promise<Record<string, string>[]> {
  const [heading, ...lines] = (await readFile(join(folder, `${name}.csv`), 'utf8')).trimEnd().split('\n');
  const names = heading!.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, c) => [names[c]!, cell])));
}

/** Two venues; `lagging`: kraken's close is mostly coinbase's of the minute before. Kraken has no trade in a few minutes. */
function market(kind: 'lagging' | 'independent'): CandleRow[] {
  const random = createRandom(11);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  const candles: CandleRow[] = [];
  let [lead, own, leadClose, followClose] = [0, 0, 30_000, 30_000];
  for (let minute = 0; minute < MINUTES; minute++) {
    const previousLead = lead;
    lead += 0.0008 * normal();
    own += 0.0008 * normal();
    const leadNow = price(30_000 * Math.exp(lead));
    const followNow = price(30_000 * Math.exp(kind === 'lagging' ? previousLead + 0.0003 * normal() : own));
    candles.push(bar('coinbase', minute, leadClose, leadNow, random.next()));
    if (random.next() > 0.02) candles.push(bar('kraken', minute, followClose, followNow, random.next()));
    [leadClose, followClose] = [leadNow, followNow];
  }
  return candles;
}

function bar(venue: string, minute: number, open: number, close: number, volume: number): CandleRow {
  const [high, low] = [Math.max(open, close) + 1, Math.min(open, close) - 1];
  return { venue, instrument: 'BTC-USD', start: START + minute * MINUTE, open, high, low, close, volume, trades: 3 };
}

function price(value: number): number {
  return Math.round(value * 100) / 100;
}
