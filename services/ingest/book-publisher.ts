/**
 * What of one instrument's book goes into the log: the best quote on every change, a slice at once on a change of the best quote, else
 * at most ten a second. Pure.
 */
import { type OrderBook } from '#libs/market/book.ts';
import { OrderFlow } from '#libs/market/order-flow.ts';
import { type BookSlice, type Quote } from '#libs/wire/tributary/v1/market.ts';

const SLICE_LEVELS = 20;
/** Microseconds between slices while the best quote stays. */
const SLICE_INTERVAL = 100_000;

export interface BookPublication {
  readonly quote: Quote | undefined;
  readonly slice: BookSlice;
}

export class BookPublisher {
  readonly #flow = new OrderFlow();
  #quote: Quote | undefined;
  #sliceTime = 0;
  /** Quotes that were replaced by a newer one before they could be written. */
  conflated = 0;
  #isHeldBack = false;

  /** The last quote published and not void since. */
  get quote(): Quote | undefined {
    return this.#quote;
  }

  /** The book is void: the next one is not compared with it. */
  reset(): void {
    this.#flow.restart();
    this.#quote = undefined;
    this.#isHeldBack = false;
  }

  /** Counts the step to the present state of the book. Once per book event. */
  observe(book: OrderBook): void {
    this.#flow.observe(book);
  }

  /** The queue takes no quotes: this state waits, and counts as conflated if one waits already. */
  holdBack(book: OrderBook): void {
    if (isSame(this.#quote, book)) return;
    if (this.#isHeldBack) this.conflated++;
    this.#isHeldBack = true;
  }

  /** What is due at `now` (microseconds); undefined = nothing. */
  take(book: OrderBook, now: number): BookPublication | undefined {
    const isChanged = !isSame(this.#quote, book);
    const isSliceDue = this.#flow.updates > 0 && now - this.#sliceTime >= SLICE_INTERVAL;
    if (!isChanged && !isSliceDue) return undefined;
    this.#isHeldBack = false;
    this.#sliceTime = now;
    if (isChanged) this.#quote = quoteOf(book);
    return { quote: isChanged ? this.#quote : undefined, slice: this.#slice(book) };
  }

  #slice({ bids, asks }: OrderBook): BookSlice {
    const mid = (bids.price(0) + asks.price(0)) / 2;
    const slice: BookSlice = {
      bidPrices: [],
      bidSizes: [],
      askPrices: [],
      askSizes: [],
      bidValue10bps: bids.valueWithin(mid, mid * 0.001),
      askValue10bps: asks.valueWithin(mid, mid * 0.001),
      bidValue50bps: bids.valueWithin(mid, mid * 0.005),
      askValue50bps: asks.valueWithin(mid, mid * 0.005),
      updates: this.#flow.updates,
      orderFlow: this.#flow.take(),
    };
    for (let level = 0; level < SLICE_LEVELS && level < bids.length; level++) {
      slice.bidPrices.push(bids.price(level));
      slice.bidSizes.push(bids.size(level));
    }
    for (let level = 0; level < SLICE_LEVELS && level < asks.length; level++) {
      slice.askPrices.push(asks.price(level));
      slice.askSizes.push(asks.size(level));
    }
    return slice;
  }
}

function quoteOf({ bids, asks }: OrderBook): Quote {
  return { bid: bids.price(0), bidSize: bids.size(0), ask: asks.price(0), askSize: asks.size(0) };
}

function isSame(quote: Quote | undefined, { bids, asks }: OrderBook): boolean {
  return (
    quote?.bid === bids.price(0) &&
    quote.ask === asks.price(0) &&
    quote.bidSize === bids.size(0) &&
    quote.askSize === asks.size(0)
  );
}
