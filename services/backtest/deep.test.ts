/**
 * `--models all` with tiny networks on a market where one venue follows the other: members, incumbent, regimes and the page.
 * @jest-environment ./tests/onnx/environment.js
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CandleRow } from '#libs/history/rows.ts';
import { createRandom } from '#libs/models/random.ts';
import { INCUMBENT_RECIPE, LSTM_RECIPE, type NetworkRecipe } from '#services/training/deep/network-recipes.ts';
import { isTensorflowStaged } from '#services/training/deep/tensorflow.ts';
import { type BacktestReport, runBacktest } from './backtest.ts';
import { parseBacktestOptions, type RawBacktestOptions } from './options.ts';

const MINUTE = 60_000;
const START = Date.parse('2024-05-01T12:00:00Z');
const TRAINED = 720;
const TESTED = 120;
const PATIENCE = 240_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-deep-'));
});
afterAll(() => rm(folder, { recursive: true }));

const asked: RawBacktestOptions = {
  ...{ history: 'generated.csv', trainUntil: '2024-05-02T00:00:00Z', horizons: '1m', venues: 'kraken', quick: true, workers: 0 },
};

if (!isTensorflowStaged()) {
  test('without TensorFlow it says what to run, before anything is read', async () => {
    await expect(runBacktest(parseBacktestOptions({ ...asked, models: 'all' }))).rejects.toMatchObject({
      code: 'TRB_TENSORFLOW_MISSING',
    });
  });
} else {
  describe('with networks', () => {
    let report: BacktestReport;
    beforeAll(async () => {
      const options = parseBacktestOptions({
        ...asked,
        models: 'all',
        report: join(folder, 'r.json'),
        html: join(folder, 'r.html'),
      });
      report = await runBacktest(
        { ...options, targets: ['close'] },
        { candles: market(TRAINED + TESTED), networks: [tiny(LSTM_RECIPE), tiny(INCUMBENT_RECIPE)] },
      );
    }, PATIENCE);

    test(
      'killed, it goes on from what the networks had learned, to the same decisions',
      async () => {
        const path = join(folder, 'again.json');
        const again = { ...parseBacktestOptions({ ...asked, models: 'all', report: path }), targets: ['close'] as const };
        const given = { candles: market(TRAINED + TESTED), networks: [tiny(LSTM_RECIPE), tiny(INCUMBENT_RECIPE)] };
        const stop = new AbortController();
        const started = runBacktest(again, {
          ...given,
          signal: stop.signal,
          onProgress: (stage) => {
            if (stage === 'train' && readdirSync(`${path}.checkpoints`).some((name) => name.endsWith('.checkpoint')))
              stop.abort();
          },
        });
        await expect(started).rejects.toThrow();
        expect((await readdir(`${path}.checkpoints`)).length).toBeGreaterThan(0);
        const folds = (of: BacktestReport): string[][] => of.results.map((result) => result.folds.map(({ sha256 }) => sha256));
        expect(folds(await runBacktest(again, given))).toEqual(folds(report));
        expect(await readdir(folder)).not.toContain('again.json.checkpoints');
      },
      PATIENCE,
    );

    test(
      'what comes after a fold moves none of its decisions',
      async () => {
        const hourly = { ...parseBacktestOptions({ ...asked, models: 'all', retrainEvery: '1h' }), targets: ['close'] as const };
        const foldsOf = async (minutes: number): Promise<BacktestReport['results'][number]['folds']> => {
          const given = { candles: market(minutes), networks: [tiny(LSTM_RECIPE)] };
          return (await runBacktest(hourly, given)).results[0]!.folds;
        };
        const [first, second] = await foldsOf(TRAINED + TESTED);
        expect(await foldsOf(TRAINED + TESTED / 2)).toEqual([first]);
        expect(second!.sha256).not.toBe(first!.sha256);
      },
      PATIENCE,
    );

    test(
      'combinatorial validation has them too, but for the incumbent',
      async () => {
        const until = new Date(START + TRAINED * MINUTE).toISOString();
        const chosen = { validation: 'combinatorial', groups: 3, testGroups: 1, trainUntil: until } as const;
        const options = parseBacktestOptions({ ...asked, models: 'all', ...chosen });
        const paths = await runBacktest(
          { ...options, targets: ['close'] },
          { candles: market(TRAINED), networks: [{ ...tiny(LSTM_RECIPE), leastRows: 100 }, tiny(INCUMBENT_RECIPE)] },
        );
        const [result] = paths.results;
        expect(result!.members.map(({ name }) => name)).toEqual(['weighted_trees', 'logistic', 'lstm']);
        expect(result!.members.at(-1)!.accuracy).toBeGreaterThan(0.65);
        expect(result!.paths!.over.accuracy!.least).toBeGreaterThan(0.65);
        expect(paths.flags.join()).toContain('starts from nothing');
      },
      PATIENCE,
    );

    test('each member is shown by itself, the incumbent beside and without a vote', () => {
      const [result] = report.results;
      expect(result!.members.map(({ name }) => name)).toEqual(['weighted_trees', 'logistic', 'lstm', 'incumbent']);
      for (const member of result!.members) expect(member.n).toBe(result!.n);
      expect(Object.keys(result!.folds[0]!.weights)).toEqual(['weighted_trees', 'logistic', 'lstm']);
      const total = Object.values(result!.folds[0]!.weights).reduce((sum, weight) => sum + weight, 0);
      expect(total).toBeCloseTo(1, 4);
      expect(result!.incumbent!.n).toBe(result!.n);
      // The network that sees both venues knows who is followed; the one that sees its own alone cannot.
      const accuracy = (name: string): number => result!.members.find((member) => member.name === name)!.accuracy!;
      expect(accuracy('lstm')).toBeGreaterThan(0.65);
      expect(accuracy('incumbent')).toBeLessThan(accuracy('lstm'));
      expect(report.flags.join()).toContain('one out-of-fold split');
    });

    test('regimes part the decisions', () => {
      const [result] = report.results;
      const sizes = (kind: string): number =>
        result!.regimes.filter((each) => each.kind === kind).reduce((sum, { n }) => sum + n, 0);
      expect(result!.regimes.map(({ name }) => name)).toEqual(['low', 'middle', 'high', 'asia', 'london', 'new_york']);
      expect(sizes('volatility')).toBe(result!.n);
      // The test is the first two hours of a day, UTC.
      expect(result!.regimes.map(({ name, n }) => [name, n]).slice(3)).toEqual([
        ['asia', result!.n],
        ['london', 0],
        ['new_york', 0],
      ]);
    });

    test('the page holds all it needs, and says what the report says', async () => {
      const page = await readFile(join(folder, 'r.html'), 'utf8');
      expect(page).not.toMatch(/<script|<link|<img|src=|url\(|https?:/);
      expect(page.match(/<svg/g)).toHaveLength(7);
      for (const title of [
        'lstm: rise',
        'incumbent: rise',
        'reliability',
        'accuracy at coverage',
        'before costs',
        'after costs',
        'leg_ret.coinbase_usd',
      ])
        expect(page).toContain(title);
      expect(page).toContain(report.results[0]!.accuracy!.toFixed(3));
      expect(JSON.parse(await readFile(join(folder, 'r.json'), 'utf8'))).toEqual(report);
    });
  });
}

test('the fast models make the page too, and names in it are text', async () => {
  const html = join(folder, 'fast.html');
  const options = parseBacktestOptions({ ...asked, html, history: '<script>.csv' });
  await runBacktest({ ...options, targets: ['close'] }, { candles: market(TRAINED + 60) });
  const page = await readFile(html, 'utf8');
  expect(page).not.toContain('<script');
  expect(page).toContain('&#60;script&#62;.csv');
  // No signals after half a day's training, so no equity, before costs or after.
  expect(page.match(/nothing to show/g)).toHaveLength(2);
}, 120_000);

function tiny(recipe: NetworkRecipe): NetworkRecipe {
  const architecture = { kind: 'lstm', layers: 1, width: 8, dropout: 0, pooling: 'attention' } as const;
  return {
    ...recipe,
    options: { ...recipe.options, architecture, steps: 3, batch: 128, epochs: 6, learningRate: 0.02 },
    warmEpochs: 2,
  };
}

/** Kraken's close is mostly Coinbase's of the minute before. */
function market(minutes: number): CandleRow[] {
  const random = createRandom(11);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  const candles: CandleRow[] = [];
  let [lead, leadClose, followClose] = [0, 30_000, 30_000];
  for (let minute = 0; minute < minutes; minute++) {
    const follow = lead + 0.0002 * normal();
    lead += 0.0008 * normal();
    const [leadNow, followNow] = [price(lead), price(follow)];
    candles.push(
      bar('coinbase', minute, leadClose, leadNow, random.next()),
      bar('kraken', minute, followClose, followNow, random.next()),
    );
    [leadClose, followClose] = [leadNow, followNow];
  }
  return candles;
}

function bar(venue: string, minute: number, open: number, close: number, volume: number): CandleRow {
  const [high, low] = [Math.max(open, close) + 1, Math.min(open, close) - 1];
  return { venue, instrument: 'BTC-USD', start: START + minute * MINUTE, open, high, low, close, volume, trades: 3 };
}

function price(log: number): number {
  return Math.round(30_000 * Math.exp(log) * 100) / 100;
}
