/** Members of all venues at once: what they are fitted on, and what they cannot know. */
import { describe, expect, test } from '@jest/globals';
import { type FlatRecipe } from '#libs/models/fit.ts';
import { joinModels, predictFlat } from '#libs/models/flat-trainers.ts';
import { parseInput } from '#libs/models/inputs.ts';
import { createRandom } from '#libs/models/random.ts';
import { gather, type VectorTable } from '#libs/models/vector-table.ts';
import { createFitPool } from './fit-pool.ts';
import { type HeadData } from './head-data.ts';
import { createPooledMembers, joinHeads } from './pooled-members.ts';

const MINUTE = 60_000;
const ROWS = 600;
const UNTIL = 500 * MINUTE;
const recipe: FlatRecipe = {
  ...{ rows: 5_000, inputs: 10, bins: 31 },
  members: [
    { kind: 'logistic', inverseL2: 0.1, tolerance: 0.1 },
    {
      kind: 'trees',
      weighted: true,
      boost: { trees: 20, learningRate: 0.2, leaves: 4, leafRows: 20, l2: 1, rowShare: 1, columnShare: 1 },
    },
  ],
};

describe('heads of several venues as one', () => {
  const parts = [makeHead('coinbase', 1), makeHead('kraken', 2, ['own@1', 'lead@1', 'more@1'])];
  const [joint] = joinHeads(parts.map((head) => [head]));

  test('has every row and outcome of each; a column that a venue lacks is missing', () => {
    const { table, y, size } = joint!;
    expect(table.columns).toEqual(['lead@1', 'own@1', 'more@1']);
    const rows = Array.from(table.t.keys()).filter((row) => !Number.isNaN(table.t[row]!));
    expect(rows).toHaveLength(2 * ROWS);
    rows.forEach((row, i) => {
      const head = parts[Math.floor(i / ROWS)]!;
      const from = i % ROWS;
      expect([table.t[row], y[row], size[row]]).toEqual([head.table.t[from], head.y[from], head.size[from]]);
      for (const [c, column] of table.columns.entries()) {
        const place = head.table.columns.indexOf(column);
        const value = place < 0 ? NaN : head.table.values[from * head.table.columns.length + place];
        expect(table.values[row * table.columns.length + c]).toEqual(value);
      }
    });
  });

  test('no lag reaches from one venue into another, though the times would fit', () => {
    const later = makeHead('kraken', 2);
    const behind = { ...later, table: { ...later.table, t: later.table.t.map((t) => t + ROWS * MINUTE) } };
    const stacked = joinHeads([[parts[0]!], [behind]])[0]!.table;
    const first = stacked.t.findIndex((t) => t === ROWS * MINUTE);
    const inputs = [0, 1, 5].map((lag) => ({ feature: 'lead@1', lag }));
    const { values } = gather(stacked, inputs, Int32Array.of(first, first + 1));
    expect([...values].map((value) => Number.isNaN(value))).toEqual([false, false, true, false, true, true]);
  });

  test('keeps the newest rows of each where there are too many', () => {
    const many = joinHeads([[parts[0]!]], 120)[0]!;
    expect([...many.table.t.subarray(0, 120)]).toEqual([...parts[0]!.table.t.subarray(ROWS - 120)]);
    expect([...many.y.subarray(0, 120)]).toEqual([...parts[0]!.y.subarray(ROWS - 120)]);
  });
});

describe('pooled members', () => {
  test('learn from one venue what another needs, and nothing from what came later', async () => {
    const heads = [makeHead('coinbase', 1), makeHead('kraken', 2)];
    const rows = Int32Array.from({ length: ROWS - 500 }, (_, i) => 500 + i);
    const predictions = await predict(heads, rows);
    for (const probabilities of predictions) {
      const right = rows.reduce((sum, row, i) => sum + Number(probabilities[i]! > 0.5 === heads[1]!.y[row]! > 0), 0);
      expect(right / rows.length).toBeGreaterThan(0.75);
    }
    const overwritten = heads.map((head) => {
      const values = head.table.values.slice();
      if (head === heads[0]) values.fill(7, 500 * head.table.columns.length);
      return { ...head, table: { ...head.table, values }, y: head.y.map((y, row) => (row >= 500 ? -y : y)) };
    });
    expect(await predict(overwritten, rows)).toEqual(predictions);
  });

  test('are fitted on the newest rows of every venue where there are too many', async () => {
    const heads = [makeHead('coinbase', 1), makeHead('kraken', 2)];
    const last = { ...recipe, rows: 400 };
    const fitted = await membersOf(heads, last).fit(UNTIL, heads[0]!);
    // The 200 minutes before; what stood earlier may be anything.
    const overwritten = heads.map((head) => ({ ...head, y: head.y.map((y, row) => (row < 300 ? -y : y)) }));
    expect((await membersOf(overwritten, last).fit(UNTIL, heads[0]!)).models).toEqual(fitted.models);
    const inside = heads.map((head) => ({ ...head, y: head.y.map((y, row) => (row < 301 ? -y : y)) }));
    expect((await membersOf(inside, last).fit(UNTIL, heads[0]!)).models).not.toEqual(fitted.models);
  });

  test('say the same among the inputs of others', async () => {
    const heads = [makeHead('coinbase', 1), makeHead('kraken', 2)];
    const fitted = await membersOf(heads).fit(UNTIL, heads[0]!);
    const joined = joinModels([{ inputs: ['own@1', 'other@1#3'], models: [] }, fitted]);
    expect(joined.inputs).toEqual(['own@1', 'other@1#3', ...fitted.inputs.filter((name) => name !== 'own@1')]);
    const { table } = heads[0]!;
    const matrix = gather(
      table,
      fitted.inputs.map(parseInput),
      Int32Array.from({ length: 50 }, (_, i) => i),
    );
    for (let row = 0; row < 50; row++) {
      const narrow = Float32Array.from(fitted.inputs, (_, c) => matrix.values[c * 50 + row]!);
      const wide = Float32Array.from(joined.inputs, (name) => narrow[fitted.inputs.indexOf(name)] ?? NaN);
      joined.models.forEach((model, m) =>
        expect(predictFlat(model, wide)).toBeCloseTo(predictFlat(fitted.models[m]!, narrow), 12),
      );
    }
  });
});

function membersOf(heads: readonly HeadData[], of = recipe): ReturnType<typeof createPooledMembers> {
  const joint = joinHeads(heads.map((head) => [head]));
  return createPooledMembers({ pool: createFitPool([joint[0]!.table], 0), place: 0, heads: joint, recipe: of, seed: 1 });
}

function predict(heads: readonly HeadData[], rows: Int32Array): Promise<readonly Float64Array[]> {
  return membersOf(heads).predict(UNTIL, heads[1]!, rows);
}

/** `lead@1` tells the outcome nine times of ten. */
function makeHead(venue: string, seed: number, columns: readonly string[] = ['lead@1', 'own@1']): HeadData {
  const random = createRandom(seed);
  const values = Float32Array.from({ length: ROWS * columns.length }, () => random.next() - 0.5);
  const table: VectorTable = {
    ...{ venue, instrument: 'BTC-USD', columns, values },
    t: Float64Array.from({ length: ROWS }, (_, row) => row * MINUTE),
  };
  const lead = columns.indexOf('lead@1');
  const y = Int8Array.from({ length: ROWS }, (_, row) =>
    values[row * columns.length + lead]! > 0 === random.next() < 0.9 ? 1 : -1,
  );
  return { table, horizon: '1m', target: 'entry', y, size: Float64Array.from({ length: ROWS }, () => random.next()) };
}
