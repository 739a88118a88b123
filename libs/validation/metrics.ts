/** Accuracy of predictions against outcomes, by the same rules as an independent scorer can recompute from raw candles. */
import {
  type Block,
  blockBootstrap,
  BLOCK_MS,
  blocksOf,
  bootstrap,
  effectiveTrials,
  type Interval,
  wilson,
} from './intervals.ts';
import { FLAT, UP, VOID } from './labels.ts';

/** One decision and what came of it. */
export interface Prediction {
  /** Decision time, milliseconds. */
  readonly t: number;
  readonly probabilityUp: number;
  /** 1, -1, or 0 = abstained. */
  readonly signal: number;
  /** UP, DOWN, FLAT or VOID. */
  readonly y: number;
}

export const COVERAGES = [1, 0.5, 0.2, 0.1] as const;
/** The accuracy that a signal should reach, and the fewest moves it is judged on. */
const WANTED = 0.68;
const WANTED_FROM = 200;
/** Of the interval of that coverage, which ranks all moves anew each time. */
const COVERAGE_DRAWS = 200;

/** 95 %, low and high; null where there are fewer than two blocks of time. */
export type Range = readonly [low: number, high: number];

/** How sure an accuracy is, in two ways. */
export interface Sureness {
  /** Independent moves that would vary as much as these do from block to block. */
  readonly effective_n: number;
  /** Wilson's interval with the effective n. */
  readonly wilson: Range | null;
  /** Block bootstrap. */
  readonly bootstrap: Range | null;
}

export interface CoveragePoint extends Sureness {
  readonly coverage: number;
  readonly n: number;
  readonly accuracy: number | null;
}

export interface EmittedMetrics extends Sureness {
  readonly count: number;
  /** Share of the scored decisions that spoke. */
  readonly coverage: number;
  readonly moves: number;
  readonly flat: number;
  readonly void: number;
  readonly right: number;
  /** right / moves. */
  readonly accuracy: number | null;
  /** right / count: flats and voids are misses. */
  readonly accuracy_with_flats: number | null;
}

/** Field names are those of the report file. */
export interface Assessment extends Sureness {
  /** Moves: neither flat nor void. */
  readonly n: number;
  /** The most of them whose times from decision to outcome do not overlap. */
  readonly non_overlapping_n: number;
  /** Of moves and flats together. */
  readonly flat_share: number | null;
  /** Decisions without an outcome. */
  readonly void: number;
  /** Accuracy of always naming the more frequent direction. */
  readonly majority: number | null;
  readonly accuracy: number | null;
  readonly at_coverage: readonly CoveragePoint[];
  /** Largest coverage, most confident first, whose accuracy is >= 0.68 on more than 200 moves. Descriptive: chosen after the fact. */
  readonly coverage_at_68: number;
  /** Block bootstrap. */
  readonly coverage_at_68_range: Range | null;
  readonly emitted: EmittedMetrics;
  /** Matthews correlation of directions and moves (1975); null where one of them never varies. */
  readonly mcc: number | null;
  readonly brier: number | null;
  /** Expected calibration error over ten equal bins of the probability. */
  readonly ece: number | null;
}

/**
 * `predictions` in order of t; the order decides among equal confidences. `horizon` and `block`, of the bootstrap and of the effective n:
 * milliseconds.
 */
export function assess(predictions: readonly Prediction[], seed: number, horizon: number, block = BLOCK_MS): Assessment {
  const known = predictions.filter((p) => p.y !== VOID);
  const moves = known.filter((p) => p.y !== FLAT);
  const ups = moves.reduce((sum, p) => sum + Number(p.y === UP), 0);
  const ranked = [...moves].sort((a, b) => Math.abs(b.probabilityUp - 0.5) - Math.abs(a.probabilityUp - 0.5));
  return {
    n: moves.length,
    non_overlapping_n: nonOverlapping(moves, horizon),
    flat_share: ratio(known.length - moves.length, known.length),
    void: predictions.length - known.length,
    majority: ratio(Math.max(ups, moves.length - ups), moves.length),
    ...judged(moves, seed, block),
    at_coverage: COVERAGES.map((coverage) => {
      const chosen = ranked.slice(0, Math.floor(ranked.length * coverage));
      return { coverage, n: chosen.length, ...judged(chosen, seed, block) };
    }),
    ...coverageAt(ranked, seed, block),
    emitted: emittedMetrics(predictions, seed, block),
    mcc: matthews(moves),
    brier: mean(moves, (p) => (p.probabilityUp - Number(p.y === UP)) ** 2),
    ece: calibrationError(moves),
  };
}

/** A probability of exactly one half counts as down. */
function isRight(p: Prediction): boolean {
  return p.probabilityUp > 0.5 === p.y > 0;
}

