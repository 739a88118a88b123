/**
 * How far the values of a period are from those of an earlier one: the population stability index, sum over bins of
 * (share now - share before) ln(share now / share before), over the deciles of the earlier period. By convention below 0.1 is steady and
 * above 0.25 has moved. Half a value is added to each bin, so that an empty one is not infinitely far.
 */
const BINS = 10;
/** Fewer values than this in either period say nothing. */
const LEAST = 50;

/** NaN with fewer than 50 values on either side; missing values (NaN) are left out. */
export function stabilityIndex(before: Float64Array, now: Float64Array): number {
  const old = before.filter((value) => !Number.isNaN(value)).sort();
  const recent = now.filter((value) => !Number.isNaN(value));
  if (old.length < LEAST || recent.length < LEAST) return NaN;
  const edges = edgesOf(old);
  const [a, b] = [countBins(old, old[0]!, edges), countBins(recent, old[0]!, edges)];
  let index = 0;
  for (let i = 0; i < a.length; i++) {
    const shareA = (a[i]! + 0.5) / (old.length + a.length / 2);
    const shareB = (b[i]! + 0.5) / (recent.length + b.length / 2);
    index += (shareB - shareA) * Math.log(shareB / shareA);
  }
  return index;
}

/** Deciles and the highest value, each once: where many values are equal there are fewer bins. */
function edgesOf(sorted: Float64Array): readonly number[] {
  const edges = new Set<number>();
  for (let i = 1; i < BINS; i++) edges.add(sorted[Math.floor((i * sorted.length) / BINS)]!);
  edges.add(sorted.at(-1)!);
  return [...edges];
}

/** Below the lowest, up to each edge, above the last. */
function countBins(values: Float64Array, lowest: number, edges: readonly number[]): Uint32Array {
  const counts = new Uint32Array(edges.length + 2);
  for (const value of values) {
    let bin = 0;
    if (value >= lowest) for (bin = 1; bin <= edges.length && value > edges[bin - 1]!;) bin++;
    counts[bin]!++;
  }
  return counts;
}
