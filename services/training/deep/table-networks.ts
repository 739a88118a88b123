/**
 * The networks of one table, shared by all its heads: fitted once for each moment that something is predicted from, in order of time, each
 * fit starting from where the one before it ended. What a moment's network knows was known then.
 */
import { HORIZON_MS } from '#libs/market/horizon.ts';
import { parseInput } from '#libs/models/inputs.ts';
import { scoreWindows } from '#libs/models/networks/score-windows.ts';
import { seedFor } from '#libs/models/random.ts';
import { NO_MOVE } from '#libs/models/trainer.ts';
import { UP } from '#libs/validation/labels.ts';
import { type Fold, isTrained } from '#libs/validation/splits.ts';
import { type HeadData, isMove } from '../head-data.ts';
import { type NetworkJob, type NetworkPool, type NetworkResult } from './network-pool.ts';
import { type NetworkRecipe } from './network-recipes.ts';

export interface TableNetworksOptions {
  readonly pool: NetworkPool;
  /** Place of the table in the pool. */
  readonly place: number;
  /** The outputs, all of the same table. */
  readonly heads: readonly HeadData[];
  /** Training windows, in order of their end. */
  readonly folds: readonly Fold[];
  readonly recipe: NetworkRecipe;
  readonly seed: number;
  /** Start of the checkpoint files' names. Default: none are written. */
  readonly checkpoint?: string | undefined;
  readonly onFit: () => void;
  /** Share of the running fit's epochs that are done; the pool has one fit at a time. */
  readonly onEpoch?: (share: number) => void;
}

export class TableNetworks {
  readonly #options: TableNetworksOptions;
  /** By place in the folds; undefined = too few moves. */
  readonly #fits: Promise<NetworkResult | undefined>[] = [];
  readonly #scores = new Scores();

  constructor(options: TableNetworksOptions) {
    this.#options = options;
    for (const [k, fold] of options.folds.entries()) {
      const fit = this.#fit(fold, this.#fits[k - 1] ?? Promise.resolve(undefined));
      // Whoever asks for it hears of its failure.
      fit.catch(() => undefined);
      this.#fits.push(fit);
    }
  }

  /** The newest network that was trained by `until` (ms); undefined = there is none, or history is too short for one. */
  async fittedBy(until: number): Promise<NetworkResult | undefined> {
    return this.#fits[this.#options.folds.findLastIndex(({ trainTo }) => trainTo <= until)];
  }

  /** Probability of up for the table's `rows` by that network, for one of the heads; one half where there is none. */
  async predict(until: number, head: HeadData, rows: Int32Array): Promise<Float64Array> {
    const network = await this.fittedBy(until);
    if (network === undefined) return new Float64Array(rows.length).fill(0.5);
    const scores = await this.#scores.of(network, head, rows);
    return scores[this.#options.heads.indexOf(head)]!;
  }

  /** Whether it says for that head no more than the regression in it, or there is none. */
  async repeats(until: number, head: HeadData): Promise<boolean> {
    const network = await this.fittedBy(until);
    return network?.adds[this.#options.heads.indexOf(head)] !== true;
  }

  async #fit(fold: Fold, before: Promise<NetworkResult | undefined>): Promise<NetworkResult | undefined> {
    const warm = await before;
    const isKnown = (t: number, horizon: number): boolean => isTrained(fold, t, horizon);
    return (await fitNetwork(this.#options, isKnown, String(fold.trainTo), warm)) ?? warm;
  }
}

/** Fits one network of a table on the rows whose labels are known; `name`: of its checkpoint. Undefined = too few moves. */
export async function fitNetwork(
  { pool, place, heads, recipe, seed, checkpoint, onFit, onEpoch = () => undefined }: Omit<TableNetworksOptions, 'folds'>,
  isKnown: (t: number, horizon: number) => boolean,
  name: string,
  warm?: NetworkResult,
): Promise<NetworkResult | undefined> {
  const { table } = heads[0]!;
  const { rows, outcomes } = trainingData(heads, isKnown);
  const purgeMs = heads.reduce((most, { horizon }) => Math.max(most, HORIZON_MS[horizon]), 0);
  const own = `${table.venue}-${table.instrument}-${recipe.name}`;
  const options: NetworkJob['options'] = {
    ...recipe.options,
    ...(warm === undefined ? {} : { epochs: recipe.warmEpochs, learningRate: recipe.warmLearningRate, warmStart: warm }),
    purgeMs,
    seed: seedFor(seed, own),
    ...(checkpoint === undefined ? {} : { checkpoint: `${checkpoint}${own}-${name}.checkpoint` }),
  };
  const fitted =
    rows.length < recipe.leastRows
      ? undefined
      : await pool.fit(place, { rows, outcomes, options }, (done, total) => onEpoch(done / total));
  onFit();
  return fitted;
}

/** All heads of a table ask a network for the same rows, which one run answers. */
export class Scores {
  readonly #scored: {
    readonly network: NetworkResult;
    readonly rows: Int32Array;
    readonly scores: Promise<readonly Float64Array[]>;
  }[] = [];

  of(network: NetworkResult, { table }: HeadData, rows: Int32Array): Promise<readonly Float64Array[]> {
    const known = this.#scored.find((each) => each.network === network && isSame(each.rows, rows));
    if (known !== undefined) return known.scores;
    const scores = scoreWindows(network.model, network.inputs.map(parseInput), table, rows);
    this.#scored.push({ network, rows, scores });
    return scores;
  }
}

function isSame(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((row, i) => row === b[i]);
}

/** Rows that a head may train on, with what came of each for every head. */
function trainingData(
  heads: readonly HeadData[],
  isKnown: (t: number, horizon: number) => boolean,
): Pick<NetworkJob, 'rows' | 'outcomes'> {
  const { t } = heads[0]!.table;
  const known = (head: HeadData, row: number): boolean => isMove(head, row) && isKnown(t[row]!, HORIZON_MS[head.horizon]);
  const rows = Int32Array.from(t.keys()).filter((row) => heads.some((head) => known(head, row)));
  const outcomes = heads.map((head) => ({
    up: Uint8Array.from(rows, (row) => (known(head, row) ? Number(head.y[row] === UP) : NO_MOVE)),
    size: Float64Array.from(rows, (row) => (known(head, row) ? head.size[row]! : 0)),
  }));
  return { rows, outcomes };
}
