/**
 * The last minutes of one instrument's mids as they were received: what a decision of the fast lane is measured against. The same rule as its
 * labels (libs/validation/mid-labels.ts): the last mid received by an instant, and none where nothing was heard of the instrument since the
 * decision. Times are receive times, milliseconds. Bounded: the oldest go first.
 */
import { type Move } from './tape.ts';

/** Most mids kept; two minutes of 1000 a second. */
const MOST = 1 << 17;

/** What is known of the mids, as plain data. */
export interface MidsState {
  readonly times: readonly number[];
  readonly mids: readonly number[];
  readonly heard: number;
}

export class Mids {
  /** Rising. */
  #times: number[] = [];
  /** NaN = not known until the next. */
  #mids: number[] = [];
  #heard = -Infinity;

  static from({ times, mids, heard }: MidsState): Mids {
    const made = new Mids();
    [made.#times, made.#mids, made.#heard] = [[...times], [...mids], heard];
    return made;
  }

  /** To be written down before the next event. */
  get state(): MidsState {
    return { times: this.#times, mids: this.#mids, heard: this.#heard };
  }

  quote(time: number, bid: number, ask: number): void {
    if (!(bid > 0 && bid < ask) || !Number.isFinite(ask)) return;
    this.#heard = Math.max(this.#heard, time);
    this.#push(this.#heard, (bid + ask) / 2);
  }

  /** A sign of life that moves no mid. */
  heard(time: number): void {
    this.#heard = Math.max(this.#heard, time);
    const last = this.#mids.at(-1);
    if (last !== undefined) this.#push(this.#heard, last);
  }

  /** From the last sign of life on nobody knows the mid, until the next quote. */
  gap(): void {
    if (this.#times.length > 0) this.#push(this.#heard, NaN);
  }

  /** The last mid received by `from` and the last by `to`, or why there is no such move. */
  between(from: number, to: number): Move | 'no_quote' | 'feed_gap' {
    const [start, end] = [this.#lastBy(from), this.#lastBy(to)];
    if (start < 0 || Number.isNaN(this.#mids[start]) || Number.isNaN(this.#mids[end])) return 'feed_gap';
    if (end === start) return 'no_quote';
    return { entry: this.#mids[start]!, exit: this.#mids[end]! };
  }

  /** Forgets what came before `time`, but for the last. */
  trim(time: number): void {
    this.#drop(this.#lastBy(time));
  }

  #push(time: number, mid: number): void {
    this.#times.push(time);
    this.#mids.push(mid);
    if (this.#times.length > MOST) this.#drop(MOST >> 2);
  }

  #drop(count: number): void {
    if (count <= 0) return;
    this.#times.splice(0, count);
    this.#mids.splice(0, count);
  }

  /** Place of the last by `time`; -1 = none. */
  #lastBy(time: number): number {
    let [low, high] = [0, this.#times.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#times[middle]! <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
