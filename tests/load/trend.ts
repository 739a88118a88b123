/** Whether a series of measurements grows. */

export interface Trend {
  /** A step. */
  readonly slope: number;
  /** 95 % of it. */
  readonly low: number;
  readonly high: number;
}

/** Theil-Sen slope of values one step apart, with Kendall's interval (Sen 1968). */
export function trendOf(values: readonly number[]): Trend {
  const slopes: number[] = [];
  for (let i = 0; i < values.length; i++)
    for (let j = i + 1; j < values.length; j++) slopes.push((values[j]! - values[i]!) / (j - i));
  slopes.sort((a, b) => a - b);
  const n = values.length;
  const spread = 1.96 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (place: number): number => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(place)))] ?? 0;
  return { slope: median(slopes), low: at((slopes.length - spread) / 2), high: at((slopes.length + spread) / 2) };
}

/** Surely rising, and by more than `share` of its median over its length. */
export function grows(values: readonly number[], share: number): boolean {
  const { slope, low } = trendOf(values);
  return low > 0 && slope * (values.length - 1) > share * median([...values].sort((a, b) => a - b));
}

function median(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
