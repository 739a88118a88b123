/** What a running instance says of itself to Prometheus, read as numbers. */

/** Values by series, labels as they stand. */
export type Scrape = ReadonlyMap<string, number>;

export function parseMetrics(text: string): Scrape {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const end = line.lastIndexOf(' ');
    if (line.startsWith('#') || end < 0) continue;
    found.set(line.slice(0, end), Number(line.slice(end + 1)));
  }
  return found;
}

/** Of all series of a metric whose labels hold `having`; 0 without any. */
export function total(scrape: Scrape, metric: string, having = ''): number {
  let sum = 0;
  for (const [series, value] of scrape) if (nameOf(series) === metric && series.includes(having)) sum += value;
  return sum;
}

/**
 * The q-quantile of what a histogram counted between two scrapes, over all series whose labels hold `having`, linear within a bucket as
 * Prometheus' histogram_quantile; NaN where nothing was counted.
 */
export function quantileBetween(before: Scrape, after: Scrape, metric: string, q: number, having = ''): number {
  const counts = new Map<number, number>();
  for (const [series, value] of after) {
    if (nameOf(series) !== `${metric}_bucket` || !series.includes(having)) continue;
    const bound = /le="([^"]*)"/.exec(series)![1]!;
    const upper = bound === '+Inf' ? Infinity : Number(bound);
    counts.set(upper, (counts.get(upper) ?? 0) + value - (before.get(series) ?? 0));
  }
  const bounds = [...counts.keys()].sort((a, b) => a - b);
  const wanted = q * (counts.get(Infinity) ?? 0);
  let [lower, below] = [0, 0];
  for (const upper of bounds) {
    const count = counts.get(upper)!;
    if (count >= wanted && count > below)
      return upper === Infinity ? lower : lower + ((upper - lower) * (wanted - below)) / (count - below);
    [lower, below] = [upper, count];
  }
  return Number.NaN;
}

function nameOf(series: string): string {
  const labels = series.indexOf('{');
  return labels < 0 ? series : series.slice(0, labels);
}
