/**
 * One instrument's book from a venue's book events: replaced by snapshots, changed by updates, checked by checksum, dropped when wrong.
 * Pure.
 */
import { OrderBook } from '#libs/market/book.ts';
import { type BookEvent, type Listing } from './venues/venue.ts';

/** Failures within this time, microseconds, after which the checksum itself is not believed. */
const FAILURE_WINDOW = 60_000_000;
const FAILURES = 3;
/** How long it is not believed, microseconds. */
const DISBELIEF = 600_000_000;

export type BookResult =
  | 'applied'
  /** No snapshot yet, or the precisions are unknown: nothing was done. */
  | 'ignored'
  /** The book was wrong and is dropped; a new snapshot is needed. */
  | 'bad-checksum';

export class BookKeeper {
  /** Levels that a venue removed though they were not there: a sign of a corrupt book. */
  missedDeletes = 0;
  checksumFailures = 0;
  readonly #depth: number;
  #listing: Listing | undefined;
  #book: OrderBook | undefined;
  #hasSnapshot = false;
  #failures: number[] = [];
  #disbelievedUntil = 0;

  constructor(depth: number) {
    this.#depth = depth;
  }

  /** The book, while it can be believed. */
  get book(): OrderBook | undefined {
    return this.#hasSnapshot ? this.#book : undefined;
  }

  get hasPrecision(): boolean {
    return this.#listing !== undefined;
  }

  /** Some tokens' checksums fail for ever by a quirk of precision: after three failures in a minute they are only counted, for ten minutes. */
  isChecksumBelieved(now: number): boolean {
    return now >= this.#disbelievedUntil;
  }

  /** True: other precisions than before, so the book has to be fetched anew. */
  setListing(listing: Listing): boolean {
    const old = this.#listing;
    this.#listing = listing;
    if (old?.priceDecimals === listing.priceDecimals && old.sizeDecimals === listing.sizeDecimals) return false;
    this.#book = new OrderBook({ priceDecimals: listing.priceDecimals, depth: this.#depth });
    this.drop();
    return true;
  }

  drop(): void {
    this.#hasSnapshot = false;
    this.#book?.clear();
  }

  /** `now`: receive time, microseconds. */
  apply(event: BookEvent, now: number): BookResult {
    const book = this.#book;
    if (book === undefined || !(event.isSnapshot || this.#hasSnapshot)) return 'ignored';
    if (event.isSnapshot) book.reset(event.bids, event.asks);
    else this.#change(book, event);
    this.#hasSnapshot = true;
    return event.checksum === undefined || this.#verify(book, event.checksum, now) ? 'applied' : 'bad-checksum';
  }

  #change(book: OrderBook, { bids, asks }: BookEvent): void {
    for (let at = 0; at < bids.length; at += 2) if (!book.set('bids', bids[at]!, bids[at + 1]!)) this.missedDeletes++;
    for (let at = 0; at < asks.length; at += 2) if (!book.set('asks', asks[at]!, asks[at + 1]!)) this.missedDeletes++;
    book.truncate();
  }

  #verify(book: OrderBook, checksum: number, now: number): boolean {
    if (book.checksum(this.#listing!.sizeDecimals) === checksum) return true;
    this.checksumFailures++;
    if (!this.isChecksumBelieved(now)) return true;
    this.#failures = [...this.#failures.filter((time) => now - time < FAILURE_WINDOW), now];
    if (this.#failures.length >= FAILURES) {
      this.#disbelievedUntil = now + DISBELIEF;
      this.#failures = [];
    }
    this.drop();
    return false;
  }
}
