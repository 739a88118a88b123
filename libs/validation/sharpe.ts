/**
 * The Sharpe ratio of hourly returns (Sharpe 1994; nothing is earned by standing aside), what it is more than another's, and what is left of it
 * when many were tried (Bailey and López de Prado 2014).
 */
import { BLOCK_MS, bootstrap, type Interval } from './intervals.ts';
import { normalCdf, normalQuantile } from './normal.ts';

export const HOUR_MS = 3_600_000;
/** From hourly to annual: markets that never close. */
export const ANNUAL = Math.sqrt(365 * 24);
const HOURS_A_BLOCK = BLOCK_MS / HOUR_MS;
const EULER = 0.5772156649015329;

/** What was earned in each hour, UTC, hours without a trade among them. */
export interface HourlyReturns {
  /** Hours since 1970 of the first. */
  readonly from: number;
  readonly values: Float64Array;
}

/** Per hour. Without any variance, so without any trade: 0. */
export function sharpeRatio({ values }: HourlyReturns): number {
  return ratioOf(momentsOf(values));
}

/** Block bootstrap over blocks of four hours; per hour. */
export function sharpeInterval(returns: HourlyReturns, seed: number): Interval | undefined {
  const blocks = momentsByBlock(returns);
  return bootstrap(blocks.length, seed, (drawn) => ratioOf(sumOf(blocks, drawn)));
}

/** Of a's ratio less b's, the same hours drawn for both. `a` and `b` over the same hours. */
export function sharpeDifference(a: HourlyReturns, b: HourlyReturns, seed: number): Interval | undefined {
  const [ofA, ofB] = [momentsByBlock(a), momentsByBlock(b)];
  return bootstrap(ofA.length, seed, (drawn) => ratioOf(sumOf(ofA, drawn)) - ratioOf(sumOf(ofB, drawn)));
}

/** What was tried before one was chosen. */
export interface Trials {
  readonly count: number;
  /** Of their Sharpe ratios, per hour; undefined = not known: that of chance alone is taken. */
  readonly variance: number | undefined;
}

export interface DeflatedSharpe {
  /** The best ratio per hour that as many trials without any skill come to, on average. */
  readonly expectedBest: number;
  /** That the true ratio is above it. */
  readonly probability: number;
}

export function deflatedSharpe({ values }: HourlyReturns, { count, variance }: Trials): DeflatedSharpe {
  const { n, sum, squares } = momentsOf(values);
  const mean = sum / n;
  const deviation = Math.sqrt(Math.max(0, squares / n - mean ** 2));
  const standardised = (power: number): number =>
    deviation === 0 ? 0 : values.reduce((total, value) => total + ((value - mean) / deviation) ** power, 0) / n;
  return deflate(
    { ratio: ratioOf({ n, sum, squares }), n, skewness: standardised(3), kurtosis: standardised(4) },
    { count, variance: variance ?? 1 / Math.max(1, n - 1) },
  );
}

/** Of a ratio per period over `n` periods; kurtosis of a normal distribution: 3. */
export function deflate(
  { ratio, n, skewness, kurtosis }: { ratio: number; n: number; skewness: number; kurtosis: number },
  { count, variance }: { count: number; variance: number },
): DeflatedSharpe {
  const expectedBest =
    count <= 1
      ? 0
      : Math.sqrt(variance) * ((1 - EULER) * normalQuantile(1 - 1 / count) + EULER * normalQuantile(1 - 1 / (count * Math.E)));
  const spread = Math.sqrt(Math.max(1e-12, 1 - skewness * ratio + ((kurtosis - 1) / 4) * ratio ** 2));
  return { expectedBest, probability: normalCdf(((ratio - expectedBest) * Math.sqrt(Math.max(0, n - 1))) / spread) };
}

interface Moments {
  readonly n: number;
  readonly sum: number;
  readonly squares: number;
}

function momentsOf(values: Float64Array): Moments {
  let [sum, squares] = [0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  return { n: values.length, sum, squares };
}

function momentsByBlock({ from, values }: HourlyReturns): Moments[] {
  const blocks: Moments[] = [];
  for (let i = 0; i < values.length;) {
    const end = i + HOURS_A_BLOCK - ((from + i) % HOURS_A_BLOCK);
    blocks.push(momentsOf(values.subarray(i, end)));
    i = end;
  }
  return blocks;
}

function sumOf(blocks: readonly Moments[], drawn: Int32Array): Moments {
  let [n, sum, squares] = [0, 0, 0];
  for (const place of drawn) {
    const block = blocks[place]!;
    n += block.n;
    sum += block.sum;
    squares += block.squares;
  }
  return { n, sum, squares };
}

function ratioOf({ n, sum, squares }: Moments): number {
  const variance = n < 2 ? 0 : (squares - (sum * sum) / n) / (n - 1);
  return variance > 0 ? sum / n / Math.sqrt(variance) : 0;
}
