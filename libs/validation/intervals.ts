/** How sure an accuracy is: Wilson's interval for independent trials, the block bootstrap and an effective n for dependent ones. */
import { createRandom } from '../models/random.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95 %. */
export const Z_95 = 1.959964;

/** Wilson's score interval (1927). `trials` may be an effective number; 0 trials: the whole unit interval. */
export function wilson(share: number, trials: number, z = Z_95): Interval {
  if (trials <= 0) return { low: 0, high: 1 };
  const spread = (z * z) / trials;
  const centre = (share + spread / 2) / (1 + spread);
  const reach = (z * Math.sqrt((share * (1 - share)) / trials + spread / (4 * trials))) / (1 + spread);
  return { low: Math.max(0, centre - reach), high: Math.min(1, centre + reach) };
}

/** Blocks of the bootstrap and of the effective n, milliseconds. */
export const BLOCK_MS = 4 * 3_600_000;

/** Hits and trials of each block of time. `hits` may be any sum over the trials: then it is their mean that is judged. */
export interface Block {
  hits: number;
  trials: number;
}

/** Blocks of `width` milliseconds aligned to UTC; those without trials are left out. */
export function blocksOf(times: ArrayLike<number>, right: ArrayLike<number>, width = BLOCK_MS): Block[] {
  const blocks = new Map<number, Block>();
  for (let i = 0; i < times.length; i++) {
    const key = Math.floor(times[i]! / width);
    let block = blocks.get(key);
    if (block === undefined) blocks.set(key, (block = { hits: 0, trials: 0 }));
    block.hits += right[i]!;
    block.trials++;
  }
  return [...blocks.entries()].sort(([a], [b]) => a - b).map(([, block]) => block);
}

/**
 * 95 % percentile interval of a statistic over blocks drawn with replacement (Künsch 1989, non-overlapping); it is given the places of the
 * drawn ones. Seeded: two statistics with one seed see the same draws. Undefined for fewer than two blocks, which say nothing.
 */
export function bootstrap(
  blocks: number,
  seed: number,
  statistic: (drawn: Int32Array) => number,
  draws = 1_000,
): Interval | undefined {
  if (blocks < 2) return undefined;
  const random = createRandom(seed);
  const drawn = new Int32Array(blocks);
  const values = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw++) {
    // Storing truncates.
    for (let i = 0; i < blocks; i++) drawn[i] = random.next() * blocks;
    values[draw] = statistic(drawn);
  }
  values.sort();
  return { low: values[Math.floor(draws * 0.025)]!, high: values[Math.ceil(draws * 0.975) - 1]! };
}

/** Of hits / trials; undefined for fewer than two blocks. */
export function blockBootstrap(blocks: readonly Block[], seed: number): Interval | undefined {
  return bootstrap(blocks.length, seed, (drawn) => {
    let hits = 0;
    let trials = 0;
    for (const place of drawn) {
      hits += blocks[place]!.hits;
      trials += blocks[place]!.trials;
    }
    return hits / trials;
  });
}

/**
 * Independent trials that would give the same variance of hits / trials as these blocks do (ratio estimator, Cochran 1977, 6.13); never above the
 * number of trials. Below two blocks nothing is known about the variance: 0.
 */
export function effectiveTrials(blocks: readonly Block[]): number {
  const trials = blocks.reduce((sum, block) => sum + block.trials, 0);
  const share = blocks.reduce((sum, block) => sum + block.hits, 0) / trials;
  if (blocks.length < 2) return 0;
  const squares = blocks.reduce((sum, block) => sum + (block.hits - share * block.trials) ** 2, 0);
  const variance = (squares * blocks.length) / (blocks.length - 1) / (trials * trials);
  // At a share of 0 or 1 both variances vanish; the half-trial correction keeps the ratio defined.
  const smooth = (share * trials + 0.5) / (trials + 1);
  return variance > 0 ? Math.min(trials, (smooth * (1 - smooth)) / variance) : trials;
}
