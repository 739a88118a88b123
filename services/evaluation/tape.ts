/**
 * Tape: the last minutes of one instrument's prices as its feed gave them, with the holes in it: what a decision is measured against.
 * Kept in the log's order; times are the venue's, microseconds. Bounded: the oldest prints go first.
 */
import { type FeedGap, GapKind, type Trade } from '#libs/wire/tributary/v1/market.ts';

/** Most prints kept; 15 minutes of 250 trades a second. */
const MAX_PRINTS = 1 << 18;
/** A gap of more missing trades than this is not waited for. */
const MAX_AWAITED = 1_000;

interface Hole {
  /** The trades that are missing lie in [from, to]; `to` is open until the feed is back. */
  readonly from: number;
  to: number;
  /** Trade ids still missing; undefined = not known. */
  readonly missing: Set<number> | undefined;
}

export interface Move {
  readonly entry: number;
  readonly exit: number;
}

/** What a tape knows, as plain data. */
export interface TapeState {
  /** In the log's order: the venue's times, microseconds, and the prices. */
  readonly times: Float64Array<ArrayBuffer>;
  readonly prices: Float64Array<ArrayBuffer>;
  readonly last: Print;
  readonly secondLast: Print;
  readonly holes: readonly Hole[];
  readonly knownFrom: number;
}

interface Print {
  readonly id: number;
  readonly time: number;
}

export class Tape {
  #times = new Float64Array(256);
  #prices = new Float64Array(256);
  #begin = 0;
  #end = 0;
  /** The two newest live trades: what lies before a gap that is told of only after the trade that showed it. */
  #last: Print = { id: 0, time: 0 };
  #secondLast: Print = { id: 0, time: 0 };
  #holes: Hole[] = [];
  /** Nothing before it is known, microseconds. */
  #knownFrom: number;

  constructor(knownFrom: number) {
    this.#knownFrom = knownFrom;
  }

  /** Of a state that nobody else uses any more. */
  static from({ times, prices, last, secondLast, holes, knownFrom }: TapeState): Tape {
    const tape = new Tape(knownFrom);
    if (times.length > 0) [tape.#times, tape.#prices, tape.#end] = [times, prices, times.length];
    [tape.#last, tape.#secondLast, tape.#holes] = [last, secondLast, [...holes]];
    return tape;
  }

  /** To be written down before the next event. */
  get state(): TapeState {
    return {
      times: this.#times.subarray(this.#begin, this.#end),
      prices: this.#prices.subarray(this.#begin, this.#end),
      last: this.#last,
      secondLast: this.#secondLast,
      holes: this.#holes,
      knownFrom: this.#knownFrom,
    };
  }

  trade(trade: Trade, time: number): void {
    for (const hole of this.#holes) hole.missing?.delete(trade.tradeId);
    // If trades were missed while the venue was away, ingest says so (GAP_KIND_TRADES): which where ids are dense, else that there may be.
    this.#holes = this.#holes.filter((hole) => (hole.missing === undefined ? trade.repaired : hole.missing.size > 0));
    if (!trade.repaired) [this.#secondLast, this.#last] = [this.#last, { id: trade.tradeId, time }];
    this.print(time, trade.price);
  }

  /** A price at a time. One that is not positive and finite is none. */
  print(time: number, price: number): void {
    if (!(price > 0) || !Number.isFinite(price)) return;
    if (this.#end === this.#times.length) this.#makeRoom();
    this.#times[this.#end] = time;
    this.#prices[this.#end] = price;
    this.#end++;
  }

  gap(gap: FeedGap, time: number): void {
    if (gap.kind === GapKind.GAP_KIND_TRADES) {
      const before = this.#last.id > gap.toTradeId ? this.#secondLast : this.#last;
      const from = before.time === 0 ? this.#knownFrom : before.time;
      const count = gap.toTradeId - gap.fromTradeId + 1;
      const known = count > 0 && count <= MAX_AWAITED;
      const missing = known ? new Set(Array.from({ length: count }, (_, i) => gap.fromTradeId + i)) : new Set([-1]);
      this.#holes.push({ from, to: time, missing });
    } else if (
      gap.kind === GapKind.GAP_KIND_DISCONNECT ||
      gap.kind === GapKind.GAP_KIND_OVERFLOW ||
      gap.kind === GapKind.GAP_KIND_STALE
    ) {
      this.#holes.push({ from: this.#last.time === 0 ? this.#knownFrom : this.#last.time, to: Infinity, missing: undefined });
    }
  }

  /**
   * First and last price in [from, to), by the venue's time and among equal times by the log's order; or why there is none.
   * A hole within it voids: the first or last trade may be one that was missed.
   */
  between(from: number, to: number): Move | 'no_trade' | 'feed_gap' {
    if (from < this.#knownFrom || this.#holes.some((hole) => hole.from < to && hole.to >= from)) return 'feed_gap';
    let [first, last] = [-1, -1];
    for (let i = this.#begin; i < this.#end; i++) {
      const time = this.#times[i]!;
      if (time < from || time >= to) continue;
      if (first < 0 || time < this.#times[first]!) first = i;
      if (last < 0 || time >= this.#times[last]!) last = i;
    }
    return first < 0 ? 'no_trade' : { entry: this.#prices[first]!, exit: this.#prices[last]! };
  }

  /** Forgets what came before `time`, as far as it stands at the front. */
  trim(time: number): void {
    while (this.#begin < this.#end && this.#times[this.#begin]! < time) this.#begin++;
    this.#holes = this.#holes.filter((hole) => hole.to >= time);
    this.#knownFrom = Math.max(this.#knownFrom, time);
  }

  #makeRoom(): void {
    if (this.#end - this.#begin === MAX_PRINTS) {
      this.#begin += MAX_PRINTS / 4;
      this.#knownFrom = Math.max(this.#knownFrom, this.#times[this.#begin]!);
    }
    const held = this.#end - this.#begin;
    const size = held > this.#times.length / 2 ? Math.min(this.#times.length * 2, MAX_PRINTS) : this.#times.length;
    const [times, prices] = [this.#times.subarray(this.#begin, this.#end), this.#prices.subarray(this.#begin, this.#end)];
    const [oldTimes, oldPrices] = [times.slice(), prices.slice()];
    if (size !== this.#times.length) [this.#times, this.#prices] = [new Float64Array(size), new Float64Array(size)];
    this.#times.set(oldTimes);
    this.#prices.set(oldPrices);
    [this.#begin, this.#end] = [0, held];
  }
}
