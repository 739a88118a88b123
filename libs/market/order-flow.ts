/**
 * Order-flow imbalance of the best levels (Cont, Kukanov, Stoikov 2014, "The price impact of order book events", eq. 3-4; deeper
 * levels as in Xu, Gould, Howison 2018). Pure.
 *
 * Between two states of the book, level by level: size added at the bid or a higher bid counts as buying, size added at the ask or a
 * lower ask as selling. Base units; positive = buying.
 */
import { type OrderBook } from './book.ts';

export const ORDER_FLOW_LEVELS = 5;

export class OrderFlow {
  readonly #sums = new Float64Array(ORDER_FLOW_LEVELS);
  /** Bid price, bid size, ask price, ask size of each level as last seen. */
  readonly #last = new Float64Array(4 * ORDER_FLOW_LEVELS);
  #isStarted = false;
  #updates = 0;

  /** Book updates since `take`. */
  get updates(): number {
    return this.#updates;
  }

  /** Forgets the last state: the next one is not compared with it (a new snapshot). What was summed stays. */
  restart(): void {
    this.#isStarted = false;
  }

  /** Counts the step from the last state to this one. */
  observe(book: OrderBook): void {
    this.#updates++;
    for (let level = 0; level < ORDER_FLOW_LEVELS; level++) this.#observeLevel(book, level);
    this.#isStarted = true;
  }

  /** The sums by level since the last call, and begins again from 0. */
  take(): number[] {
    const sums = [...this.#sums];
    this.#sums.fill(0);
    this.#updates = 0;
    return sums;
  }

  #observeLevel({ bids, asks }: OrderBook, level: number): void {
    const at = 4 * level;
    const bid = level < bids.length ? bids.price(level) : -Infinity;
    const ask = level < asks.length ? asks.price(level) : Infinity;
    const bidSize = bids.size(level);
    const askSize = asks.size(level);
    const last = this.#last;
    if (this.#isStarted) {
      let flow = 0;
      if (bid >= last[at]!) flow += bidSize;
      if (bid <= last[at]!) flow -= last[at + 1]!;
      if (ask <= last[at + 2]!) flow -= askSize;
      if (ask >= last[at + 2]!) flow += last[at + 3]!;
      this.#sums[level]! += flow;
    }
    last[at] = bid;
    last[at + 1] = bidSize;
    last[at + 2] = ask;
    last[at + 3] = askSize;
  }
}
