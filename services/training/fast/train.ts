/** A bundle of the fast lane, out of recorded ticks. */
import { type Horizon } from '#libs/market/horizon.ts';
import { type Bundle } from '#libs/models/bundle.ts';
import { type Fold, innerFolds } from '#libs/validation/splits.ts';
import { createFitPool } from '../fit-pool.ts';
import { FIRST_SHARE, INNER_PARTS, sealTables, trainHead } from '../train.ts';
import { fastHeadData } from './head-data.ts';
import { type FastHistory } from './history.ts';
import { FAST_RECIPE, FAST_THRESHOLD } from './recipes.ts';

/** `workers`: threads, 0 = none beside this one. Throws `TRB_TRAINING_FAILED`. */
export async function trainFastBundle(
  history: FastHistory,
  { horizons, seed, workers }: { readonly horizons: readonly Horizon[]; readonly seed: number; readonly workers: number },
): Promise<Bundle> {
  const { from, to, targets } = history;
  const all: Fold = { from, trainTo: to, testFrom: to, testTo: to };
  const inner = innerFolds(from, to, FIRST_SHARE, INNER_PARTS);
  const pool = createFitPool(
    targets.map(({ table }) => table),
    workers,
  );
  const options = { pool, recipe: FAST_RECIPE, threshold: FAST_THRESHOLD, seed };
  const trainOne = (place: number, horizon: Horizon): ReturnType<typeof trainHead> =>
    trainHead(place, fastHeadData(targets[place]!, horizon, history), 0, all, inner, undefined, options);
  try {
    const trained = await Promise.all(
      targets.map(async (_, place) => ({
        heads: await Promise.all(horizons.map((horizon) => trainOne(place, horizon))),
        networks: [],
      })),
    );
    return sealTables(trained, { from, to }, { target: 'mid', lane: 'fast', seed });
  } finally {
    await pool.close();
  }
}
