/** The deep members of a table's heads, by recipe, behind the port that training and the backtest know. */
import { type HeadData } from '../head-data.ts';
import { type BundledMembers } from '../train.ts';
import { type NetworkResult } from './network-pool.ts';
import { TableNetworks, type TableNetworksOptions } from './table-networks.ts';
import { type NetworkRecipe } from './network-recipes.ts';

/** `keep`: leave out recipes that came to no network by then (ms): history is too short for them. Default: all stay, undecided. */
export async function createSharedMembers(
  recipes: readonly NetworkRecipe[],
  options: Omit<TableNetworksOptions, 'recipe'>,
  keep?: number,
): Promise<BundledMembers> {
  const all = recipes.map((recipe) => ({ name: recipe.name, networks: new TableNetworks({ ...options, recipe }) }));
  const found = await Promise.all(
    all.map(({ networks }) => (keep === undefined ? Promise.resolve(undefined) : networks.fittedBy(keep))),
  );
  const members = all.filter((_, k) => keep === undefined || found[k] !== undefined);
  return {
    names: members.map(({ name }) => name),
    predict: (until: number, head: HeadData, rows: Int32Array) =>
      Promise.all(members.map(({ networks }) => networks.predict(until, head, rows))),
    repeats: (until: number, head: HeadData) => Promise.all(members.map(({ networks }) => networks.repeats(until, head))),
    // Earlier steps of a window were the newest once.
    reads: (until: number) => Promise.all(members.map(async ({ networks }) => (await networks.fittedBy(until))?.inputs ?? [])),
    networks: async (until: number): Promise<NetworkResult[]> =>
      (await Promise.all(members.map(({ networks }) => networks.fittedBy(until)))).filter((each) => each !== undefined),
  };
}
