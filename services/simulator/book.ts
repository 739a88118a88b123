/** A venue's order book in motion: integer ticks and units, levels of each side from the worst to the best, so the touch is at the end. */
import { normal, uniform } from './draw.ts';
import { type Listing } from './listing.ts';
import { type Touch } from './market.ts';

/** Bound once: in the loops below a look-up through the global object would cost more than the arithmetic. */
const { ceil, exp, floor, log, max, min, round } = Math;

export interface Side {
  /** Ticks, worst first. */
  readonly prices: number[];
  /** Units at each price. */
  readonly sizes: number[];
}

export class Book {
  readonly bids: Side = { prices: [], sizes: [] };
  readonly asks: Side = { prices: [], sizes: [] };
  readonly #listing: Listing;
  readonly #key: number;
  #draws = 0;

  constructor(listing: Listing, key: number, touch: Touch) {
    this.#listing = listing;
    this.#key = key;
    this.move(touch);
  }

  /** Quotes this touch: what it crosses is gone, what it leaves behind stays as depth, and both sides keep their number of levels. */
  move(touch: Touch): void {
    this.#quote(this.bids, touch.bid, -1);
    this.#quote(this.asks, touch.ask, 1);
  }

  /** Changes, adds or deletes `count` levels near the touch, as market makers do all day. The touch stays. */
  churn(count: number): void {
    for (let i = 0; i < count; i++) {
      const side = this.#uniform() < 0.5 ? this.bids : this.asks;
      const back = floor(-log(this.#uniform()) * 8);
      const at = side.prices.length - 1 - back;
      if (at < 1) continue;
      const action = this.#uniform();
      if (action < 0.6 || back === 0) side.sizes[at] = this.#size(back);
      else if (action < 0.8) removeLevel(side, at);
      else this.#addBetween(side, at, back);
    }
  }

  /** A taker's fill at the touch. The level stands, refreshed where the fill would have emptied it, so a trade moves no price. */
  hit(takerBuys: boolean, units: number): void {
    const side = takerBuys ? this.asks : this.bids;
    const at = side.sizes.length - 1;
    const left = side.sizes[at]! - units;
    side.sizes[at] = left > 0 ? left : this.#size(0);
  }

  get bestBid(): number {
    return this.bids.prices[this.bids.prices.length - 1]!;
  }
  get bestAsk(): number {
    return this.asks.prices[this.asks.prices.length - 1]!;
  }
  get bestBidSize(): number {
    return this.bids.sizes[this.bids.sizes.length - 1]!;
  }
  get bestAskSize(): number {
    return this.asks.sizes[this.asks.sizes.length - 1]!;
  }

  /** `away` = +1 for asks, -1 for bids: the direction of worse prices. */
  #quote(side: Side, best: number, away: 1 | -1): void {
    const { prices, sizes } = side;
    while (prices.length > 0 && (prices[prices.length - 1]! - best) * away < 0) {
      prices.pop();
      sizes.pop();
    }
    if (prices[prices.length - 1] !== best) {
      prices.push(best);
      sizes.push(this.#size(0));
    }
    const { depth } = this.#listing;
    if (prices.length > depth) {
      prices.splice(0, prices.length - depth);
      sizes.splice(0, sizes.length - depth);
    }
    if (prices.length < depth) this.#deepen(side, best, away);
  }

  /** Adds the worst levels that are missing, further and further apart. */
  #deepen(side: Side, best: number, away: 1 | -1): void {
    const prices: number[] = [];
    const sizes: number[] = [];
    const { depth, spacing } = this.#listing;
    let worst = side.prices[0]!;
    for (let level = side.prices.length; level < depth; level++) {
      const gap = best * spacing * (1 + 0.01 * level) * (0.4 + 1.2 * this.#uniform());
      worst += away * max(1, round(gap));
      if (worst < 1) break;
      prices.push(worst);
      sizes.push(this.#size(level));
    }
    side.prices.unshift(...prices.reverse());
    side.sizes.unshift(...sizes.reverse());
  }

  #addBetween(side: Side, at: number, back: number): void {
    const [low, high] = [side.prices[at - 1]!, side.prices[at]!];
    const price = round((low + high) / 2);
    if (price === low || price === high) return;
    side.prices.splice(at, 0, price);
    side.sizes.splice(at, 0, this.#size(back));
  }

  /** Deeper levels hold more. */
  #size(level: number): number {
    const median = this.#listing.medianSize * 10 ** this.#listing.sizeDigits;
    return max(1, round(4 * median * (1 + 0.02 * level) * exp(1.1 * normal(this.#key, this.#draws++))));
  }

  #uniform(): number {
    return uniform(this.#key, this.#draws++);
  }
}

/** A bid that no ask comes up to for a while: 0.2 % above the best ask. */
export function crossingPrice(book: Book): number {
  return ceil(book.bestAsk * 1.002);
}

function removeLevel(side: Side, at: number): void {
  side.prices.splice(at, 1);
  side.sizes.splice(at, 1);
}

/** Best first: what changed on one side since the last look. A size of 0 deletes. */
export interface SideChanges {
  readonly prices: number[];
  readonly sizes: number[];
}

/** The top of the book as subscribers of one depth have it. */
export class BookView {
  readonly depth: number;
  readonly bids: SideChanges = { prices: [], sizes: [] };
  readonly asks: SideChanges = { prices: [], sizes: [] };

  constructor(book: Book, depth: number) {
    this.depth = depth;
    this.update(book);
  }

  /** Takes in the book as it stands and returns the changes that bring a subscriber there, given that it cuts to the depth. */
  update(book: Book): { bids: SideChanges; asks: SideChanges } {
    return { bids: advance(this.bids, book.bids, this.depth, -1), asks: advance(this.asks, book.asks, this.depth, 1) };
  }
}

/** Both sides are sorted, so one walk finds the differences. What fell out at the far end is not reported: the subscriber cuts it. */
function advance(seen: SideChanges, side: Side, depth: number, away: 1 | -1): SideChanges {
  const changes: SideChanges = { prices: [], sizes: [] };
  const count = min(depth, side.prices.length);
  const full = count === depth;
  const last = side.prices.length - 1;
  let old = 0;
  for (let i = 0; i < count; i++) {
    const price = side.prices[last - i]!;
    const size = side.sizes[last - i]!;
    while (old < seen.prices.length && (seen.prices[old]! - price) * away < 0) report(changes, seen.prices[old++]!, 0);
    if (seen.prices[old] === price) {
      if (seen.sizes[old] !== size) report(changes, price, size);
      old++;
    } else report(changes, price, size);
  }
  if (!full) while (old < seen.prices.length) report(changes, seen.prices[old++]!, 0);
  seen.prices.length = count;
  seen.sizes.length = count;
  for (let i = 0; i < count; i++) {
    seen.prices[i] = side.prices[last - i]!;
    seen.sizes[i] = side.sizes[last - i]!;
  }
  return changes;
}

function report(changes: SideChanges, price: number, size: number): void {
  changes.prices.push(price);
  changes.sizes.push(size);
}
