/** What models without a sequence train on: one row of chosen inputs, lags among them, for each decision. Made once for all that share it. */
import { type Bins, binMatrix } from './bins.ts';
import { type Input } from './inputs.ts';
import { lagsOf } from './lags.ts';
import { type Matrix, stackRows } from './matrix.ts';
import { bothOutcomes } from './mirror.ts';
import { strongestInputs, strongestMirrored } from './screening.ts';
import { type Dataset } from './trainer.ts';
import { gather, gatherMirrored, type LagsOf, usableInputs } from './vector-table.ts';

export interface DesignOptions {
  /** The newest rows that are trained on, at most. */
  readonly rows: number;
  /** The inputs most correlated with the outcome over the training rows that are kept, at most. */
  readonly inputs: number;
  /** Names without version; only these are inputs, as they are now. Default: all, with their lags. */
  readonly features?: readonly string[] | undefined;
  /** Each row's mirror image is trained on, too. */
  readonly mirrored?: boolean | undefined;
}

export interface Design {
  readonly inputs: readonly Input[];
  readonly matrix: Matrix;
  readonly up: Uint8Array;
  /** Each row's size of move, up to three times the median, over the median. */
  readonly weights: Float64Array;
  /** `count`: bins a column. */
  bins(count: number): Bins;
}

const designs = new WeakMap<Dataset, Map<string, Design>>();

export function designOf(dataset: Dataset, options: DesignOptions): Design {
  const known = designs.get(dataset) ?? new Map<string, Design>();
  designs.set(dataset, known);
  const key = `${options.rows} ${options.inputs} ${options.features?.join() ?? ''} ${options.mirrored === true}`;
  const design = known.get(key) ?? makeDesign(dataset, options);
  known.set(key, design);
  return design;
}

function makeDesign({ table, rows: all, outcomes }: Dataset, options: DesignOptions): Design {
  const [outcome] = outcomes;
  const from = Math.max(0, all.length - options.rows);
  const rows = all.subarray(from);
  const up = outcome!.up.subarray(from);
  const usable = usableInputs(table, rows, options.features === undefined ? lagsOf : nowOf(options.features));
  const isMirrored = options.mirrored === true;
  const inputs = (isMirrored ? strongestMirrored : strongestInputs)(table, usable, rows, up, options.inputs);
  const straight = gather(table, inputs, rows);
  const matrix = isMirrored ? stackRows(straight, gatherMirrored(table, inputs, rows)) : straight;
  const weights = weightsOf(outcome!.size.subarray(from));
  const binned = new Map<number, Bins>();
  return {
    inputs,
    matrix,
    up: isMirrored ? bothOutcomes(up) : up,
    weights: isMirrored ? Float64Array.from([...weights, ...weights]) : weights,
    bins(count) {
      const bins = binned.get(count) ?? binMatrix(matrix, count);
      binned.set(count, bins);
      return bins;
    },
  };
}

function nowOf(features: readonly string[]): LagsOf {
  return (column) => (features.includes(column.replace(/@.*/, '')) ? [0] : []);
}

function weightsOf(size: Float64Array): Float64Array {
  const median = size.toSorted()[size.length >>> 1] ?? 1;
  return size.map((move) => Math.min(move / median, 3));
}
