/**
 * Networks in a search: a trial of each kind, with few units, on a part of its epochs.
 * @jest-environment ./tests/onnx/environment.js
 */
import { expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sourceSchema } from '#services/training/candle-source.ts';
import { isTensorflowStaged } from '#services/training/deep/tensorflow.ts';
import { prepareGround } from './ground.ts';
import { scoreOf } from './score.ts';
import { type Configuration } from './space.ts';
import { candlesCsv, UNTIL } from './testing/candles.ts';
import { Fitter } from './trial.ts';

const NETWORK = { inputs: 12, steps: 3, width: 4, dropout: 0.1, learningRate: 2e-3, l2: 1e-4 };
const CONFIGURATIONS: readonly Configuration[] = [
  { model: 'lstm', layers: 1, ...NETWORK },
  { model: 'transformer', blocks: 1, heads: 2, ...NETWORK },
];

if (!isTensorflowStaged()) {
  test('without TensorFlow a trial of a network is none', async () => {
    const fitter = new Fitter({ heads: [], folds: [], seed: 1 }, { workers: 0, device: 'cpu' });
    expect(await fitter.run(CONFIGURATIONS[0]!, 1, 0)).toEqual([]);
  });
} else {
  test('a trial of a network is scored like any other, and comes out the same again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tributary-search-deep-'));
    const history = join(folder, 'candles.csv');
    await writeFile(history, candlesCsv());
    const { ground } = await prepareGround(sourceSchema.parse({ history, until: UNTIL }), {
      ...{ horizons: ['1m', '5m'], target: 'entry', folds: 1, seed: 1, venues: ['kraken'], onProgress: () => undefined },
      signal: new AbortController().signal,
    });
    const fitter = new Fitter(ground, { workers: 0, device: 'cpu' });
    try {
      for (const configuration of CONFIGURATIONS) {
        const score = scoreOf(await fitter.run(configuration, 1 / 8, 0));
        expect(score.moves).toBeGreaterThan(500);
        expect(score.logLoss).toBeLessThan(1);
        expect(scoreOf(await fitter.run(configuration, 1 / 8, 0))).toEqual(score);
      }
    } finally {
      await fitter.close();
      await rm(folder, { recursive: true });
    }
  }, 120_000);
}
