/**
 * The networks of one table for combinatorial validation: each set of rows has networks of its own that start from nothing, since no order of time leads
 * from one set to another.
 */
import { seedFor } from '#libs/models/random.ts';
import { isInSet, type TrainingSet } from '#libs/validation/splits.ts';
import { type SharedMembers } from '../train.ts';
import { type NetworkResult } from './network-pool.ts';
import { type NetworkRecipe } from './network-recipes.ts';
import { fitNetwork, Scores, type TableNetworksOptions } from './table-networks.ts';

export function createSetNetworks(
  recipes: readonly NetworkRecipe[],
  options: Omit<TableNetworksOptions, 'recipe' | 'folds'>,
): SharedMembers<TrainingSet> {
  const { heads } = options;
  const fits = new Map<string, Promise<readonly (NetworkResult | undefined)[]>>();
  const scores = new Scores();
  const fit = (set: TrainingSet): Promise<readonly (NetworkResult | undefined)[]> => {
    const key = JSON.stringify(set);
    const isKnown = (t: number, horizon: number): boolean => isInSet(set, t, horizon);
    const name = String(seedFor(0, key));
    const fitted = fits.get(key) ?? Promise.all(recipes.map((recipe) => fitNetwork({ ...options, recipe }, isKnown, name)));
    fits.set(key, fitted);
    return fitted;
  };
  return {
    names: recipes.map(({ name }) => name),
    predict: async (set, head, rows) =>
      Promise.all(
        (await fit(set)).map(async (network) =>
          network === undefined
            ? new Float64Array(rows.length).fill(0.5)
            : (await scores.of(network, head, rows))[heads.indexOf(head)]!,
        ),
      ),
    repeats: async (set, head) => (await fit(set)).map((network) => network?.adds[heads.indexOf(head)] !== true),
  };
}
