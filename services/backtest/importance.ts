/**
 * What a head's members attend to: how much worse they get on a held-out fold when a feature's values are shuffled among its decisions
 * (permutation importance, Breiman 2001). Seeded.
 */
import { type FlatModel, predict } from '#libs/models/flat-trainers.ts';
import { parseInput, resolveInputs } from '#libs/models/inputs.ts';
import { openOnnxNetwork } from '#libs/models/networks/onnx-network.ts';
import { standardiseTable, windowsOf } from '#libs/models/networks/windows.ts';
import { createRandom } from '#libs/models/random.ts';
import { gather, type VectorTable } from '#libs/models/vector-table.ts';
import { UP } from '#libs/validation/labels.ts';
import { type NetworkResult } from '#services/training/deep/network-pool.ts';
import { type HeadData, isMove } from '#services/training/head-data.ts';
import { type PredictedFold } from '#services/training/train.ts';

export interface Importance {
  readonly feature: string;
  /** How much the Brier score rises when the feature is shuffled. */
  readonly brierRise: number;
}

export interface MemberImportance {
  readonly member: string;
  /** The largest first. */
  readonly features: readonly Importance[];
}

const ROWS = 250;
/** Fewer moves say nothing. */
const LEAST_MOVES = 50;
const SHOWN = 15;

/** Of the plain mean of the members that see one row. Lags of a feature are shuffled together. */
export function importanceOf(data: HeadData, fold: PredictedFold | undefined, seed: number): Importance[] {
  const rows = spread((fold?.rows ?? new Int32Array()).filter((row) => isMove(data, row)));
  if (fold === undefined || rows.length < LEAST_MOVES) return [];
  const inputs = fold.fitted.inputs.map(parseInput);
  const matrix = gather(data.table, inputs, rows);
  const up = rows.map((row) => Number(data.y[row] === UP));
  const before = brierOf(fold.fitted.models, matrix, up);
  const order = shuffled(rows.length, seed);
  return largest(
    [...new Set(inputs.map(({ feature }) => feature))].map((feature) => {
      const values = matrix.values.slice();
      inputs.forEach((input, c) => {
        if (input.feature !== feature) return;
        order.forEach((from, to) => (values[c * rows.length + to] = matrix.values[c * rows.length + from]!));
      });
      return { feature, brierRise: brierOf(fold.fitted.models, { ...matrix, values }, up) - before };
    }),
  );
}

function brierOf(models: readonly FlatModel[], matrix: Parameters<typeof predict>[1], up: Int32Array): number {
  const opinions = models.map((model) => predict(model, matrix));
  let sum = 0;
  for (let row = 0; row < up.length; row++) {
    const mean = opinions.reduce((total, each) => total + each[row]!, 0) / opinions.length;
    sum += (mean - up[row]!) ** 2;
  }
  return sum / up.length;
}

/** One network answers for all heads of its table, so it is asked once: what it says of some of `rows`, as they are and by shuffled feature. */
export interface ShuffledNetwork {
  /** Of the head that is the network's output `output`. */
  importanceOf(data: HeadData, output: number): Importance[];
}

/** A window keeps its other features; the shuffled one comes from another decision's window, all its steps together. */
export async function shuffleNetwork(
  { model, inputs }: Pick<NetworkResult, 'model' | 'inputs'>,
  table: VectorTable,
  rows: Int32Array,
  seed: number,
): Promise<ShuffledNetwork> {
  const some = spread(rows);
  const width = inputs.length;
  const { steps, outputs, scaler } = model;
  const standardised = standardiseTable(table, resolveInputs(inputs.map(parseInput), table.columns), scaler);
  const windows = windowsOf(table.t, standardised, width, some, steps);
  const order = shuffled(some.length, seed);
  const network = await openOnnxNetwork(model.onnx, model.mirror);
  const run = async (values: Float32Array): Promise<Float32Array> =>
    Float32Array.from(await network.run(values, steps, some.length));
  try {
    const before = await run(windows);
    const after: Float32Array[] = [];
    for (let place = 0; place < width; place++) {
      const values = windows.slice();
      for (let step = 0; step < steps; step++) {
        const at = step * some.length;
        order.forEach((from, to) => (values[(at + to) * width + place] = windows[(at + from) * width + place]!));
      }
      after.push(await run(values));
    }
    return {
      importanceOf(data, output) {
        const moves = [...some.keys()].filter((i) => isMove(data, some[i]!));
        if (moves.length < LEAST_MOVES) return [];
        const brier = (said: Float32Array): number =>
          moves.reduce((sum, i) => sum + (said[i * outputs + output]! - Number(data.y[some[i]!] === UP)) ** 2, 0) / moves.length;
        return largest(inputs.map((feature, place) => ({ feature, brierRise: brier(after[place]!) - brier(before) })));
      },
    };
  } finally {
    await network.close();
  }
}

/** At most ROWS of them, evenly. */
function spread(rows: Int32Array): Int32Array {
  const step = Math.max(1, Math.floor(rows.length / ROWS));
  return rows.filter((_, i) => i % step === 0).subarray(0, ROWS);
}

function shuffled(count: number, seed: number): Int32Array {
  const random = createRandom(seed);
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const other = Math.floor(random.next() * (i + 1));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}

function largest(all: readonly Importance[]): Importance[] {
  return all.toSorted((a, b) => b.brierRise - a.brierRise).slice(0, SHOWN);
}
