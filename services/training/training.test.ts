/** Training from a candle file to a bundle that scores, with too little history on one venue. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { featureSchema } from '#libs/features/catalogue.ts';
import { createRandom } from '#libs/models/random.ts';
import { createScorer } from '#libs/models/scorer.ts';
import { openBundle } from '#libs/models/signature.ts';
import { publicKeyFile, trustIn } from '#libs/registry/operator-key.ts';
import { runTraining } from './main.ts';

const PATIENCE = 120_000;
const START = Date.parse('2024-05-01T00:00:00Z');
const signal = new AbortController().signal;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-training-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('training', () => {
  test(
    'makes a head of every venue, instrument and horizon; a short history is silenced and says so',
    async () => {
      const history = join(folder, 'candles.csv');
      await writeFile(history, candlesCsv());
      const out = join(folder, 'bundle.json');
      const key = join(folder, 'operator.pem');
      const bundle = await runTraining(
        { history, out, horizons: '1m,5m', target: 'entry', seed: '1', workers: '0', quick: true, key },
        signal,
      );
      expect(openBundle(await readFile(out), trustIn(publicKeyFile(key))())).toEqual(bundle);
      expect(bundle.heads.map(({ venue, horizon }) => `${venue} ${horizon}`)).toEqual([
        'coinbase 1m',
        'coinbase 5m',
        'kraken 1m',
        'kraken 5m',
      ]);
      const { columns } = featureSchema();
      const scorer = createScorer(bundle, columns);
      const window = [columns.map((_, i) => Math.sin(i))];
      for (const { venue, horizon, silenced, threshold, members } of bundle.heads) {
        // A random walk: nothing to say, and no venue may think otherwise.
        expect(threshold).toBeGreaterThan(1);
        expect(silenced).toMatch(
          venue === 'kraken' ? /^too little history: \d+ moves, 200 needed$/ : /^(too little earlier data|no confidence)/,
        );
        expect(members).toHaveLength(venue === 'kraken' ? 0 : 2);
        const score = scorer.score(venue, 'BTC-USD', horizon, window)!;
        expect(score.probabilityUp).toBeGreaterThan(0);
        expect(score.probabilityUp).toBeLessThan(1);
        expect(score.confidence).toBeLessThan(score.threshold);
      }
    },
    PATIENCE,
  );

  test(
    'venues of an instrument share the member of all their rows',
    async () => {
      const history = join(folder, 'two.csv');
      await writeFile(history, candlesCsv(0, 500));
      const bundle = await runTraining(
        {
          ...{ history, out: join(folder, 'two.json'), horizons: '5m', target: 'entry', seed: '1', workers: '0' },
          key: join(folder, 'operator.pem'),
        },
        signal,
      );
      const models = bundle.heads.map(({ members }) => members.map(({ model }) => model));
      expect(models.map((members) => members.map(({ kind }) => kind))).toEqual([
        ['trees', 'trees', 'logistic', 'logistic', 'trees'],
        ['trees', 'trees', 'logistic', 'logistic', 'trees'],
      ]);
    },
    PATIENCE,
  );

  test.each([
    ['TRB_TRAINING_OPTIONS', { seed: 'one' }],
    ['TRB_TRAINING_OPTIONS', { device: 'gpu' }],
    ['TRB_UNKNOWN_HORIZON', { horizons: '2h' }],
    ['TRB_OUTPUT_UNWRITABLE', { out: '/nowhere/bundle.json' }],
    ['TRB_HISTORY_NOT_FOUND', { history: '/nowhere/candles.csv' }],
  ])('refuses with %s', async (code, change) => {
    const asked = {
      history: 'x.csv',
      out: join(folder, 'b.json'),
      horizons: '1m',
      target: 'entry',
      seed: '1',
      workers: '0',
      quick: true,
      key: join(folder, 'operator.pem'),
    };
    await expect(runTraining({ ...asked, ...change }, signal)).rejects.toMatchObject({ code });
  });
});

/** Fifteen hours of Coinbase, of Kraken those from a minute on: two by default. */
function candlesCsv(krakenFrom = 780, minutes = 900): string {
  const random = createRandom(3);
  const lines = ['ts,venue,symbol,open,high,low,close,volume,trades'];
  let last = 30_000;
  for (let minute = 0; minute < minutes; minute++) {
    const [open, close] = [last, Math.round((last + 40 * (random.next() - 0.5)) * 100) / 100];
    last = close;
    const ts = new Date(START + minute * 60_000).toISOString();
    const prices = `${open},${Math.max(open, close) + 1},${Math.min(open, close) - 1},${close}`;
    for (const venue of minute < krakenFrom ? ['coinbase'] : ['coinbase', 'kraken'])
      lines.push(`${ts},${venue},BTC-USD,${prices},${random.next()},5`);
  }
  return `${lines.join('\n')}\n`;
}
