/**
 * One instrument's book from a venue's book events: replaced by snapshots, changed by updates, checked by sequence and checksum, dropped
 * when wrong. Where snapshots come by REST, what the feed says meanwhile is held and applied to the snapshot that comes. Pure.
 */
import { type BookSide, OrderBook } from '#libs/market/book.ts';
import { type BookChecksum, type BookEvent, type Listing } from './venues/venue.ts';

/** Failures within this time, microseconds, after which the checksum itself is not believed. */
const FAILURE_WINDOW = 60_000_000;
const FAILURES = 3;
/** How long it is not believed, microseconds. */
const DISBELIEF = 600_000_000;
/** Updates held for a snapshot that is awaited; with more than this it comes too late. */
const MOST_HELD = 5_000;

export type BookResult =
  | 'applied'
  /** No snapshot yet, or the precisions are unknown: nothing was done. */
  | 'ignored'
  /** Kept for the snapshot that is to come. */
  | 'held'
  /** Updates are missing: the book is dropped. */
  | 'missed-update'
  /** The book was wrong and is dropped; a new snapshot is needed. */
  | 'bad-checksum';

export interface BookKeeperOptions {
  /** Levels kept on each side. */
  readonly depth: number;
  /** Snapshots come by REST. */
  readonly holdsUpdates: boolean;
  readonly checksum?: BookChecksum | undefined;
}

/** What all books of an instrument have in common, one connection's after the other's. */
interface BookRecord {
  missedDeletes: number;
  checksumFailures: number;
  /** When checksums failed lately, microseconds. */
  failures: number[];
  disbelievedUntil: number;
}

export class BookKeeper {
  readonly #options: BookKeeperOptions;
  readonly #record: BookRecord;
  #held: BookEvent[] = [];
  /** Sequence of the newest event in the book; undefined: not numbered. */
  #sequence: number | undefined;
  /** Venue's time of the newest event in the book, microseconds; 0 = not told. */
  #time = 0;
  /** The snapshot is newer than the first update on it may be. */
  #isJoined = false;
  /** The newest update named the one before it. */
  #isChained = false;
  #listing: Listing | undefined;
  #book: OrderBook | undefined;
  #hasSnapshot = false;

  constructor(
    options: BookKeeperOptions,
    record: BookRecord = { missedDeletes: 0, checksumFailures: 0, failures: [], disbelievedUntil: 0 },
  ) {
    this.#options = options;
    this.#record = record;
  }

