/** One configuration on one inner fold: fitted on a share of what the fold may train on, scored on what follows. */
import { type Recipe } from '#libs/models/fit.ts';
import { type Fold } from '#libs/validation/splits.ts';
import { createNetworkPool, type NetworkPool } from '#services/training/deep/network-pool.ts';
import {
  LSTM_RECIPE,
  type NetworkRecipe,
  TENSORFLOW_THREADS,
  TRANSFORMER_RECIPE,
} from '#services/training/deep/network-recipes.ts';
import { TableNetworks } from '#services/training/deep/table-networks.ts';
import { type Device } from '#services/training/deep/tensorflow.ts';
import { createFitPool, type FitPool } from '#services/training/fit-pool.ts';
import { type HeadData, testRows, trainingRows } from '#services/training/head-data.ts';
import { FULL_RECIPE } from '#services/training/recipes.ts';
import { predictFold } from '#services/training/train.ts';
import { seedFor } from '#libs/models/random.ts';
import { type HeadPredictions } from './score.ts';
import { type Configuration } from './space.ts';

/** What all trials of a search share. */
export interface Ground {
  /** Heads by table. */
  readonly heads: readonly (readonly HeadData[])[];
  /** Inner folds by table, in order of time. */
  readonly folds: readonly (readonly Fold[])[];
  readonly seed: number;
}

export interface FitterOptions {
  /** Threads for trees and logistic regression, 0 = this one. */
  readonly workers: number;
  readonly device: Device;
}

/** Opens what fits when it is first needed; after a failure, anew. */
export class Fitter {
  readonly #ground: Ground;
  readonly #options: FitterOptions;
  #pool: FitPool | undefined;
  #networks: NetworkPool | undefined;

  constructor(ground: Ground, options: FitterOptions) {
    this.#ground = ground;
    this.#options = options;
  }

  async run(configuration: Configuration, budget: number, fold: number): Promise<HeadPredictions[]> {
    const { heads, folds } = this.#ground;
    const predicted: HeadPredictions[] = [];
    for (const [place, datas] of heads.entries())
      predicted.push(...(await this.#table(configuration, budget, place, datas, folds[place]![fold]!)));
    return predicted;
  }

  async close(): Promise<void> {
    const [pool, networks] = [this.#pool, this.#networks];
    this.#pool = this.#networks = undefined;
    await Promise.all([pool?.close(), networks?.close()]);
  }

  #table(configuration: Configuration, budget: number, place: number, heads: readonly HeadData[], fold: Fold) {
    return configuration.model === 'logistic' || configuration.model === 'trees'
      ? this.#flat(configuration, budget, place, heads, fold)
      : this.#network(configuration, budget, place, heads, fold);
  }

  async #flat(
    configuration: Extract<Configuration, { model: 'logistic' | 'trees' }>,
    budget: number,
    place: number,
    heads: readonly HeadData[],
    fold: Fold,
  ): Promise<HeadPredictions[]> {
    const tables = this.#ground.heads.map(([first]) => first!.table);
    const pool = (this.#pool ??= createFitPool(tables, this.#options.workers));
    return Promise.all(
      heads.map(async (data) => {
        const rows = Math.ceil(budget * Math.min(FULL_RECIPE.rows, trainingRows(data, fold).length));
        const { venue, instrument } = data.table;
        const seed = seedFor(this.#ground.seed, `${venue}:${instrument}:${data.horizon}:${data.target}`);
        const predicted = await predictFold(place, data, fold, { pool, recipe: recipeOf(configuration, rows) }, seed);
        return { data, rows: predicted.rows, probabilities: predicted.predictions[0]! };
      }),
    );
  }

  async #network(
    configuration: Extract<Configuration, { model: 'lstm' | 'transformer' }>,
    budget: number,
    place: number,
    heads: readonly HeadData[],
    fold: Fold,
  ): Promise<HeadPredictions[]> {
    const tables = this.#ground.heads.map(([first]) => first!.table);
    const pool = (this.#networks ??= createNetworkPool(tables, { threads: TENSORFLOW_THREADS, device: this.#options.device }));
    const recipe = networkRecipeOf(configuration, budget);
    const { seed } = this.#ground;
    const networks = new TableNetworks({ pool, place, heads, folds: [fold], recipe, seed, onFit: () => undefined });
    return Promise.all(
      heads.map(async (data) => {
        const rows = testRows(data, fold);
        return { data, rows, probabilities: await networks.predict(fold.trainTo, data, rows) };
      }),
    );
  }
}

function recipeOf(configuration: Extract<Configuration, { model: 'logistic' | 'trees' }>, rows: number): Recipe {
  const shared = { bins: FULL_RECIPE.bins, rows, inputs: configuration.inputs };
  if (configuration.model === 'logistic')
    return { ...shared, members: [{ kind: 'logistic', inverseL2: configuration.inverseL2, tolerance: 0.1 }] };
  const { trees, learningRate, leaves, leafRows, l2, rowShare, columnShare } = configuration;
  const boost = { trees, learningRate, leaves, leafRows, l2, rowShare, columnShare };
  return { ...shared, members: [{ kind: 'trees', weighted: false, boost }] };
}

/** Fitting ends early anyway where the validation loss no longer falls. */
function networkRecipeOf(
  configuration: Extract<Configuration, { model: 'lstm' | 'transformer' }>,
  budget: number,
): NetworkRecipe {
  const usual = configuration.model === 'lstm' ? LSTM_RECIPE : TRANSFORMER_RECIPE;
  const { inputs, steps, width, dropout, learningRate, l2 } = configuration;
  const architecture =
    configuration.model === 'lstm'
      ? ({ kind: 'lstm', layers: configuration.layers, width, dropout, pooling: 'attention' } as const)
      : ({ kind: 'transformer', blocks: configuration.blocks, heads: configuration.heads, width, dropout } as const);
  const epochs = Math.max(1, Math.round(budget * usual.options.epochs));
  return { ...usual, options: { ...usual.options, architecture, inputs, steps, learningRate, l2, epochs } };
}
