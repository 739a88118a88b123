/**
 * What a GPU is worth to the deep models, where one is and TensorFlow for it is staged:
 * `node --import tsx bench/device.ts --history FILE [--venue kraken] [--train-until 2023-03-06T00:00:00Z] [--devices gpu,gpu,cpu] [--json FILE]`
 * fits both networks of `train --models all` on each device in turn, a process each, and scores the two days after; it says how long an epoch takes,
 * whether two fits on one device end with the same bits, and how far the devices are from each other. `--steps gpu` times a training
 * step and an answer of the networks of `npm run bench` instead.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { loadCandles } from '#libs/history/candles.ts';
import { UP } from '#libs/validation/labels.ts';
import { HORIZON_MS, SLOW_HORIZONS } from '#libs/market/horizon.ts';
import { createNetworkPool, type NetworkResult } from '#services/training/deep/network-pool.ts';
import {
  LSTM_RECIPE,
  type NetworkRecipe,
  TENSORFLOW_THREADS,
  TRANSFORMER_RECIPE,
} from '#services/training/deep/network-recipes.ts';
import { TableNetworks } from '#services/training/deep/table-networks.ts';
import { type Device } from '#services/training/deep/tensorflow.ts';
import { headData, type HeadData, isMove, testRows } from '#services/training/head-data.ts';
import { seriesOf } from '#services/training/train.ts';
import { foldCandles } from '#services/training/history.ts';
import { line, quantile } from './measure.ts';
import { benchNetworks } from './networks.ts';

const DAY = 86_400_000;
const SEED = 1;
const RECIPES = [LSTM_RECIPE, TRANSFORMER_RECIPE];

interface Fit {
  readonly device: Device;
  readonly recipe: string;
  /** From the process's start until it is ready. */
  readonly loadSeconds: number;
  /** Each with its validation; the first with what comes before it: the choice of inputs, the regression, and kernels that are compiled. */
  readonly epochSeconds: readonly number[];
  readonly network: NetworkResult;
  /** Of up, by horizon, on the rows that are judged. */
  readonly probabilities: readonly Float64Array[];
  /** Mean over moves, by horizon. */
  readonly logLoss: readonly number[];
}

const { values } = parseArgs({
  options: {
    history: { type: 'string' },
    venue: { type: 'string', default: 'kraken' },
    'train-until': { type: 'string', default: '2023-03-06T00:00:00Z' },
    devices: { type: 'string', default: 'gpu,gpu,cpu' },
    json: { type: 'string' },
    steps: { type: 'string' },
  },
});
if (values.steps !== undefined) for (const figure of await benchNetworks(deviceOf(values.steps))) say(line(figure));
if (values.history !== undefined) await compare(values.history);

async function compare(history: string): Promise<void> {
  const trainTo = Date.parse(values['train-until']);
  const [testFrom, testTo] = [trainTo, trainTo + 2 * DAY];
  const { rows } = await loadCandles(history);
  const known = rows.filter(({ start }) => start < testTo + HORIZON_MS['15m'] + DAY / 24);
  const { tables, series } = await foldCandles(known, { symbols: ['BTC-USD'], venues: [values.venue] });
  const heads = SLOW_HORIZONS.map((horizon) => headData(tables[0]!, seriesOf(series, tables[0]!), horizon, 'entry'));
  const judged = testRows(heads[0]!, { testFrom, testTo });
  const fits: Fit[] = [];
  for (const device of values.devices.split(',').map(deviceOf)) {
    for (const recipe of RECIPES) {
      const fit = await fitOn(device, recipe, heads, { from: -Infinity, trainTo, testFrom, testTo }, judged);
      fits.push(fit);
      say(told(fit));
    }
  }
  for (const { name } of RECIPES) {
    const [first, ...others] = fits.filter(({ recipe }) => recipe === name);
    for (const other of others) say(`${name} ${first!.device} against ${other.device}: ${distance(first!, other)}`);
  }
  if (values.json !== undefined) await writeFile(values.json, JSON.stringify(fits.map(asJson)));
}

async function fitOn(
  device: Device,
  recipe: NetworkRecipe,
  heads: readonly HeadData[],
  fold: { readonly from: number; readonly trainTo: number; readonly testFrom: number; readonly testTo: number },
  judged: Int32Array,
): Promise<Fit> {
  const started = performance.now();
  const pool = createNetworkPool([heads[0]!.table], { threads: TENSORFLOW_THREADS, device });
  try {
    await pool.ready();
    const at = [performance.now()];
    const loadSeconds = (at[0]! - started) / 1000;
    const onEpoch = (): void => void at.push(performance.now());
    const given = { pool, place: 0, heads, folds: [fold], recipe, seed: SEED, onFit: () => undefined, onEpoch };
    const networks = new TableNetworks(given);
    const network = await networks.fittedBy(fold.trainTo);
    if (network === undefined) throw new Error('there is too little history before --train-until');
    const probabilities = await Promise.all(heads.map((head) => networks.predict(fold.trainTo, head, judged)));
    const epochSeconds = at.slice(1).map((time, i) => (time - at[i]!) / 1000);
    const logLoss = heads.map((head, h) => logLossOf(head, judged, probabilities[h]!));
    return { device, recipe: recipe.name, loadSeconds, epochSeconds, network, probabilities, logLoss };
  } finally {
    await pool.close();
  }
}

function told({ device, recipe, loadSeconds, epochSeconds, network, logLoss }: Fit): string {
  const [first, ...later] = epochSeconds;
  return [
    `${recipe} ${device}: ready in ${loadSeconds.toFixed(1)} s`,
    `first epoch ${first?.toFixed(2)} s`,
    `later ones ${quantile(later, 0.5).toFixed(3)} s (${later.length})`,
    `best after ${network.best.epoch} at ${network.best.loss.toFixed(5)}`,
    `log loss ${logLoss.map((loss, h) => `${SLOW_HORIZONS[h]} ${loss.toFixed(5)}`).join(', ')}`,
  ].join('; ');
}

function distance(a: Fit, b: Fit): string {
  const furthest = a.probabilities.flatMap((some, h) => [...some].map((p, i) => Math.abs(p - b.probabilities[h]![i]!)));
  const most = furthest.reduce((max, each) => Math.max(max, each), 0);
  const mean = furthest.reduce((sum, each) => sum + each, 0) / furthest.length;
  const isSame = Buffer.compare(Buffer.from(a.network.model.onnx), Buffer.from(b.network.model.onnx)) === 0;
  return `${isSame ? 'the same bits' : 'other bits'}; probabilities differ by ${most.toExponential(1)} at most, ${mean.toExponential(1)} on average`;
}

function logLossOf(head: HeadData, rows: Int32Array, probabilities: Float64Array): number {
  const losses = [...rows].flatMap((row, i) => {
    if (!isMove(head, row)) return [];
    const p = probabilities[i]!;
    return [-Math.log(head.y[row] === UP ? p : 1 - p)];
  });
  return losses.reduce((sum, each) => sum + each, 0) / losses.length;
}

/** With all that is needed to serve it elsewhere. */
function asJson({ network, probabilities, ...rest }: Fit): object {
  const { model, inputs, best } = network;
  const { mean, deviation } = model.scaler;
  return {
    ...rest,
    ...{ inputs, best, probabilities: probabilities.map((each) => [...each]) },
    model: { ...model, scaler: { mean: [...mean], deviation: [...deviation] }, onnx: Buffer.from(model.onnx).toString('base64') },
  };
}

function deviceOf(name: string): Device {
  if (name !== 'cpu' && name !== 'gpu') throw new Error(`${name} is neither cpu nor gpu`);
  return name;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
