/**
 * Members fitted on the rows of all venues of an instrument at once: what leads a venue and how far it follows is much the same everywhere, and
 * several times the rows say more of it. Inputs are relative to a vector's own venue, so that one model serves all.
 */
import { type FitResult, type FlatRecipe, memberName } from '#libs/models/fit.ts';
import { predict } from '#libs/models/flat-trainers.ts';
import { parseInput } from '#libs/models/inputs.ts';
import { seedFor } from '#libs/models/random.ts';
import { gather, newestRows, SEAM_ROWS, stackTables } from '#libs/models/vector-table.ts';
import { VOID } from '#libs/validation/labels.ts';
import { type TrainingSet, upTo } from '#libs/validation/splits.ts';
import { type FitPool } from './fit-pool.ts';
import { type HeadData, rowsOf, upsOf } from './head-data.ts';
import { type SharedMembers } from './train.ts';

export interface PooledMembers extends SharedMembers {
  /** As trained on all that was known at `until`. */
  fit(until: number, head: HeadData): Promise<FitResult>;
  /** The same, trained on any set. */
  readonly onSets: SharedMembers<TrainingSet>;
}

/**
 * The heads of several tables, one list a table in the same order of horizon and target, as heads of one table that holds the rows of all: of each
 * the newest `rows`. `parts` is read through once, so that it may load its tables one after another.
 */
export function joinHeads(parts: Iterable<readonly HeadData[]>, rows = Infinity): readonly HeadData[] {
  const kept = Array.from(parts, (heads) => endOf(heads, rows));
  const table = stackTables(kept.flatMap((heads) => heads.slice(0, 1).map((head) => head.table)));
  return (kept[0] ?? []).map(({ horizon, target }, k) => {
    const y = new Int8Array(table.t.length).fill(VOID);
    const size = new Float64Array(table.t.length);
    let at = 0;
    for (const heads of kept) {
      y.set(heads[k]!.y, at);
      size.set(heads[k]!.size, at);
      at += heads[k]!.y.length + SEAM_ROWS;
    }
    return { table, horizon, target, y, size };
  });
}

/** All of one table, of which one copy is enough. */
function endOf(heads: readonly HeadData[], rows: number): readonly HeadData[] {
  const table = newestRows(heads[0]!.table, rows);
  const end = <A extends Int8Array | Float64Array>(values: A): A => values.slice(values.length - table.t.length) as A;
  return heads.map((head) => ({ ...head, table, y: end(head.y), size: end(head.size) }));
}

/** Of rows that stand table after table the newest `most`, in their old order. */
function newestOf(t: Float64Array, rows: Int32Array, most: number): Int32Array {
  if (rows.length <= most) return rows;
  return rows
    .toSorted((a, b) => t[b]! - t[a]! || a - b)
    .subarray(0, most)
    .sort();
}

export interface PooledOptions {
  readonly pool: FitPool;
  /** Place of the joint table in the pool. */
  readonly place: number;
  /** Of the joint table. */
  readonly heads: readonly HeadData[];
  readonly recipe: FlatRecipe;
  readonly seed: number;
}

export function createPooledMembers({ pool, place, heads, recipe, seed }: PooledOptions): PooledMembers {
  const fits = new Map<string, Promise<FitResult>>();
  const fit = (set: TrainingSet, { horizon, target }: HeadData): Promise<FitResult> => {
    const key = `pooled:${horizon}:${target}`;
    const name = `${key}:${JSON.stringify(set)}`;
    const known = fits.get(name);
    if (known !== undefined) return known;
    const joint = heads.find((head) => head.horizon === horizon && head.target === target)!;
    const rows = newestOf(joint.table.t, rowsOf(joint, set), recipe.rows);
    const size = Float64Array.from(rows, (row) => joint.size[row]!);
    const job = { rows, up: upsOf(joint, rows), size, predict: new Int32Array(), recipe, seed: seedFor(seed, key) };
    const fitted = pool.fit(place, job);
    fits.set(name, fitted);
    return fitted;
  };
  const names = recipe.members.map((member) => `pooled_${memberName(member)}`);
  const predictBy = async (set: TrainingSet, head: HeadData, rows: Int32Array): Promise<readonly Float64Array[]> => {
    const { inputs, models } = await fit(set, head);
    const matrix = gather(head.table, inputs.map(parseInput), rows);
    return models.map((model) => predict(model, matrix));
  };
  return {
    names,
    fit: (until, head) => fit(upTo(until), head),
    predict: (until, head, rows) => predictBy(upTo(until), head, rows),
    reads: async (until, head) => (await fit(upTo(until), head)).reads,
    onSets: { names, predict: predictBy },
  };
}
