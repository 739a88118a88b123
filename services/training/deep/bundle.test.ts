/**
 * `train --models all` with tiny networks: the bundle brings them along, and scores by them.
 * @jest-environment ./tests/onnx/environment.js
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { featureSchema } from '#libs/features/catalogue.ts';
import { createRandom } from '#libs/models/random.ts';
import { type BundleHead } from '#libs/models/bundle.ts';
import { createScorer } from '#libs/models/scorer.ts';
import { openBundle } from '#libs/models/signature.ts';
import { trustIn } from '#libs/registry/operator-key.ts';
import { runTraining } from '../main.ts';
import { INCUMBENT_RECIPE, LSTM_RECIPE, type NetworkRecipe, TRANSFORMER_RECIPE } from './network-recipes.ts';
import { isTensorflowStaged } from './tensorflow.ts';

const DEEP = [tiny(LSTM_RECIPE, 'lstm'), tiny(TRANSFORMER_RECIPE, 'transformer')];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-deep-bundle-'));
});
afterAll(() => rm(folder, { recursive: true }));

if (!isTensorflowStaged()) {
  test('without TensorFlow it says what to run', async () => {
    await expect(train('none')).rejects.toMatchObject({ code: 'TRB_TENSORFLOW_MISSING' });
  });
} else {
  test('heads share their table’s networks, and what is served is what was trained', async () => {
    const bundle = await train('bundle.json');
    expect(openBundle(await readFile(join(folder, 'bundle.json')), trustIn(join(folder, 'operator.pem'))())).toEqual(bundle);
    expect(bundle.networks?.map(({ name, outputs }) => [name, outputs])).toEqual([
      ['lstm', 2],
      ['transformer', 2],
    ]);
    expect(bundle.heads.map(({ members }) => members.map(({ model }) => model.kind))).toEqual([
      ['trees', 'logistic', 'network', 'network'],
      ['trees', 'logistic', 'network', 'network'],
    ]);
    for (const { members } of bundle.heads) {
      expect(members.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 4);
    }
    const { columns } = featureSchema();
    const voting = (members: BundleHead['members']): BundleHead['members'] =>
      members.map((member) => ({ ...member, weight: 0.25 }));
    const heads = bundle.heads.map((head) => ({ ...head, members: voting(head.members) }));
    const scorer = createScorer({ ...bundle, heads }, columns);
    await scorer.open();
    const window = Array.from({ length: scorer.lags + 1 }, (_, back) => columns.map((_name, i) => Math.sin(i + back)));
    const opinions = (await scorer.consult('coinbase', 'BTC-USD', window))!;
    expect(opinions.map((each) => each?.length)).toEqual([2, 2]);
    expect(scorer.score('coinbase', 'BTC-USD', '5m', window, opinions)!.probabilityUp).toBeGreaterThan(0);
    await scorer.close();
    // Done, it has nothing to go on from.
    expect(existsSync(join(folder, 'bundle.json.checkpoints'))).toBe(false);
  }, 120_000);

  test('the incumbent is a bundle of its own, of one network and nothing beside', async () => {
    const bundle = await train('incumbent.json', 'incumbent', [{ ...tiny(INCUMBENT_RECIPE, 'lstm'), name: 'incumbent' }]);
    expect(bundle.networks?.map(({ name }) => name)).toEqual(['incumbent']);
    for (const { members } of bundle.heads)
      expect(members.map(({ weight, model }) => [weight, model.kind])).toEqual([[1, 'network']]);
    const reads = new Set(bundle.inputs.map((input) => input.replace(/@.*/, '')));
    expect([...reads].filter((name) => !INCUMBENT_RECIPE.options.reads!.includes(name))).toEqual([]);
  }, 120_000);
}

async function train(name: string, models = 'all', networks = DEEP): ReturnType<typeof runTraining> {
  const history = join(folder, 'candles.csv');
  await writeFile(history, candlesCsv());
  const options = { horizons: '1m,5m', target: 'entry', seed: '1', workers: '0', quick: true, models };
  const given = { ...options, history, out: join(folder, name), key: join(folder, 'operator.pem') };
  return runTraining(given, new AbortController().signal, networks);
}

function tiny(recipe: NetworkRecipe, kind: 'lstm' | 'transformer'): NetworkRecipe {
  const architecture =
    kind === 'lstm'
      ? ({ kind, layers: 1, width: 4, dropout: 0.1, pooling: 'attention' } as const)
      : ({ kind, blocks: 1, width: 4, heads: 2, dropout: 0.1 } as const);
  return {
    ...recipe,
    leastRows: 200,
    warmEpochs: 1,
    options: { ...recipe.options, architecture, steps: 3, inputs: 12, epochs: 1 },
  };
}

/** Ten hours of a random walk. */
function candlesCsv(): string {
  const random = createRandom(3);
  const lines = ['ts,venue,symbol,open,high,low,close,volume,trades'];
  let last = 30_000;
  for (let minute = 0; minute < 600; minute++) {
    const [open, close] = [last, Math.round((last + 40 * (random.next() - 0.5)) * 100) / 100];
    last = close;
    const ts = new Date(Date.parse('2024-05-01T00:00:00Z') + minute * 60_000).toISOString();
    const prices = `${open},${Math.max(open, close) + 1},${Math.min(open, close) - 1},${close}`;
    lines.push(`${ts},coinbase,BTC-USD,${prices},${random.next()},5`);
  }
  return `${lines.join('\n')}\n`;
}
