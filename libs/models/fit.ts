/** Fits the members of one head on one training window and lets them predict later rows. Pure: the same job gives the same result. */
import { type BoostOptions } from './boosted-trees.ts';
import { type DesignOptions } from './design.ts';
import { type FlatModel, joinModels, logisticTrainer, treesTrainer } from './flat-trainers.ts';
import { type Dataset, type FittedModel } from './trainer.ts';
import { type VectorTable } from './vector-table.ts';

/** What a member is and how it is fitted. */
export type MemberRecipe =
  | {
      readonly kind: 'logistic';
      readonly inverseL2: number;
      readonly tolerance: number;
      /** Its only inputs, without version; default: the design that members share. */
      readonly features?: readonly string[];
    }
  | {
      readonly kind: 'trees';
      /** Rows weigh as the size of their move, up to three times the median. */
      readonly weighted: boolean;
      readonly boost: Omit<BoostOptions, 'seed'>;
    };

/** `logistic`, `forecast` (logistic on features of its own), `trees`, `weighted_trees`. */
export function memberName(member: MemberRecipe): string {
  if (member.kind === 'logistic') return member.features === undefined ? 'logistic' : 'forecast';
  return member.weighted ? 'weighted_trees' : 'trees';
}

/** Members that share a design, but for those that name their features. */
export interface FlatRecipe extends DesignOptions {
  readonly members: readonly MemberRecipe[];
  /** Bins a column. */
  readonly bins: number;
}

export interface Recipe extends FlatRecipe {
  /** Fitted once for all venues of an instrument, on the rows of all of them. */
  readonly pooled?: FlatRecipe;
}

export interface FitJob {
  /** Rows of the table to train on: moves only, oldest first. */
  readonly rows: Int32Array;
  readonly up: Uint8Array;
  /** Size of each row's move, |log return|. */
  readonly size: Float64Array;
  /** Rows of the table to predict. */
  readonly predict: Int32Array;
  readonly recipe: FlatRecipe;
  readonly seed: number;
}

export interface FitResult {
  /** `name@version#lag`, in the models' order. */
  readonly inputs: readonly string[];
  readonly models: readonly FlatModel[];
  /** Of `inputs` those that each model reads. */
  readonly reads: readonly (readonly string[])[];
  /** Probability of up for each of `predict`, by member. */
  readonly predictions: readonly Float64Array[];
}

export async function fitMembers(table: VectorTable, job: FitJob): Promise<FitResult> {
  const dataset: Dataset = { table, rows: job.rows, outcomes: [{ up: job.up, size: job.size }] };
  const members: FittedModel<FlatModel>[] = [];
  for (const [k, member] of job.recipe.members.entries())
    members.push(await fitMember(dataset, member, job.recipe, job.seed + k));
  const predictions = await Promise.all(members.map((member) => member.score(table, job.predict)));
  return {
    ...joinModels(members.map(({ inputs, model }) => ({ inputs, models: [model] }))),
    reads: members.map(({ inputs }) => inputs),
    predictions: predictions.map(([first]) => first!),
  };
}

function fitMember(dataset: Dataset, member: MemberRecipe, recipe: FlatRecipe, seed: number): Promise<FittedModel<FlatModel>> {
  const never = new AbortController().signal;
  const silent = (): void => undefined;
  const shared = { rows: recipe.rows, inputs: recipe.inputs, mirrored: recipe.mirrored };
  if (member.kind === 'logistic') return logisticTrainer.fit(dataset, { ...shared, ...member }, silent, never);
  const options = { ...shared, bins: recipe.bins, weighted: member.weighted, boost: { ...member.boost, seed } };
  return treesTrainer.fit(dataset, options, silent, never);
}
