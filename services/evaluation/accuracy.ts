/**
 * Live accuracy: what came of the decisions so far, by symbol, venue and horizon, and by confidence. A pure accumulator of outcomes, so
 * whoever reads the `outcomes` topic (evaluation, the gateway, a replay's table) gets the same figures.
 */
import { wilson } from '#libs/validation/intervals.ts';
import { Direction, type Outcome, OutcomeStatus, type Signal } from '#libs/wire/tributary/v1/signals.ts';

/** Null = nothing to divide by yet. Shares are 0..1. */
export interface AccuracyRow {
  readonly symbol: string;
  readonly venue: string;
  readonly horizon: string;
  /** Resolved decisions that had a price and a model's probability: moves and flats, spoken or not. */
  readonly decisions: number;
  readonly moves: number;
  /** No price to measure against; in no other figure. */
  readonly voids: number;
  /** Resolved signals (not abstentions) that had a price. */
  readonly emitted: number;
  readonly emittedMoves: number;
  /** Of the emitted signals, those that were right: flats are misses. */
  readonly accuracy: number | null;
  /** 95 % Wilson interval of `accuracy`. */
  readonly low: number | null;
  readonly high: number | null;
  /** Of the emitted signals whose price moved, those that were right. */
  readonly accuracyOnMoves: number | null;
  /** Of all decisions whose price moved, those whose probability was on the right side. */
  readonly accuracyAll: number | null;
  /** Share of the more frequent direction among all moves: what always saying one thing would get. */
  readonly majority: number | null;
  /** emitted / decisions. */
  readonly coverage: number | null;
  readonly flatShare: number | null;
  readonly buckets: readonly BucketRow[];
}

/** Decisions whose confidence lies in [from, to), spoken or not. */
export interface BucketRow {
  readonly from: number;
  readonly to: number;
  readonly moves: number;
  /** On moves; calibrated = it lies between from and to. */
  readonly accuracy: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Lower ends of the confidence buckets; the last one ends at 1. */
const BUCKET_FLOORS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9] as const;

interface Tally {
  readonly symbol: string;
  readonly venue: string;
  readonly horizon: string;
  ups: number;
  downs: number;
  flats: number;
  voids: number;
  /** Right among moves, at full coverage. */
  right: number;
  emittedMoves: number;
  emittedFlats: number;
  emittedRight: number;
  readonly bucketMoves: number[];
  readonly bucketRight: number[];
}

export class LiveAccuracy {
  readonly #tallies = new Map<string, Tally>();

  add(outcome: Outcome): void {
    const { signal, status } = outcome;
    if (signal === undefined) return;
    const tally = this.#of(signal);
    if (status === OutcomeStatus.OUTCOME_STATUS_VOID) tally.voids++;
    // Without a model's probability there is nothing that could be right or wrong.
    else if (signal.confidence >= 0.5) addPriced(tally, signal, status);
  }

  /** One row per (symbol, venue, horizon), sorted. */
  snapshot(): AccuracyRow[] {
    return [...this.#tallies.keys()].sort().map((key) => rowOf(this.#tallies.get(key)!));
  }

  /** The row that a signal counts into. */
  row(signal: Signal): AccuracyRow {
    return rowOf(this.#of(signal));
  }

  #of({ instrument, venue, horizon }: Signal): Tally {
    const key = `${instrument}\u0000${venue}\u0000${horizon.padStart(4)}`;
    let tally = this.#tallies.get(key);
    if (tally === undefined) this.#tallies.set(key, (tally = emptyTally(instrument, venue, horizon)));
    return tally;
  }
}

/** Whether the probability was on the right side of a move; exactly one half counts as down. */
export function isRight(signal: Signal, status: OutcomeStatus): boolean {
  return signal.probabilityUp > 0.5 === (status === OutcomeStatus.OUTCOME_STATUS_UP);
}

function addPriced(tally: Tally, signal: Signal, status: OutcomeStatus): void {
  const isEmitted = signal.direction !== Direction.DIRECTION_ABSTAIN;
  if (status === OutcomeStatus.OUTCOME_STATUS_FLAT) {
    tally.flats++;
    if (isEmitted) tally.emittedFlats++;
    return;
  }
  const right = isRight(signal, status) ? 1 : 0;
  if (status === OutcomeStatus.OUTCOME_STATUS_UP) tally.ups++;
  else tally.downs++;
  tally.right += right;
  if (isEmitted) {
    tally.emittedMoves++;
    tally.emittedRight += right;
  }
  const bucket = BUCKET_FLOORS.findLastIndex((floor) => signal.confidence >= floor);
  tally.bucketMoves[bucket]!++;
  tally.bucketRight[bucket]! += right;
}

function rowOf(tally: Tally): AccuracyRow {
  const moves = tally.ups + tally.downs;
  const decisions = moves + tally.flats;
  const emitted = tally.emittedMoves + tally.emittedFlats;
  return {
    symbol: tally.symbol,
    venue: tally.venue,
    horizon: tally.horizon,
    decisions,
    moves,
    voids: tally.voids,
    emitted,
    emittedMoves: tally.emittedMoves,
    ...accuracyOf(tally.emittedRight, emitted),
    accuracyOnMoves: ratio(tally.emittedRight, tally.emittedMoves),
    accuracyAll: ratio(tally.right, moves),
    majority: ratio(Math.max(tally.ups, tally.downs), moves),
    coverage: ratio(emitted, decisions),
    flatShare: ratio(tally.flats, decisions),
    buckets: BUCKET_FLOORS.map((from, i) =>
      bucketRow(from, BUCKET_FLOORS[i + 1] ?? 1, tally.bucketMoves[i]!, tally.bucketRight[i]!),
    ),
  };
}

function bucketRow(from: number, to: number, moves: number, right: number): BucketRow {
  return { from, to, moves, ...accuracyOf(right, moves) };
}

function accuracyOf(right: number, trials: number): Pick<BucketRow, 'accuracy' | 'low' | 'high'> {
  return trials === 0
    ? { accuracy: null, low: null, high: null }
    : { accuracy: right / trials, ...wilson(right / trials, trials) };
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function emptyTally(symbol: string, venue: string, horizon: string): Tally {
  const zeros = (): number[] => BUCKET_FLOORS.map(() => 0);
  return {
    symbol,
    venue,
    horizon,
    ups: 0,
    downs: 0,
    flats: 0,
    voids: 0,
    right: 0,
    emittedMoves: 0,
    emittedFlats: 0,
    emittedRight: 0,
    bucketMoves: zeros(),
    bucketRight: zeros(),
  };
}
