/** What a taker meets: events of one market, and the price that an order of some size gets at one of them. Pure. */

/** `time`: milliseconds, by our clock where the event was received. A quote is a book of one level, a print a trade. */
export type MarketEvent =
  | { readonly kind: 'book' | 'quote'; readonly time: number; readonly bids: Levels; readonly asks: Levels }
  | { readonly kind: 'print'; readonly time: number; readonly price: number };

/** Prices and sizes, best first; a size of Infinity = not known. */
export interface Levels {
  readonly prices: readonly number[];
  readonly sizes: readonly number[];
}

export interface Taken {
  /** Base units: less than asked for where the levels end. */
  readonly quantity: number;
  /** Average. */
  readonly price: number;
  /** The mid, or the print. */
  readonly reference: number;
  /** Basis points of the reference: to the best level, and from there to the average. */
  readonly spreadBps: number;
  readonly slippageBps: number;
}

const BPS = 10_000;

/** One event's liquidity: orders that meet the same event take from the same levels. */
export class Liquidity {
  readonly #event: MarketEvent;
  readonly #halfSpreadBps: number;
  /** Already taken, base units, by side of the taker. */
  readonly #taken = { buy: 0, sell: 0 };

  /** `halfSpreadBps`: what a taker pays beyond a print. */
  constructor(event: MarketEvent, halfSpreadBps: number) {
    this.#event = event;
    this.#halfSpreadBps = halfSpreadBps;
  }

  get reference(): number {
    return referenceOf(this.#event);
  }

  /** `side`: 1 buys, -1 sells. Undefined = nothing is left. */
  take(side: 1 | -1, quantity: number): Taken | undefined {
    const event = this.#event;
    if (event.kind === 'print') {
      const price = event.price * (1 + (side * this.#halfSpreadBps) / BPS);
      return { quantity, price, reference: event.price, spreadBps: this.#halfSpreadBps, slippageBps: 0 };
    }
    const { prices, sizes } = side === 1 ? event.asks : event.bids;
    const key = side === 1 ? 'buy' : 'sell';
    let skip = this.#taken[key];
    let [left, value] = [quantity, 0];
    for (let level = 0; level < prices.length && left > 0; level++) {
      const size = sizes[level]! - skip;
      skip = Math.max(0, -size);
      if (size <= 0) continue;
      const part = Math.min(size, left);
      value += part * prices[level]!;
      left -= part;
    }
    const taken = quantity - left;
    if (!(taken > 0)) return undefined;
    this.#taken[key] += taken;
    const { reference } = this;
    const average = value / taken;
    const bps = (from: number, to: number): number => Math.max(0, (side * (to - from) * BPS) / reference);
    return {
      ...{ quantity: taken, price: average, reference },
      spreadBps: bps(reference, prices[0]!),
      slippageBps: bps(prices[0]!, average),
    };
  }
}

/** What a position is valued at: the mid, or the print. */
export function referenceOf(event: MarketEvent): number {
  return event.kind === 'print' ? event.price : (event.bids.prices[0]! + event.asks.prices[0]!) / 2;
}
