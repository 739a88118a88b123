/** The least confidence at which a head speaks, chosen on earlier data so that what it says holds later. */
import { type Block, BLOCK_MS, effectiveTrials, wilson } from '../validation/intervals.ts';

export interface ThresholdOptions {
  /** Accuracy on moves that spoken decisions must have reached, (0.5, 1). */
  readonly wanted: number;
  /** The lower end of their one-sided 95 % Wilson interval must reach this. */
  readonly atLeast: number;
  /** Accuracy that the newer half of them must have reached: an edge that fades is none. */
  readonly recent: number;
  /** Blocks of time that count as independent of each other, milliseconds; default BLOCK_MS. */
  readonly blockMs?: number;
}

export interface Threshold {
  /** Above 1 = silenced. */
  readonly confidence: number;
  /** Empty when it speaks. */
  readonly silenced: string;
  /** Share of earlier moves at or above it, and their accuracy; null when silenced. */
  readonly coverage: number | null;
  readonly accuracy: number | null;
}

export const SILENT = 2;
/** Fewest independent moves a threshold rests on, and blocks of time they come from. */
const LEAST_TRIALS = 80;
const LEAST_BLOCKS = 6;
/** Coverages tried, from all to 1 %. */
const STEPS = 40;
const Z_ONE_SIDED = 1.645;
/** One-sided 5 % shared among STEPS looks (Bonferroni): the edge over chance must survive the choice of the best of them. */
const Z_MANY = 3.02;
/** Chance, and a little for a drifting majority. */
const CHANCE = 0.53;

/**
 * `confidence`, `right` and `times` (milliseconds, rising) of earlier out-of-sample moves. The widest coverage that qualifies is
 * taken; noise is silenced by the bound over all looks.
 */
export function chooseThreshold(
  confidence: Float64Array,
  right: Uint8Array,
  times: Float64Array,
  options: ThresholdOptions,
): Threshold {
  const total = confidence.length;
  const order = Int32Array.from(confidence.keys()).sort((a, b) => confidence[b]! - confidence[a]!);
  const tally = createTally(times, options.blockMs ?? BLOCK_MS);
  let best: Threshold | undefined;
  let taken = 0;
  for (let step = STEPS - 1; step >= 0 && total > 0; step--) {
    const least = confidence[order[Math.floor((total - 1) * 100 ** (-step / (STEPS - 1)))]!]!;
    for (; taken < total && confidence[order[taken]!]! >= least; taken++) add(tally, times, right, order[taken]!);
    const accuracy = qualifies(tally, options);
    if (accuracy !== undefined) best = { confidence: least, silenced: '', coverage: taken / total, accuracy };
  }
  if (best !== undefined) return best;
  const enough = effectiveTrials(used(tally)) >= LEAST_TRIALS && used(tally).length >= LEAST_BLOCKS;
  const silenced = enough
    ? `no confidence level was right ${options.wanted} of the time on earlier data`
    : `too little earlier data: ${total} moves`;
  return { confidence: SILENT, silenced, coverage: null, accuracy: null };
}

/** Hits and trials of the moves taken so far, by block of time, and of those in the newer half of all moves. */
interface Tally {
  readonly blocks: Block[];
  readonly newer: Block;
  readonly newerFrom: number;
  /** Of a block, milliseconds. */
  readonly width: number;
}

function createTally(times: Float64Array, width: number): Tally {
  const first = Math.floor((times[0] ?? 0) / width);
  const last = Math.floor((times.at(-1) ?? 0) / width);
  return {
    blocks: Array.from({ length: last - first + 1 }, () => ({ hits: 0, trials: 0 })),
    newer: { hits: 0, trials: 0 },
    newerFrom: times[times.length >>> 1] ?? 0,
    width,
  };
}

function add(tally: Tally, times: Float64Array, right: Uint8Array, i: number): void {
  const block = tally.blocks[Math.floor(times[i]! / tally.width) - Math.floor(times[0]! / tally.width)]!;
  const into = times[i]! >= tally.newerFrom ? [block, tally.newer] : [block];
  for (const part of into) {
    part.hits += right[i]!;
    part.trials++;
  }
}

function used(tally: Tally): Block[] {
  return tally.blocks.filter((block) => block.trials > 0);
}

/** The accuracy so far, where it may speak. */
function qualifies(tally: Tally, options: ThresholdOptions): number | undefined {
  const blocks = used(tally);
  const trials = effectiveTrials(blocks);
  if (trials < LEAST_TRIALS || blocks.length < LEAST_BLOCKS || tally.newer.trials < LEAST_TRIALS / 2) return undefined;
  const accuracy = blocks.reduce((sum, block) => sum + block.hits, 0) / blocks.reduce((sum, block) => sum + block.trials, 0);
  const isSure = wilson(accuracy, trials, Z_ONE_SIDED).low >= options.atLeast && wilson(accuracy, trials, Z_MANY).low > CHANCE;
  return accuracy >= options.wanted && isSure && tally.newer.hits / tally.newer.trials >= options.recent ? accuracy : undefined;
}