/** Taking each as early as it can be taken takes the most. */
function nonOverlapping(moves: readonly Prediction[], horizon: number): number {
  let count = 0;
  let free = -Infinity;
  for (const { t } of moves) {
    if (t < free) continue;
    count++;
    free = t + horizon;
  }
  return count;
}

function judged(moves: readonly Prediction[], seed: number, block: number): Sureness & { readonly accuracy: number | null } {
  const accuracy = ratio(
    moves.reduce((sum, p) => sum + Number(isRight(p)), 0),
    moves.length,
  );
  if (accuracy === null) return { accuracy, effective_n: 0, wilson: null, bootstrap: null };
  const blocks = blocksOfMoves(moves, block);
  const effective = effectiveTrials(blocks);
  return {
    accuracy,
    effective_n: effective,
    wilson: rangeOf(wilson(accuracy, effective)),
    bootstrap: rangeOf(blockBootstrap(blocks, seed)),
  };
}

function blocksOfMoves(moves: readonly Prediction[], block: number): Block[] {
  return blocksOf(
    moves.map((p) => p.t),
    moves.map((p) => Number(isRight(p))),
    block,
  );
}

function coverageAt(
  ranked: readonly Prediction[],
  seed: number,
  width: number,
): Pick<Assessment, 'coverage_at_68' | 'coverage_at_68_range'> {
  const keys = [...new Set(ranked.map(({ t }) => Math.floor(t / width)))];
  const places = new Map(keys.map((key, place) => [key, place]));
  const block = Int32Array.from(ranked, ({ t }) => places.get(Math.floor(t / width))!);
  const right = Uint8Array.from(ranked, (p) => Number(isRight(p)));
  const times = new Int32Array(keys.length);
  const range = bootstrap(
    keys.length,
    seed,
    (drawn) => {
      times.fill(0);
      for (const place of drawn) times[place]!++;
      return largestCoverage(right, (i) => times[block[i]!]!);
    },
    COVERAGE_DRAWS,
  );
  return { coverage_at_68: coverageAt68(ranked), coverage_at_68_range: rangeOf(range) };
}

/** Of moves, most confident first. */
export function coverageAt68(ranked: readonly Prediction[]): number {
  return largestCoverage(
    Uint8Array.from(ranked, (p) => Number(isRight(p))),
    () => 1,
  );
}

/** `right` by rank, each counted `times`. */
function largestCoverage(right: Uint8Array, times: (i: number) => number): number {
  let [hits, trials, largest] = [0, 0, 0];
  for (let i = 0; i < right.length; i++) {
    hits += right[i]! * times(i);
    trials += times(i);
    if (trials > WANTED_FROM && hits >= WANTED * trials) largest = trials;
  }
  return trials === 0 ? 0 : largest / trials;
}

function emittedMetrics(predictions: readonly Prediction[], seed: number, block: number): EmittedMetrics {
  const emitted = predictions.filter((p) => p.signal !== 0);
  const moves = emitted.filter((p) => p.y !== VOID && p.y !== FLAT);
  const right = moves.reduce((sum, p) => sum + Number(p.signal === p.y), 0);
  return {
    count: emitted.length,
    coverage: ratio(emitted.length, predictions.length) ?? 0,
    moves: moves.length,
    flat: emitted.reduce((sum, p) => sum + Number(p.y === FLAT), 0),
    void: emitted.reduce((sum, p) => sum + Number(p.y === VOID), 0),
    right,
    accuracy_with_flats: ratio(right, emitted.length),
    ...judged(moves, seed, block),
  };
}

function matthews(moves: readonly Prediction[]): number | null {
  const count = (said: boolean, rose: boolean): number =>
    moves.reduce((sum, p) => sum + Number(p.probabilityUp > 0.5 === said && (p.y === UP) === rose), 0);
  const [upUp, upDown, downUp, downDown] = [count(true, true), count(true, false), count(false, true), count(false, false)];
  const spread = Math.sqrt((upUp + upDown) * (upUp + downUp) * (downDown + upDown) * (downDown + downUp));
  return spread === 0 ? null : (upUp * downDown - upDown * downUp) / spread;
}

function calibrationError(moves: readonly Prediction[]): number | null {
  if (moves.length === 0) return null;
  const bins = Array.from({ length: 10 }, () => ({ count: 0, ups: 0, predicted: 0 }));
  for (const p of moves) {
    const bin = bins[Math.min(9, Math.floor(p.probabilityUp * 10))]!;
    bin.count++;
    bin.ups += Number(p.y === UP);
    bin.predicted += p.probabilityUp;
  }
  return bins.reduce((sum, bin) => sum + Math.abs(bin.predicted - bin.ups), 0) / moves.length;
}

function mean(moves: readonly Prediction[], of: (p: Prediction) => number): number | null {
  return ratio(
    moves.reduce((sum, p) => sum + of(p), 0),
    moves.length,
  );
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

export function rangeOf(interval: Interval | undefined): Range | null {
  return interval === undefined ? null : [interval.low, interval.high];
}
