/**
 * Evidence that may be looked at after every outcome. Each is a bettor's capital that begins at 1 and, while its null hypothesis holds, is
 * expected not to grow: a test martingale, above 1 / alpha at any time at all with probability alpha at most (Ville 1939), whoever stops
 * when. On paired forecasts: Choe & Ramdas, Comparing Sequential Forecasters, Operations Research 2024; on bets: Waudby-Smith & Ramdas,
 * Estimating means of bounded random variables by betting, JRSS B 2024.
 */
import { HORIZON_MS, type Horizon } from '../market/horizon.ts';
import { type Block, BLOCK_MS } from './intervals.ts';

const { floor, max, sqrt, tanh } = Math;

/**
 * Against "a block's net score is as likely x as -x, or worse, whatever came before". 1 + tanh(bet * x) is expected to be 1 for every such x,
 * however large its tails are (de la Peña 1999 has the bound of which this is the exact form); so scores need no range, and a block
 * may hold any dependence within. Scores are measured in units of those before; the first one only sets the unit.
 */
export class SymmetryEvidence {
  readonly #capitals = STAKES.map(() => 1);
  #squares = 0;
  #count = 0;

  get capital(): number {
    return meanOf(this.#capitals);
  }

  add(score: number): void {
    const unit = sqrt(this.#squares / max(1, this.#count));
    if (unit > 0) STAKES.forEach((stake, i) => (this.#capitals[i]! *= 1 + tanh((stake * score) / unit)));
    this.#squares += score * score;
    this.#count++;
  }
}

/** Bets of a unit; nobody knows beforehand which is the best, so the capital is spread over all. */
const STAKES = [0.5, 1, 2, 4] as const;

/**
 * Against "what comes next, within 0..1, is expected to be `least` or more, whatever came before". Half of the capital bets from the start, the
 * rest enters little by little: whoever bet from the start has lost nearly all where values were good for long, and would see a change for the worse
 * only after as long again. Bettors with a share of the capital each are one bettor, so the bound holds for their sum. The place of Shiryaev's
 * prior on when a change comes (Shin, Ramdas & Rinaldo, E-detectors, 2023).
 */
export class FloorEvidence {
  readonly #least: number;
  readonly #capitals = SHARES.map(() => 0);
  #waiting = 1;

  constructor(least: number) {
    this.#least = least;
  }

  get capital(): number {
    return meanOf(this.#capitals) + this.#waiting;
  }

  add(value: number): void {
    const entering = this.#waiting * (this.#waiting === 1 ? FIRST : ENTERING);
    this.#waiting -= entering;
    // At value 1 the loss is the share staked: the capital stays positive.
    SHARES.forEach((share, i) => {
      this.#capitals[i] = (this.#capitals[i]! + entering) * (1 + (share * (this.#least - value)) / (1 - this.#least));
    });
  }
}

/**
 * Block of time of which one value of a FloorEvidence is made, milliseconds. Twice as long as the horizon: room for one decision or more that
 * begins and ends within. Never below two minutes: hundreds of decisions of one burst of quotes are right or wrong together, and say less.
 */
export function spokenBlockMs(horizon: Horizon): number {
  return max(2 * HORIZON_MS[horizon], 120_000);
}

/** Share of the capital that bets from the start; of what waits, that enters with each value: half of it within about two weeks of two minutes each. */
const FIRST = 0.5;
const ENTERING = 1 / 15_000;
const SHARES = [0.05, 0.15, 0.4] as const;

/**
 * Sums scores by blocks of time, aligned to UTC. Only what begins and ends within a block counts, so that no price move is in two blocks: outcomes
 * whose horizons overlap, and those of one moment at several venues, are one block's affair.
 */
export class Blocks {
  readonly #width: number;
  readonly #open = new Map<number, Block>();
  /** First block that is not handed over. */
  #next = -Infinity;

  /** Milliseconds. */
  constructor(width = BLOCK_MS) {
    this.#width = width;
  }

  /** What began at `from` and ended at `until`, milliseconds. One that comes after its block was handed over is left out. */
  add(from: number, until: number, score: number): void {
    const place = floor(from / this.#width);
    if (place < this.#next || until >= (place + 1) * this.#width) return;
    let block = this.#open.get(place);
    if (block === undefined) this.#open.set(place, (block = { hits: 0, trials: 0 }));
    block.hits += score;
    block.trials++;
  }

  /** Hands over the blocks that had ended at `now`, in order, each once; with its start, milliseconds. */
  close(now: number): (Block & { readonly start: number })[] {
    const next = floor(now / this.#width);
    if (next <= this.#next) return [];
    this.#next = next;
    const ended = [...this.#open].filter(([place]) => place < next).sort(([a], [b]) => a - b);
    return ended.map(([place, block]) => {
      this.#open.delete(place);
      return { ...block, start: place * this.#width };
    });
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
