/**
 * Thresholds of the champion's heads, one small step at a time. What another threshold would have said is known of every decision, for those that
 * stayed below are settled too: the shadow of a threshold is the log itself. Of what lies within a step on either side of it each head gathers
 * evidence that may be looked at after every outcome: what is said there is right less often than was aimed at (up), or what is not said there
 * would have been right more often (down).
 */
import { isHorizon } from '../market/horizon.ts';
import { Blocks, FloorEvidence, spokenBlockMs } from '../validation/evidence.ts';
import { type Signal } from '../wire/tributary/v1/signals.ts';

/** Of confidence: a few in a hundred decisions. */
export const THRESHOLD_STEP = 0.01;
/** No signal is as likely wrong as right, and none is certain. */
const LEAST = 0.5;
const MOST = 1;

export interface Head {
  readonly venue: string;
  readonly instrument: string;
  readonly horizon: string;
}

export interface ThresholdStep {
  readonly head: Head;
  /** Of confidence, up or down. */
  readonly by: number;
  readonly reason: string;
}

export interface ThresholdOptions {
  /** Accuracy on moves that the last signal above a threshold has to have. */
  readonly aim: number;
  /** Most heads, of those whose threshold is where it belongs, that are ever moved. */
  readonly alpha: number;
}

export class Thresholds {
  readonly #options: ThresholdOptions;
  readonly #heads = new Map<string, Sides>();

  constructor(options: ThresholdOptions) {
    this.#options = options;
  }

  /** What came of a decision of the champion, said or below its threshold; a decision at another threshold begins anew. */
  add(signal: Signal, isUp: boolean): void {
    const { confidence, threshold, abstainReason, horizon } = signal;
    const isJudged = abstainReason === '' || abstainReason === 'below_threshold';
    if (!isJudged || threshold > MOST || !isHorizon(horizon)) return;
    const key = keyOf(signal);
    let sides = this.#heads.get(key);
    if (sides?.threshold !== threshold)
      this.#heads.set(key, (sides = new Sides(signal, spokenBlockMs(horizon), this.#options.aim)));
    sides.newest = Math.max(sides.newest, signal.t);
    const isRight = signal.probabilityUp > 0.5 === isUp;
    const distance = confidence - threshold;
    if (distance >= 0 && distance < THRESHOLD_STEP) sides.above.add(signal, isRight);
    else if (distance < 0 && distance >= -THRESHOLD_STEP) sides.below.add(signal, isRight);
  }

  close(now: number): void {
    for (const { above, below } of this.#heads.values()) for (const side of [above, below]) side.close(now);
  }

  /** The step of the surest head; `since`: from which decision time on the thresholds are what they are, milliseconds. */
  step(since: number): ThresholdStep | undefined {
    // Each head may be moved two ways.
    const enough = 2 / this.#options.alpha;
    const due = [...this.#heads.values()].filter(({ newest }) => newest >= since).flatMap((sides) => sides.due(enough));
    return due.sort((a, b) => b.capital - a.capital)[0]?.step;
  }
}

/** What lies beside one threshold of one head. */
class Sides {
  readonly threshold: number;
  readonly above: Side;
  readonly below: Side;
  /** Newest decision time, milliseconds. */
  newest = -Infinity;
  readonly #head: Head;
  readonly #aim: number;

  constructor({ venue, instrument, horizon, threshold }: Signal, blockMs: number, aim: number) {
    this.threshold = threshold;
    this.#head = { venue, instrument, horizon };
    this.#aim = aim;
    this.above = new Side(blockMs, aim, (accuracy) => accuracy);
    // That accuracy is at most what was aimed at says that what is missing to 1 is at least the rest.
    this.below = new Side(blockMs, 1 - aim, (accuracy) => 1 - accuracy);
  }

  due(enough: number): { readonly capital: number; readonly step: ThresholdStep }[] {
    const { threshold, above, below } = this;
    return [
      ...(above.capital >= enough && threshold + THRESHOLD_STEP < MOST ? [this.#step(above, 1)] : []),
      ...(below.capital >= enough && threshold - THRESHOLD_STEP >= LEAST ? [this.#step(below, -1)] : []),
    ];
  }

  #step(side: Side, way: 1 | -1): { readonly capital: number; readonly step: ThresholdStep } {
    const { capital, hits, moves } = side;
    const { venue, instrument, horizon } = this.#head;
    const by = way * THRESHOLD_STEP;
    const [from, to] = [this.threshold, this.threshold + by].map((confidence) => confidence.toFixed(3));
    const found = `${((100 * hits) / moves).toFixed(1)} % of ${moves} right, ${(100 * this.#aim).toFixed(1)} % aimed at, evidence ${capital.toFixed(0)}`;
    const reason = `threshold of ${venue} ${instrument} ${horizon} from ${from} to ${to}: between them ${found}`;
    return { capital, step: { head: this.#head, by, reason } };
  }
}

class Side {
  readonly #blocks: Blocks;
  readonly #evidence: FloorEvidence;
  readonly #valueOf: (accuracy: number) => number;
  hits = 0;
  moves = 0;

  constructor(blockMs: number, least: number, valueOf: (accuracy: number) => number) {
    this.#blocks = new Blocks(blockMs);
    this.#evidence = new FloorEvidence(least);
    this.#valueOf = valueOf;
  }

  get capital(): number {
    return this.#evidence.capital;
  }

  add({ publishedAt, validUntil }: Signal, isRight: boolean): void {
    this.#blocks.add(publishedAt, validUntil, Number(isRight));
  }

  close(now: number): void {
    for (const { hits, trials } of this.#blocks.close(now)) {
      this.#evidence.add(this.#valueOf(hits / trials));
      this.hits += hits;
      this.moves += trials;
    }
  }
}

export function keyOf({ venue, instrument, horizon }: Head): string {
  return `${venue} ${instrument} ${horizon}`;
}
