/** Accuracy of predictions against outcomes, by the same rules as an independent scorer can recompute from raw candles. */
import { blockBootstrap, type Block, blocksOf, effectiveTrials, type Interval, wilson } from './intervals.ts';
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

/** Blocks of the bootstrap and of the effective n. */
export const BLOCK_MS = 4 * 3_600_000;
export const COVERAGES = [1, 0.5, 0.2, 0.1] as const;
/** The accuracy that a signal should reach, and the fewest moves it is judged on. */
const WANTED = 0.68;
const WANTED_FROM = 200;

export interface CoveragePoint {
  readonly coverage: number;
  readonly n: number;
  readonly accuracy: number | null;
  /** Block bootstrap, 95 %. */
  readonly low: number | null;
  readonly high: number | null;
}

export interface EmittedMetrics {
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
  /** Of accuracy, with the effective n. */
  readonly wilson: readonly [number, number] | null;
  readonly effective_n: number;
}

/** Field names are those of the report file. */
export interface Assessment {
  /** Moves: neither flat nor void. */
  readonly n: number;
  /** Of moves and flats together. */
  readonly flat_share: number | null;
  /** Decisions without an outcome. */
  readonly void: number;
  /** Accuracy of always naming the more frequent direction. */
  readonly majority: number | null;
  readonly accuracy: number | null;
  readonly effective_n: number;
  readonly wilson: readonly [number, number] | null;
  readonly at_coverage: readonly CoveragePoint[];
  /** Largest coverage, most confident first, whose accuracy is >= 0.68 on more than 200 moves. Descriptive: chosen after the fact. */
  readonly coverage_at_68: number;
  readonly emitted: EmittedMetrics;
  /** Matthews correlation of directions and moves (1975); null where one of them never varies. */
  readonly mcc: number | null;
  readonly brier: number | null;
  /** Expected calibration error over ten equal bins of the probability. */
  readonly ece: number | null;
}

/** `predictions` in order of t; the order decides among equal confidences. */
export function assess(predictions: readonly Prediction[], seed: number): Assessment {
  const known = predictions.filter((p) => p.y !== VOID);
  const moves = known.filter((p) => p.y !== FLAT);
  const ups = moves.reduce((sum, p) => sum + Number(p.y === UP), 0);
  const ranked = [...moves].sort((a, b) => Math.abs(b.probabilityUp - 0.5) - Math.abs(a.probabilityUp - 0.5));
  const all = summarise(moves);
  return {
    n: moves.length,
    flat_share: ratio(known.length - moves.length, known.length),
    void: predictions.length - known.length,
    majority: ratio(Math.max(ups, moves.length - ups), moves.length),
    accuracy: all.accuracy,
    effective_n: all.effective,
    wilson: all.wilson,
    at_coverage: COVERAGES.map((coverage) => atCoverage(ranked, coverage, seed)),
    coverage_at_68: coverageAt(ranked),
    emitted: emittedMetrics(predictions),
    mcc: matthews(moves),
    brier: mean(moves, (p) => (p.probabilityUp - Number(p.y === UP)) ** 2),
    ece: calibrationError(moves),
  };
}

/** A probability of exactly one half counts as down. */
function isRight(p: Prediction): boolean {
  return p.probabilityUp > 0.5 === p.y > 0;
}

function summarise(moves: readonly Prediction[]): {
  accuracy: number | null;
  effective: number;
  wilson: readonly [number, number] | null;
} {
  const right = moves.reduce((sum, p) => sum + Number(isRight(p)), 0);
  const accuracy = ratio(right, moves.length);
  const effective = moves.length === 0 ? 0 : effectiveTrials(blocks(moves));
  return { accuracy, effective, wilson: accuracy === null ? null : pair(wilson(accuracy, effective)) };
}

function blocks(moves: readonly Prediction[]): Block[] {
  return blocksOf(
    moves.map((p) => p.t),
    moves.map((p) => Number(isRight(p))),
    BLOCK_MS,
  );
}

function atCoverage(ranked: readonly Prediction[], coverage: number, seed: number): CoveragePoint {
  const chosen = ranked.slice(0, Math.floor(ranked.length * coverage));
  if (chosen.length === 0) return { coverage, n: 0, accuracy: null, low: null, high: null };
  const right = chosen.reduce((sum, p) => sum + Number(isRight(p)), 0);
  return { coverage, n: chosen.length, accuracy: right / chosen.length, ...blockBootstrap(blocks(chosen), seed) };
}

function coverageAt(ranked: readonly Prediction[]): number {
  let right = 0;
  let coverage = 0;
  ranked.forEach((p, i) => {
    right += Number(isRight(p));
    if (i + 1 > WANTED_FROM && right / (i + 1) >= WANTED) coverage = (i + 1) / ranked.length;
  });
  return coverage;
}

function emittedMetrics(predictions: readonly Prediction[]): EmittedMetrics {
  const emitted = predictions.filter((p) => p.signal !== 0);
  const moves = emitted.filter((p) => p.y !== VOID && p.y !== FLAT);
  const right = moves.reduce((sum, p) => sum + Number(p.signal === p.y), 0);
  const { effective, wilson: interval } = summarise(moves);
  return {
    count: emitted.length,
    coverage: ratio(emitted.length, predictions.length) ?? 0,
    moves: moves.length,
    flat: emitted.reduce((sum, p) => sum + Number(p.y === FLAT), 0),
    void: emitted.reduce((sum, p) => sum + Number(p.y === VOID), 0),
    right,
    accuracy: ratio(right, moves.length),
    accuracy_with_flats: ratio(right, emitted.length),
    wilson: interval,
    effective_n: effective,
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

function pair(interval: Interval): readonly [number, number] {
  return [interval.low, interval.high];
}
