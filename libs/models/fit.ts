/** Fits the members of one head on one training window and lets them predict later rows. Pure: the same job gives the same result. */
import { binMatrix } from './bins.ts';
import { type BoostOptions, fitForest, predictForest, predictRows } from './boosted-trees.ts';
import { type Model } from './bundle.ts';
import { fitLogistic, predictLogistic } from './logistic.ts';
import { type Matrix, selectColumns } from './matrix.ts';
import { lagsOf } from './lags.ts';
import { strongestColumns } from './screening.ts';
import { gather, inputNames, usableInputs, type VectorTable } from './vector-table.ts';

/** What a member is and how it is fitted. */
export type MemberRecipe =
  | { readonly kind: 'logistic'; readonly inverseL2: number; readonly tolerance: number }
  | {
      readonly kind: 'trees';
      /** Rows weigh as the size of their move, up to three times the median. */
      readonly weighted: boolean;
      readonly boost: Omit<BoostOptions, 'seed'>;
    };

export interface Recipe {
  readonly members: readonly MemberRecipe[];
  /** Bins a column. */
  readonly bins: number;
  /** The newest rows that are trained on, at most. */
  readonly rows: number;
  /** The inputs most correlated with the outcome over the training rows that are kept, at most. */
  readonly inputs: number;
}

export interface FitJob {
  /** Rows of the table to train on: moves only, oldest first. */
  readonly rows: Int32Array;
  readonly up: Uint8Array;
  /** Size of each row's move, |log return|. */
  readonly size: Float64Array;
  /** Rows of the table to predict. */
  readonly predict: Int32Array;
  readonly recipe: Recipe;
  readonly seed: number;
}

export interface FitResult {
  /** `name@version#lag`, in the models' order. */
  readonly inputs: readonly string[];
  readonly models: readonly Model[];
  /** Probability of up for each of `predict`, by member. */
  readonly predictions: readonly Float64Array[];
}

export function fitMembers(table: VectorTable, job: FitJob): FitResult {
  const from = Math.max(0, job.rows.length - job.recipe.rows);
  const rows = job.rows.subarray(from);
  const up = job.up.subarray(from);
  const usable = usableInputs(table, rows, lagsOf);
  const wide = gather(table, usable, rows);
  const kept = strongestColumns(wide, up, job.recipe.inputs);
  const inputs = kept.map((c) => usable[c]!);
  const matrix = kept.length === wide.width ? wide : selectColumns(wide, kept);
  const weights = weightsOf(job.size.subarray(from));
  const bins = binMatrix(matrix, job.recipe.bins);
  const models = job.recipe.members.map((member, k): Model => {
    if (member.kind === 'logistic') return fitLogistic(matrix, up, member);
    return fitForest(bins, up, { ...member.boost, seed: job.seed + k }, member.weighted ? weights : undefined);
  });
  const later = gather(table, inputs, job.predict);
  return { inputs: inputNames(inputs), models, predictions: models.map((model) => predict(model, later)) };
}

export function predict(model: Model, matrix: Matrix): Float64Array {
  return predictRows(matrix, (values) =>
    model.kind === 'trees' ? predictForest(model, values) : predictLogistic(model, values),
  );
}

function weightsOf(size: Float64Array): Float64Array {
  const median = size.toSorted()[size.length >>> 1] ?? 1;
  return size.map((move) => Math.min(move / median, 3));
}
