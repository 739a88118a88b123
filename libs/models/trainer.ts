/** The port behind which every kind of model is trained: a dataset in, a fitted model that scores windows out. Deterministic by seed. */
import { type VectorTable } from './vector-table.ts';

/** In `Outcome.up`: the price did not move, or what it did is not known; the row does not count for this outcome. */
export const NO_MOVE = 2;

/** What came of each row of a dataset, for one thing to predict. */
export interface Outcome {
  /** 1 = up, 0 = down, NO_MOVE. */
  readonly up: Uint8Array;
  /** |log return|. */
  readonly size: Float64Array;
}

/** Training data, flat: the windows that end at `rows` of the table. */
export interface Dataset {
  readonly table: VectorTable;
  /** Oldest first. */
  readonly rows: Int32Array;
  /** One for each output of the model; kinds that have one output take the first. */
  readonly outcomes: readonly Outcome[];
}

export interface FittedModel<Model> {
  /** What the model reads, in its order: `name@version#lag`. */
  readonly inputs: readonly string[];
  readonly model: Model;
  /** Probability of up, by output, for each window that ends at one of `rows`. */
  score(table: VectorTable, rows: Int32Array): Promise<readonly Float64Array[]>;
}

export interface Trainer<Options, Model> {
  readonly kind: string;
  /** `progress`: steps done, of all. Aborting `signal` rejects with its reason. */
  fit(
    dataset: Dataset,
    options: Options,
    progress: (done: number, total: number) => void,
    signal: AbortSignal,
  ): Promise<FittedModel<Model>>;
}
