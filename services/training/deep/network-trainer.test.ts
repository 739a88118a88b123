/**
 * Networks with TensorFlow on tiny data: what is exported is what was trained, the same seed gives the same bits, an edge is found.
 * @jest-environment ./tests/onnx/environment.js
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Architecture, buildNetwork, type NetworkShape } from '#libs/models/networks/architecture.ts';
import { openOnnxNetwork } from '#libs/models/networks/onnx-network.ts';
import { toOnnx } from '#libs/models/networks/onnx.ts';
import { createRandom } from '#libs/models/random.ts';
import { type Dataset, NO_MOVE } from '#libs/models/trainer.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';
import { valuesOf } from './adam.ts';
import { createFusedLstm } from './fused-lstm.ts';
import { createNetworkTrainer, type FittedNetwork, type NetworkOptions } from './network-trainer.ts';
import { TensorOperations } from './tensor-operations.ts';
import { isTensorflowStaged, loadTensorflow, type StagedTensorFlow, type Tensor } from './tensorflow.ts';

const LSTM: Architecture = { kind: 'lstm', layers: 2, width: 8, dropout: 0.1, pooling: 'attention' };
const INCUMBENT: Architecture = { ...LSTM, pooling: 'last' };
const TRANSFORMER: Architecture = { kind: 'transformer', blocks: 1, width: 8, heads: 2, dropout: 0.1 };
const MINUTE = 60_000;

if (!isTensorflowStaged()) {
  test('deep models are not tested here: run `node scripts/stage-tensorflow.js`', () => {
    expect(() => loadTensorflow()).toThrow(expect.objectContaining({ code: 'TRB_TENSORFLOW_MISSING' }));
  });
} else {
  let staged: StagedTensorFlow;
  beforeAll(() => {
    staged = loadTensorflow();
  });

  describe.each([
    ['the LSTM', LSTM],
    ['the incumbent', INCUMBENT],
    ['the Transformer', TRANSFORMER],
  ])('%s', (_name, architecture) => {
    test('is served as it was trained, to 1e-5', async () => {
      const shape: NetworkShape = {
        steps: 5,
        inputs: 7,
        deep: 5,
        outputs: 3,
        sources: [
          [0, 2],
          [1, 3, 4],
        ],
        wide: [9, 28, 30, 34],
      };
      const random = createRandom(9);
      const x = Float32Array.from({ length: 5 * 4 * 7 }, () => 6 * random.next() - 3);
      const { tf } = staged;
      const ops = new TensorOperations(staged, 3);
      const trained = tf.tidy(() => tf.sigmoid(buildNetwork(ops, architecture, shape, tf.tensor(x, [5, 4, 7]))).dataSync());
      const network = await openOnnxNetwork(toOnnx(architecture, shape, valuesOf(ops.parameters)));
      const served = await network.run(x, 5, 4);
      expect(served).toHaveLength(12);
      served.forEach((value, i) => expect(Math.abs(value - trained[i]!)).toBeLessThan(1e-5));
      // Outputs that are all alike would agree as well.
      expect(Math.max(...served) - Math.min(...served)).toBeGreaterThan(0.01);
      // One window alone, as it is served live, is the first of the four.
      const alone = await network.run(firstOf(x, 5, 4, 7), 5, 1);
      alone.forEach((value, i) => expect(value).toBeCloseTo(served[i]!, 6));
      await network.close();
    });

    test('finds an edge that lies two vectors back', async () => {
      const dataset = makeDataset();
      const fitted = await fit(staged, dataset, { architecture });
      const rows = Int32Array.from({ length: 200 }, (_, i) => 600 + i);
      const [first, second] = await fitted.score(dataset.table, rows);
      const right = rows.reduce((sum, row, i) => sum + Number(first![i]! > 0.5 === tells(dataset.table, row)), 0);
      expect(right).toBeGreaterThan(130);
      // The other head saw the opposite.
      const opposite = rows.reduce((sum, row, i) => sum + Number(second![i]! < 0.5 === tells(dataset.table, row)), 0);
      expect(opposite).toBeGreaterThan(130);
    });

    test('is the same bits for the same seed', async () => {
      const one = await fit(staged, makeDataset(), { architecture, epochs: 1 });
      const other = await fit(staged, makeDataset(), { architecture, epochs: 1 });
      expect(one.best.epoch).toBe(1);
      expect(Buffer.compare(one.model.onnx, other.model.onnx)).toBe(0);
    });
  });

  test('a bias that is a row of the kernel, as on a GPU, is the same layer with the same slopes', () => {
    const { tf } = staged;
    const random = createRandom(6);
    const values = (shape: readonly number[]): Tensor =>
      tf.tensor(
        Float32Array.from({ length: shape.reduce((product, size) => product * size) }, () => random.next() - 0.5),
        shape,
      );
    const parameters = [
      tf.variable(values([3 + 8, 32]), true, 'kernel of both'),
      tf.variable(values([32]), true, 'bias of both'),
    ] as const;
    const x = values([5, 4, 3]);
    const [asGiven, asRow] = (['cpu', 'gpu'] as const).map((device) => {
      const lstm = createFusedLstm({ ...staged, device });
      const { value, grads } = tf.variableGrads(() => tf.sum(tf.square(lstm(x, ...parameters))), parameters);
      return [value, ...parameters.map(({ name }) => grads[name]!)].flatMap((each) => [...each.dataSync()]);
    });
    expect(asRow).toHaveLength(1 + 11 * 32 + 32);
    asRow!.forEach((value, i) => expect(value).toBeCloseTo(asGiven![i]!, 5));
    for (const each of [x, ...parameters]) each.dispose();
  });

  test('stops when the newest rows have not got better for as many epochs as it has patience', async () => {
    const dataset = makeDataset();
    const random = createRandom(8);
    const noise = dataset.outcomes.map(({ up, size }) => ({ up: up.map(() => Number(random.next() < 0.5)), size }));
    let epochs = 0;
    const options = { architecture: LSTM, epochs: 30, patience: 2, learningRate: 0.1 };
    const { best } = await fit(staged, { ...dataset, outcomes: noise }, options, () => (epochs += 1));
    expect(epochs).toBeLessThan(30);
    expect(epochs).toBe(best.epoch + 2);
  });

  test('is held small by L2, and learns otherwise where some of it is dropped', async () => {
    const sizes: number[] = [];
    for (const change of [{}, { l2: 0.5 }, { architecture: { ...LSTM, dropout: 0.6 } }]) {
      const { parameters } = await fit(staged, makeDataset(), { architecture: LSTM, ...change });
      const deep = [...parameters].filter(([name]) => !name.startsWith('wide.') && !name.startsWith('head.'));
      sizes.push(deep.reduce((sum, [, values]) => sum + values.reduce((total, value) => total + value ** 2, 0), 0));
    }
    const [free, held, dropped] = sizes;
    expect(held).toBeLessThan(0.9 * free!);
    expect(dropped).not.toBe(free);
  });

  test('another seed is another network; a warm start begins where the other ended', async () => {
    const dataset = makeDataset();
    const fitted = await fit(staged, dataset, { architecture: LSTM, epochs: 1 });
    const other = await fit(staged, dataset, { architecture: LSTM, epochs: 1, seed: 2 });
    expect(Buffer.compare(other.model.onnx, fitted.model.onnx)).not.toBe(0);
    const warm = await fit(staged, dataset, { architecture: LSTM, warmStart: fitted, epochs: 1, learningRate: 1e-6 });
    expect(warm.best.loss).toBeCloseTo(fitted.best.loss, 3);
  });

  test.each([LSTM, TRANSFORMER])(
    'with a warm start, the regression of a $kind may read other inputs than the deep part',
    async (architecture) => {
      const dataset = makeDataset();
      const narrow = await fit(staged, dataset, { architecture, inputs: 2, epochs: 1, reads: ['own_ret', 'rate_ret.x'] });
      expect(narrow.inputs).not.toContain('leg_ret.kraken_usd@1');
      const warm = await fit(staged, dataset, { architecture, warmStart: narrow, epochs: 1, learningRate: 1e-6 });
      expect(warm.deepInputs).toEqual(narrow.deepInputs);
      expect(warm.inputs).toEqual([...narrow.inputs, 'leg_ret.kraken_usd@1']);
      // What comes is told by the leg alone, two vectors before.
      const rows = Int32Array.from({ length: 100 }, (_, i) => 650 + i);
      const [said] = await warm.score(dataset.table, rows);
      const right = said!.filter((p, i) => p > 0.5 === tells(dataset.table, rows[i]!)).length;
      expect(right).toBeGreaterThan(85);
    },
  );

  test('leaves no tensor behind, and stops when told to', async () => {
    await fit(staged, makeDataset(), { architecture: LSTM, epochs: 1 });
    const before = staged.tf.memory().numTensors;
    await fit(staged, makeDataset(), { architecture: LSTM, epochs: 2 });
    const stop = new AbortController();
    const stopped = fit(staged, makeDataset(), { architecture: LSTM }, () => stop.abort(new Error('enough')), stop.signal);
    await expect(stopped).rejects.toThrow('enough');
    expect(staged.tf.memory().numTensors).toBe(before);
  });
}

function fit(
  staged: StagedTensorFlow,
  dataset: Dataset,
  change: Partial<NetworkOptions> & Pick<NetworkOptions, 'architecture'>,
  progress: () => void = () => undefined,
  signal = new AbortController().signal,
): Promise<FittedNetwork> {
  const options: NetworkOptions = {
    ...{ steps: 4, inputs: 3, epochs: 6, patience: 6, batch: 50, learningRate: 0.04, l2: 1e-5 },
    ...{ validationShare: 0.2, purgeMs: MINUTE, seed: 1 },
    ...change,
  };
  return createNetworkTrainer(staged).fit(dataset, options, progress, signal);
}

/** What comes follows the sign of the first value two vectors before. */
function tells(table: VectorTable, row: number): boolean {
  return table.values[(row - 2) * 3]! > 0;
}

