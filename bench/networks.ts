/**
 * A training step of the deep models (batch 256, windows of 64 x 120), one score of their ONNX files, and how far those are from what was trained.
 * The step stands beside PyTorch's on the same machine where PyTorch is installed (bench/pytorch_step.py), each on its own
 * default of threads. Without TensorFlow staged there is nothing to measure.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseInput, resolveInputs } from '#libs/models/inputs.ts';
import { type Architecture, buildNetwork } from '#libs/models/networks/architecture.ts';
import { openOnnxNetwork } from '#libs/models/networks/onnx-network.ts';
import { sourcesOf, standardiseTable, windowsOf } from '#libs/models/networks/windows.ts';
import { createRandom } from '#libs/models/random.ts';
import { type Dataset } from '#libs/models/trainer.ts';
import { createNetworkTrainer, type FittedNetwork } from '#services/training/deep/network-trainer.ts';
import { TensorOperations } from '#services/training/deep/tensor-operations.ts';
import { type Device, isTensorflowStaged, loadTensorflow, type StagedTensorFlow } from '#services/training/deep/tensorflow.ts';
import { type Figure, figure, paired, quantile } from './measure.ts';

const STEPS = 64;
const INPUTS = 120;
const BATCH = 256;
const ROWS = BATCH * 6;
const SCORES = 500;
const NETWORKS: readonly Architecture[] = [
  { kind: 'lstm', layers: 4, width: 64, dropout: 0.1, pooling: 'attention' },
  { kind: 'transformer', blocks: 3, width: 64, heads: 4, dropout: 0.1 },
];

export async function benchNetworks(device: Device = 'cpu'): Promise<Figure[]> {
  if (!isTensorflowStaged()) {
    process.stdout.write('networks: not measured, TensorFlow is not staged (node scripts/stage-tensorflow.js)\n');
    return [];
  }
  const staged = loadTensorflow(device);
  const dataset = makeDataset();
  const figures: Figure[] = [];
  for (const architecture of NETWORKS) {
    const { fitted, stepMs } = await timeSteps(createNetworkTrainer(staged), dataset, architecture);
    const reference = pytorchStep(architecture.kind, device);
    const measured = figure(`${architecture.kind} training step`, 'ms', stepMs);
    figures.push(...(reference === undefined ? [measured] : [reference, paired(measured, reference)]));
    figures.push(...(await timeScores(architecture.kind, fitted)), await distance(staged, dataset, architecture, fitted));
  }
  return figures;
}

/** The largest difference between what the ONNX file says of a batch and what TensorFlow says with the trained parameters. */
async function distance(
  staged: StagedTensorFlow,
  { table }: Dataset,
  architecture: Architecture,
  { model, inputs, parameters }: FittedNetwork,
): Promise<Figure> {
  const parsed = inputs.map(parseInput);
  const standardised = standardiseTable(table, resolveInputs(parsed, table.columns), model.scaler);
  const rows = Int32Array.from({ length: BATCH }, (_, i) => STEPS + i);
  const windows = windowsOf(table.t, standardised, inputs.length, rows, STEPS);
  const { tf } = staged;
  const ops = new TensorOperations(staged, 1, parameters);
  const shape = {
    steps: STEPS,
    inputs: inputs.length,
    deep: inputs.length,
    outputs: model.outputs,
    sources: sourcesOf(parsed),
    wide: parsed.map((_, i) => (STEPS - 1) * inputs.length + i),
  };
  const trained = tf.tidy(() =>
    tf.sigmoid(buildNetwork(ops, architecture, shape, tf.tensor(windows, [STEPS, BATCH, inputs.length]))).dataSync(),
  );
  for (const variable of ops.parameters.values()) variable.dispose();
  const network = await openOnnxNetwork(model.onnx);
  const served = await network.run(windows, STEPS, BATCH);
  await network.close();
  const furthest = served.reduce((most, value, i) => Math.max(most, Math.abs(value - trained[i]!)), 0);
  return figure(`${architecture.kind} ONNX against trained`, 'at most', [furthest]);
}

/** From epoch to epoch; the first warms up. */
async function timeSteps(
  trainer: ReturnType<typeof createNetworkTrainer>,
  dataset: Dataset,
  architecture: Architecture,
): Promise<{ fitted: FittedNetwork; stepMs: number[] }> {
  const at: number[] = [];
  const fitted = await trainer.fit(
    dataset,
    {
      ...{ architecture, steps: STEPS, inputs: INPUTS, epochs: 4, patience: 4, batch: BATCH, learningRate: 1e-3, l2: 1e-4 },
      // One row: the loss on it costs next to nothing.
      ...{ validationShare: 1 / (ROWS + 1), purgeMs: 0, seed: 1 },
    },
    () => at.push(performance.now()),
    new AbortController().signal,
  );
  return { fitted, stepMs: at.slice(1).map((time, i) => (time - at[i]!) / (ROWS / BATCH)) };
}

async function timeScores(name: string, { model, inputs }: FittedNetwork): Promise<Figure[]> {
  const network = await openOnnxNetwork(model.onnx);
  const random = createRandom(2);
  const window = Float32Array.from({ length: STEPS * inputs.length }, () => random.next() - 0.5);
  const runs: number[] = [];
  for (let i = 0; i < SCORES; i++) {
    const start = performance.now();
    await network.run(window, STEPS, 1);
    if (i >= SCORES / 10) runs.push(performance.now() - start);
  }
  await network.close();
  return [
    figure(`${name} score, p50`, 'ms', runs),
    { name: `${name} score, p99`, value: quantile(runs, 0.99), unit: 'ms', runs },
  ];
}

function pytorchStep(kind: string, device: Device): Figure | undefined {
  try {
    const said = execFileSync('python3', [join(import.meta.dirname, 'pytorch_step.py'), kind, device], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return figure(`PyTorch ${kind} training step`, 'ms', JSON.parse(said.toString()) as number[]);
  } catch {
    return undefined;
  }
}

function makeDataset(): Dataset {
  const random = createRandom(1);
  const rows = ROWS + 1 + STEPS;
  const columns = Array.from({ length: INPUTS }, (_, i) => `own_${i}@1`);
  const values = Float32Array.from({ length: rows * INPUTS }, () => random.next() - 0.5);
  const t = Float64Array.from({ length: rows }, (_, row) => row * 60_000);
  const chosen = Int32Array.from({ length: ROWS + 1 }, (_, i) => i + STEPS);
  return {
    table: { venue: 'bench', instrument: 'BTC-USD', columns, t, values },
    rows: chosen,
    outcomes: [{ up: Uint8Array.from(chosen, () => Number(random.next() < 0.5)), size: new Float64Array(chosen.length).fill(1) }],
  };
}
