/** Parity: the same vectors, bit for bit, however the log is cut into partitions, and from a state that was stored and read back. */
import { partitionOf } from '../../log/topics.ts';
import { type FeatureVector } from '../../wire/tributary/v1/features.ts';
import { type Tick } from '../../wire/tributary/v1/market.ts';
import { foldAll, keyOf, SLOW_LANE } from './lane.ts';

export function checkPartitions(
  ticks: readonly Tick[],
  partitions: readonly number[],
  truth: readonly FeatureVector[],
  lane = SLOW_LANE,
): readonly string[] {
  return partitions.flatMap((count) => {
    const vectors = Array.from({ length: count }, (_, partition) =>
      foldAll(
        ticks.filter(({ asset }) => asset === '' || partitionOf(asset, count) === partition),
        lane,
      ),
    ).flat();
    return differences(truth, vectors, lane.columns).map((problem) => `${count} partitions: ${problem}`);
  });
}

/** Stores and restores the state before each of `cuts` (indices into the ticks). */
export function checkRestore(
  ticks: readonly Tick[],
  cuts: readonly number[],
  truth: readonly FeatureVector[],
  lane = SLOW_LANE,
): readonly string[] {
  const vectors: FeatureVector[] = [];
  let folding = lane.begin();
  ticks.forEach((tick, offset) => {
    if (cuts.includes(offset)) folding = lane.begin(folding.store());
    folding.fold(tick, offset, (vector) => vectors.push(vector));
  });
  return differences(truth, vectors, lane.columns).map((problem) => `restored: ${problem}`);
}

/** What tells two sets of vectors apart, one line a column at most; the order of their instruments does not count. */
export function differences(
  expected: readonly FeatureVector[],
  actual: readonly FeatureVector[],
  columns = SLOW_LANE.columns,
): readonly string[] {
  const problems = new Map<string, string>();
  if (expected.length !== actual.length) problems.set('', `${actual.length} vectors instead of ${expected.length}`);
  const byKey = new Map(actual.map((vector) => [keyOf(vector), vector]));
  for (const vector of expected) {
    const other = byKey.get(keyOf(vector));
    if (other === undefined) {
      problems.set('missing', `no vector ${keyOf(vector)}`);
      continue;
    }
    for (const field of ['quality', 'lastPrice', 'lastPriceAge', 'bid', 'ask', 'lateEvents'] as const) {
      if (vector[field] !== other[field])
        problems.set(field, `${field} of ${keyOf(vector)}: ${other[field]} for ${vector[field]}`);
    }
    vector.values.forEach((value, column) => {
      if (Object.is(value, other.values[column])) return;
      const name = columns[column]!;
      problems.set(name, `${name} of ${keyOf(vector)}: ${other.values[column]} for ${value}`);
    });
  }
  return [...problems.values()];
}