  /** A keeper of the same instrument for another connection, without a book. */
  successor(): BookKeeper {
    const next = new BookKeeper(this.#options, this.#record);
    if (this.#listing !== undefined) next.setListing(this.#listing);
    return next;
  }

  /** Levels that a venue removed though they were not there: a sign of a corrupt book. */
  get missedDeletes(): number {
    return this.#record.missedDeletes;
  }

  get checksumFailures(): number {
    return this.#record.checksumFailures;
  }

  /** Venue's time of the newest event in the book, microseconds; 0 = not told. */
  get time(): number {
    return this.#time;
  }

  /** Whether it holds what `other` does, as far as the venue's numbers or times tell. */
  isAsNewAs(other: BookKeeper): boolean {
    if (this.#sequence !== undefined && other.#sequence !== undefined) return this.#sequence >= other.#sequence;
    return this.#time === 0 || this.#time >= other.#time;
  }

  /**
   * Takes the other's book for the snapshot of the updates that it holds, once the first of them is in there: of the same numbering,
   * it is as good as one by REST.
   */
  join(other: BookKeeper, now: number): void {
    const { book } = other;
    const [first] = this.#held;
    const last = other.#sequence;
    if (!this.#options.holdsUpdates || book === undefined || last === undefined || (first?.sequence?.last ?? 0) > last) return;
    const sequence = { previous: undefined, last };
    const [bids, asks] = [levelsOf(book.bids), levelsOf(book.asks)];
    const instrument = this.#listing!.instrument;
    const exchangeTime = other.#time;
    this.apply({ kind: 'book', instrument, isSnapshot: true, bids, asks, checksum: undefined, sequence, exchangeTime }, now);
  }

  /** Whether a missing update shows by itself, by a checksum or by the sequence. */
  get tellsMissedUpdates(): boolean {
    return this.#options.checksum !== undefined || this.#isChained;
  }

  /** Updates wait for a snapshot. */
  get isHolding(): boolean {
    return this.#held.length > 0;
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
    return now >= this.#record.disbelievedUntil;
  }

  /** True: other precisions than before, so the book has to be fetched anew. */
  setListing(listing: Listing): boolean {
    const old = this.#listing;
    this.#listing = listing;
    if (old?.priceDecimals === listing.priceDecimals && old.sizeDecimals === listing.sizeDecimals) return false;
    this.#book = new OrderBook({ priceDecimals: listing.priceDecimals, depth: this.#options.depth });
    this.drop();
    return true;
  }

  drop(): void {
    this.#hasSnapshot = false;
    this.#held = [];
    this.#book?.clear();
  }

  /** `now`: receive time, microseconds. */
  apply(event: BookEvent, now: number): BookResult {
    const book = this.#book;
    if (book === undefined) return 'ignored';
    if (event.isSnapshot) return this.#replace(book, event, now);
    if (!this.#hasSnapshot) return this.#hold(event);
    const place = this.#place(event);
    if (place === 'missed-update') this.drop();
    if (place !== 'next') return place;
    this.#change(book, event);
    return this.#verify(book, event.checksum, now);
  }

  #replace(book: OrderBook, event: BookEvent, now: number): BookResult {
    const held = this.#held;
    this.#held = [];
    book.reset(event.bids, event.asks);
    this.#hasSnapshot = true;
    this.#sequence = event.sequence?.last;
    this.#time = event.exchangeTime;
    this.#isJoined = false;
    let result: BookResult = this.#verify(book, event.checksum, now);
    for (const update of held) {
      if (result === 'applied' || result === 'ignored') result = this.apply(update, now);
    }
    return result === 'ignored' ? 'applied' : result;
  }

  #hold(event: BookEvent): BookResult {
    if (!this.#options.holdsUpdates) return 'ignored';
    if (this.#held.length === MOST_HELD) this.#held = [];
    this.#held.push(event);
    return 'held';
  }

  /** Only the first update on a snapshot may overlap it: sizes are absolute, so that what is told twice does no harm. */
  #place({ sequence }: BookEvent): 'next' | 'ignored' | 'missed-update' {
    const known = this.#sequence;
    if (sequence === undefined || known === undefined) return 'next';
    const { previous, last } = sequence;
    this.#isChained = previous !== undefined;
    if (previous !== known) {
      if (last <= known) return 'ignored';
      if (previous !== undefined && (previous > known || this.#isJoined)) return 'missed-update';
    }
    this.#sequence = last;
    this.#isJoined = true;
    return 'next';
  }

  #change(book: OrderBook, { bids, asks, exchangeTime }: BookEvent): void {
    if (exchangeTime > 0) this.#time = exchangeTime;
    for (let at = 0; at < bids.length; at += 2) if (!book.set('bids', bids[at]!, bids[at + 1]!)) this.#record.missedDeletes++;
    for (let at = 0; at < asks.length; at += 2) if (!book.set('asks', asks[at]!, asks[at + 1]!)) this.#record.missedDeletes++;
    book.truncate();
  }

  #verify(book: OrderBook, checksum: number | undefined, now: number): 'applied' | 'bad-checksum' {
    const make = this.#options.checksum;
    if (checksum === undefined || make === undefined || make(book, this.#listing!) === checksum) return 'applied';
    const record = this.#record;
    record.checksumFailures++;
    if (!this.isChecksumBelieved(now)) return 'applied';
    record.failures = [...record.failures.filter((time) => now - time < FAILURE_WINDOW), now];
    if (record.failures.length >= FAILURES) {
      record.disbelievedUntil = now + DISBELIEF;
      record.failures = [];
    }
    this.drop();
    return 'bad-checksum';
  }
}

/** Price, size, price, size, …, best first. */
function levelsOf(side: BookSide): number[] {
  return Array.from({ length: 2 * side.length }, (_, at) => (at % 2 === 0 ? side.price(at >> 1) : side.size(at >> 1)));
}