/** Two outcomes, the second the opposite of the first; a tenth of the rows are no moves. */
function makeDataset(): Dataset {
  const random = createRandom(4);
  const values = Float32Array.from({ length: 800 * 3 }, () => random.next() - 0.5);
  const t = Float64Array.from({ length: 800 }, (_, row) => row * MINUTE);
  const columns = ['leg_ret.kraken_usd@1', 'own_ret@1', 'rate_ret.x@1'];
  const table: VectorTable = { venue: 'kraken', instrument: 'BTC-USD', columns, t, values };
  const rows = Int32Array.from({ length: 590 }, (_, i) => i + 4);
  const up = Uint8Array.from(rows, (row) => (random.next() < 0.1 ? NO_MOVE : Number(tells(table, row))));
  const size = new Float64Array(rows.length).fill(1);
  return {
    table,
    rows,
    outcomes: [
      { up, size },
      { up: up.map((each) => (each === NO_MOVE ? each : 1 - each)), size },
    ],
  };
}

function firstOf(x: Float32Array, steps: number, batch: number, inputs: number): Float32Array {
  const out = new Float32Array(steps * inputs);
  for (let step = 0; step < steps; step++) out.set(x.subarray(step * batch * inputs, (step * batch + 1) * inputs), step * inputs);
  return out;
}
