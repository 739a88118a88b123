/**
 * One instrument of one venue: events of the venue in, ticks for the log out. Holds what is known of its trades and its book, finds what
 * is missing or wrong, and asks for it. No I/O and no clock of its own: time is the receive time it is told (`now`, microseconds).
 */
import { FIRST_CONNECTION } from '#libs/market/gap.ts';
import { type OrderBook } from '#libs/market/book.ts';
import { type Instrument } from '#libs/market/instrument.ts';
import { type FeedGap, GapKind, type Quote, type Tick, type TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { BookKeeper } from './book-keeper.ts';
import { BookPublisher } from './book-publisher.ts';
import { NextLine } from './next-line.ts';
import { PriceGuard } from './price-guard.ts';
import { StatusKeeper } from './status-keeper.ts';
import { type Completeness, type Hole, TradeLedger } from './trade-ledger.ts';
import { type BookEvent, type Listing, LOST_FRAME, type MalformedReason, type TradeEvent, type Venue } from './venues/venue.ts';

export type TickEvent = NonNullable<Tick['event']>;

/** What a stream needs of the service around it. */
export interface StreamOutput {
  /** Quotes and slices are to be held back. */
  readonly isBusy: boolean;
  /** False: a trade that was not taken because the queue is full. */
  publish(instrument: Instrument, event: TickEvent, exchangeTime: number, receiveTime: number, sequence: number): boolean;
  repair(stream: InstrumentStream, hole: Hole): void;
  /** A new book snapshot is needed. */
  resync(stream: InstrumentStream): void;
  malformed(reason: MalformedReason): void;
  badChecksum(): void;
}

/** What an earlier run left in the log. */
export interface Resume {
  readonly complete: Completeness | undefined;
  /** Highest sequence written. */
  readonly sequence: number;
}

export interface StreamOptions {
  readonly instrument: Instrument;
  readonly venue: StreamVenue;
  readonly resume: Resume;
}

/** What of a venue's declaration a stream goes by. */
export type StreamVenue = Pick<Venue, 'bookDepth' | 'hasInstrumentHeartbeats' | 'checksum' | 'tradeIds' | 'bookSnapshots'>;

const SECOND = 1_000_000;
/** A venue's announcement of a last trade we have not seen may run ahead of the trade itself by this much. */
const ANNOUNCEMENT_GRACE = SECOND;
const CROSSED_GRACE = SECOND;
const SNAPSHOT_GRACE = 10 * SECOND;
const SILENCE = 5 * SECOND;
/** By how much a connection may lag behind the one it follows. */
const LONGEST_LAG = SECOND;
/** A range of ids that holds none. */
const UNKNOWN_TRADES = { from: 0, to: -1 };
const LONGEST_RESYNC_PAUSE = 60 * SECOND;
const FIRST_RESYNC_PAUSE = 2 * SECOND;
/** For so long after its last quote a book that is void still tells what a price cannot be. */
const WITNESS_AGE = 60 * SECOND;

export class InstrumentStream {
  readonly instrument: Instrument;
  gaps = 0;
  reconnects = 0;
  lastFrameTime = 0;
  readonly #output: StreamOutput;
  readonly #trades: TradeLedger;
  #keeper: BookKeeper;
  /** What the next connection tells, while it is rehearsed. */
  #next: NextLine | undefined;
  /** What this connection told while it was the next one. */
  #rehearsed: NextLine | undefined;
  /** The book of the connection before, which stands until this one's is as new. */
  #ahead: { readonly keeper: BookKeeper; readonly until: number } | undefined;
  readonly #books = new BookPublisher();
  readonly #tradePrices = new PriceGuard();
  readonly #mids = new PriceGuard();
  #isAbsurd = false;
  readonly #venue: StreamVenue;
  /** Trades may have been missed of which nobody can tell: ids are not dense, and the feed was away. */
  #mayHaveMissed: boolean;
  #sequence: number;
  /** Nothing is known from before: what the venue tells of the past is where trades begin, not something missed. */
  #isJoining: boolean;
  #isConnected = false;
  #hasConnected = false;
  #announced: { readonly id: number; readonly since: number } | undefined;
  #lastHeartbeat = 0;
  #isSilent = false;
  #crossedSince: number | undefined;
  #resyncNotBefore = 0;
  #resyncPause = FIRST_RESYNC_PAUSE;
  #resyncedAt = 0;
  #malformedSaid = 0;
  #malformedUnsaid = 0;
  #malformedReason: MalformedReason = 'shape';
  readonly #status = new StatusKeeper();
  #quoteTime = -Infinity;
  /** Of the last quote that was published; undefined: there was none. */
  #mid: number | undefined;

  constructor({ instrument, venue, resume }: StreamOptions, output: StreamOutput) {
    this.instrument = instrument;
    this.#output = output;
    this.#venue = venue;
    this.#trades = new TradeLedger(resume.complete, venue.tradeIds === 'dense');
    this.#mayHaveMissed = venue.tradeIds !== 'dense' && resume.sequence > 0;
    this.#isJoining = resume.complete === undefined;
    this.#sequence = resume.sequence;
    const { bookDepth: depth, checksum, bookSnapshots } = venue;
    this.#keeper = new BookKeeper({ depth, checksum, holdsUpdates: bookSnapshots === 'rest' });
  }

  /** The best quote, while it can be believed, and when it was received. */
  get quote(): { readonly quote: Quote; readonly receiveTime: number } | undefined {
    const quote = this.#isConnected && this.#crossedSince === undefined ? this.#books.quote : undefined;
    return quote && { quote, receiveTime: this.#quoteTime };
  }

  /** Levels that the venue removed though they were not in the book. */
  get missedDeletes(): number {
    return this.#keeper.missedDeletes;
  }

  /** Trades that are known to be missing and not given up. */
  get missingTrades(): number {
    return this.#trades.missing;
  }

  get conflatedQuotes(): number {
    return this.#books.conflated;
  }

  /** Which connection it is on; changes with each. */
  get session(): number {
    return this.#isConnected ? this.reconnects : -1;
  }

  /** No book that can be believed, and updates wait for one. */
  get awaitsBook(): boolean {
    return this.#keeper.book === undefined && this.#keeper.isHolding;
  }

  isHealthy(now: number): boolean {
    return this.quote !== undefined && !this.#isSilent && now - this.lastFrameTime < 3 * SECOND;
  }

  /** No heartbeat of the instrument for so long, though it had some on this connection, that only a new connection may help. */
  isLost(now: number): boolean {
    return this.#isSilent && now - this.#lastHeartbeat > 3 * SILENCE;
  }

  connected(now: number): void {
    if (this.#hasConnected) this.reconnects++;
    else this.gap(now, GapKind.GAP_KIND_DISCONNECT, FIRST_CONNECTION);
    this.#hasConnected = true;
    this.#isConnected = true;
    this.#lastHeartbeat = 0;
    this.#resyncNotBefore = this.#venue.bookSnapshots === 'rest' ? now : now + SNAPSHOT_GRACE;
  }

  disconnected(now: number, kind: GapKind, reason: string): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    this.#isJoining &&= this.#trades.lastId === undefined;
    this.#isSilent = false;
    this.#announced = undefined;
    this.#mayHaveMissed = this.#venue.tradeIds !== 'dense';
    this.#voidBook();
    this.gap(now, kind, reason);
  }

  /** Another connection is opened while this one serves. */
  rehearse(): NextLine {
    this.#next = new NextLine(this.#keeper.successor());
    return this.#next;
  }

  /** What the next connection does not have yet of what this one has. */
  missingOf(next: NextLine, now: number): string | undefined {
    const { book } = this.#keeper;
    if (book !== undefined && next.keeper.book === undefined) next.keeper.join(this.#keeper, now);
    if (book !== undefined && next.keeper.book === undefined) return 'the book';
    if (book?.isCrossed === false && next.keeper.book?.isCrossed === true) return 'a sound book';
    if (this.#lastHeartbeat > 0 && next.lastHeartbeat === 0) return 'heartbeats';
    const [first] = next.trades;
    if (first !== undefined && first.tradeId > (this.#trades.lastId ?? first.tradeId)) return 'the trades before its first';
    return undefined;
  }

  /** The next connection did not come up. */
  endRehearsal(): void {
    this.#next = undefined;
  }

  /** Goes on with the next connection as if it were the same. */
  takeOver(next: NextLine, now: number): void {
    this.#ahead = { keeper: this.#keeper, until: now + LONGEST_LAG };
    this.#next = undefined;
    this.#rehearsed = next;
    this.#keeper = next.keeper;
    this.#crossedSince = undefined;
    this.lastFrameTime = now;
    this.#lastHeartbeat = next.lastHeartbeat;
    this.#isSilent = false;
    if (this.#status.listing !== undefined) this.onListing(this.#status.listing, now);
    for (const trade of next.trades.splice(0)) this.onTrade(trade, now);
    if (this.#keeper.book !== undefined) this.#followBook(this.#keeper.book, now, this.#keeper.time);
  }

  onTrade(trade: TradeEvent, now: number): void {
    if (trade.tradeId === 0) {
      this.#next?.remember(trade);
      if (this.#rehearsed?.isTold(trade) === true) return;
      if (!this.#believes(trade, now)) return;
      this.#sayMissed(now, undefined);
      this.#publishTrade(trade, now, trade.isLate);
      return;
    }
    if (this.#isJoining && trade.isLate) {
      this.#trades.join(trade.tradeId, notAhead(trade.exchangeTime, now));
      return;
    }
    // Of one that is not believed it stays unknown what it was: the next one shows the hole, and REST is asked.
    if (this.#trades.isRepeat(trade.tradeId) || !this.#believes(trade, now)) return;
    this.#isJoining = false;
    const before = this.#trades.lastId;
    const hole = this.#trades.see(trade.tradeId, notAhead(trade.exchangeTime || now, now));
    this.#sayMissed(now, before === undefined ? undefined : { from: before + 1, to: trade.tradeId - 1 });
    if (hole !== undefined) this.#openHole(hole, now, GapKind.GAP_KIND_TRADES);
    this.#publishTrade(trade, now, trade.isLate);
  }

  /** Trades that REST gave for a hole, oldest first; gives how many of them were missing. */
  onRepair(hole: Hole, trades: readonly TradeEvent[], now: number): number {
    let filled = 0;
    for (const trade of trades) {
      if (!this.#tradePrices.accepts(trade.price)) this.#doubt(now);
      else if (this.#trades.fill(hole, trade.tradeId, notAhead(trade.exchangeTime, now))) {
        this.#publishTrade(trade, now, true);
        filled++;
      }
    }
    return filled;
  }

  /** No more will come for a hole; with a reason, a part of it stays open for ever and the log says so. */
  closeHole(hole: Hole, now: number, reason?: string): void {
    this.#trades.close(hole);
    if (reason !== undefined) this.gap(now, GapKind.GAP_KIND_TRADES, reason, hole);
  }

  onBook(event: BookEvent, now: number): void {
    if (event.isSnapshot) this.#books.reset();
    const result = this.#keeper.apply(event, now);
    if (result === 'bad-checksum') {
      this.#output.badChecksum();
      this.#wrongBook(now, GapKind.GAP_KIND_CHECKSUM, 'the book does not match its checksum');
      return;
    }
    const book = this.#keeper.book;
    if (result === 'missed-update') {
      this.#wrongBook(now, GapKind.GAP_KIND_CHECKSUM, 'updates of the book are missing');
      return;
    }
    if (result === 'held') this.#askForBook(now);
    if (result !== 'applied' || book === undefined) return;
    // The next failure may ask for a snapshot at once, unless this one was itself asked for because of a failure.
    if (event.isSnapshot && this.#resyncedAt === 0) this.#resyncNotBefore = now;
    this.#followBook(book, now, event.exchangeTime);
  }

  onLastTrade(tradeId: number, now: number, isHeartbeat: boolean): void {
    if (isHeartbeat) {
      this.#lastHeartbeat = now;
      this.#isSilent = false;
    }
    if (tradeId === 0) return;
    if (this.#trades.lastId === undefined) this.#trades.join(tradeId, 0);
    else if (tradeId > this.#trades.lastId && !this.#isJoining) this.#announced ??= { id: tradeId, since: now };
  }

  onListing(listing: Listing, now: number): void {
    this.#status.listing = listing;
    const hadBook = this.#keeper.book !== undefined;
    if (this.#keeper.setListing(listing) && hadBook) {
      this.#wrongBook(now, GapKind.GAP_KIND_DISCONNECT, 'the decimals of the price or size changed');
    }
    this.#sayStatus(now);
  }

  onDelisted(now: number): void {
    this.#status.delist();
    this.#sayStatus(now);
  }

  onSystem(status: TradingStatus, now: number): void {
    this.#status.system = status;
    this.#sayStatus(now);
  }

  /** Something of this instrument could not be read or believed: said once a second at most. */
  onMalformed(reason: MalformedReason, now: number): void {
    this.#malformedUnsaid++;
    this.#malformedReason = reason;
    if (!this.#keeper.tellsMissedUpdates && LOST_FRAME.includes(reason)) this.#renewBook(now);
    this.#sayMalformed(now);
  }

  /** What waits for its time: at least ten times a second. */
  flush(now: number): void {
    this.#sayMalformed(now);
    if (this.#crossedSince !== undefined) this.#checkCrossed(now);
    else if (this.#keeper.book !== undefined && !this.#lags(now)) this.#publishBook(now, 0);
    if (!this.#output.isBusy) this.#reportOverflow(now);
  }

  /** Looks after itself and says how it is. */
  everySecond(now: number, clockSkew: number): void {
    this.#checkAnnounced(now);
    this.#checkSilence(now);
    const isDue = this.#keeper.hasPrecision && (this.#venue.bookSnapshots === 'feed' || this.#keeper.isHolding);
    if (this.#isConnected && this.#keeper.book === undefined && isDue) this.#askForBook(now);
    const { complete } = this.#trades;
    this.#publish(now, 0, {
      $case: 'heartbeat',
      value: {
        healthy: this.isHealthy(now),
        lastFrameTime: this.lastFrameTime,
        clockSkew,
        gaps: this.gaps,
        checksumFailures: this.#keeper.checksumFailures,
        reconnects: this.reconnects,
        conflatedQuotes: this.#books.conflated,
        completeThroughTradeId: complete?.id ?? 0,
        completeThroughTime: complete?.time ?? 0,
      },
    });
  }

  gap(now: number, kind: GapKind, detail: string, hole?: Hole): void {
    if (detail !== FIRST_CONNECTION) this.gaps++;
    const value: FeedGap = { kind, fromTradeId: hole?.from ?? 0, toTradeId: hole?.to ?? 0, detail };
    this.#publish(now, 0, { $case: 'gap', value });
  }

  #publish(now: number, exchangeTime: number, event: TickEvent): boolean {
    this.#sequence = Math.max(this.#sequence + 1, now);
    return this.#output.publish(this.instrument, event, exchangeTime, now, this.#sequence);
  }

  /** By the book, or what it was a little while ago; else by the trades before. */
  #believes({ price }: TradeEvent, now: number): boolean {
    const isKnown = this.quote !== undefined || now - this.#quoteTime < WITNESS_AGE;
    const isBelieved = this.#tradePrices.accepts(price, isKnown ? this.#mid : undefined);
    if (!isBelieved) this.#doubt(now);
    return isBelieved;
  }

  #publishTrade(trade: TradeEvent, now: number, isRepaired: boolean): void {
    const { tradeId, price, size, aggressor } = trade;
    const value = { tradeId, price, size, aggressor, repaired: isRepaired };
    const isTaken = this.#publish(now, credible(trade.exchangeTime, now), { $case: 'trade', value });
    // The queue is full: to be repaired when there is room.
    if (!isTaken) this.#trades.refuse(tradeId, notAhead(trade.exchangeTime, now));
  }

  #sayMalformed(now: number): void {
    if (this.#malformedUnsaid === 0 || now - this.#malformedSaid < SECOND) return;
    this.gap(
      now,
      GapKind.GAP_KIND_MALFORMED,
      `${this.#malformedUnsaid} x unreadable or not credible, last: ${this.#malformedReason}`,
    );
    this.#malformedSaid = now;
    this.#malformedUnsaid = 0;
  }

  #doubt(now: number): void {
    this.#output.malformed('absurd-price');
    this.onMalformed('absurd-price', now);
  }

  #reportOverflow(now: number): void {
    const hole = this.#trades.reopenRefused();
    if (hole !== undefined) this.#openHole(hole, now, GapKind.GAP_KIND_OVERFLOW);
  }

  /** Once after the feed was away, where ids cannot tell what it missed. `between`: ids of which none, some or all were trades. */
  #sayMissed(now: number, between: Pick<Hole, 'from' | 'to'> | undefined): void {
    if (!this.#mayHaveMissed) return;
    this.#mayHaveMissed = false;
    if (between !== undefined && between.to < between.from) return;
    const detail = 'trades may be missing: the ids of the venue do not tell';
    this.gap(now, GapKind.GAP_KIND_TRADES, detail, { ...(between ?? UNKNOWN_TRADES), after: 0 });
  }

  #openHole(hole: Hole, now: number, kind: GapKind): void {
    this.gap(now, kind, `${hole.to - hole.from + 1} trades missed`, hole);
    this.#output.repair(this, hole);
  }

  /** A step of the book. */
  #followBook(book: OrderBook, now: number, exchangeTime: number): void {
    if (this.#lags(now)) return;
    this.#books.observe(book);
    this.#isAbsurd = book.isTwoSided && !this.#mids.accepts((book.bids.price(0) + book.asks.price(0)) / 2);
    if (this.#isAbsurd) this.#doubt(now);
    if (book.isCrossed) this.#checkCrossed(now);
    else {
      this.#crossedSince = undefined;
      this.#publishBook(now, exchangeTime);
    }
  }

  /** The connection before was ahead of this one: what is published does not go back. */
  #lags(now: number): boolean {
    const ahead = this.#ahead;
    if (ahead === undefined) return false;
    if (now < ahead.until && !this.#keeper.isAsNewAs(ahead.keeper)) return true;
    this.#ahead = undefined;
    return false;
  }

  #publishBook(now: number, exchangeTime: number): void {
    const book = this.#keeper.book;
    if (book?.isTwoSided !== true || this.#isAbsurd) return;
    if (this.#output.isBusy) {
      this.#books.holdBack(book);
      return;
    }
    const due = this.#books.take(book, now);
    if (due === undefined) return;
    const time = credible(exchangeTime, now);
    if (due.quote !== undefined) {
      this.#quoteTime = now;
      this.#mid = (due.quote.bid + due.quote.ask) / 2;
      this.#publish(now, time, { $case: 'quote', value: due.quote });
    }
    this.#publish(now, time, { $case: 'book', value: due.slice });
  }

  #checkCrossed(now: number): void {
    this.#crossedSince ??= now;
    if (now - this.#crossedSince > CROSSED_GRACE) {
      this.#wrongBook(now, GapKind.GAP_KIND_CROSSED_BOOK, 'the best bid stayed above the best ask');
    }
  }

  #checkAnnounced(now: number): void {
    const announced = this.#announced;
    if (announced === undefined || now - announced.since < ANNOUNCEMENT_GRACE) return;
    this.#announced = undefined;
    const hole = this.#trades.expect(announced.id);
    if (hole !== undefined) this.#openHole(hole, now, GapKind.GAP_KIND_TRADES);
  }

  #checkSilence(now: number): void {
    if (!this.#venue.hasInstrumentHeartbeats || !this.#isConnected || this.#lastHeartbeat === 0 || this.#isSilent) return;
    if (now - this.#lastHeartbeat <= SILENCE) return;
    this.#isSilent = true;
    this.gap(now, GapKind.GAP_KIND_STALE, 'no heartbeat of the instrument for 5 s');
  }

  #wrongBook(now: number, kind: GapKind, detail: string): void {
    this.#voidBook();
    this.gap(now, kind, detail);
    this.#askForBook(now);
  }

  /** A snapshot by REST goes with the updates since it was asked for: without the old book they are held. */
  #renewBook(now: number): void {
    if (this.#venue.bookSnapshots === 'rest') this.#voidBook();
    this.#askForBook(now);
  }

  #voidBook(): void {
    this.#keeper.drop();
    this.#ahead = undefined;
    this.#books.reset();
    this.#crossedSince = undefined;
  }

  /** At once after a quiet time, else with growing pauses: a book that stays wrong must not become a flood of requests. */
  #askForBook(now: number): void {
    if (!this.#isConnected || now < this.#resyncNotBefore) return;
    if (now - this.#resyncedAt > 2 * LONGEST_RESYNC_PAUSE) this.#resyncPause = FIRST_RESYNC_PAUSE;
    this.#resyncedAt = now;
    this.#resyncNotBefore = now + this.#resyncPause;
    this.#resyncPause = Math.min(2 * this.#resyncPause, LONGEST_RESYNC_PAUSE);
    this.#output.resync(this);
  }

  #sayStatus(now: number): void {
    const value = this.#status.news();
    if (value !== undefined) this.#publish(now, 0, { $case: 'status', value });
  }
}

/** From when REST is asked for what came next, 0 = unknown: a venue's clock that ran ahead of ours may be right again by then. */
function notAhead(exchangeTime: number, now: number): number {
  return Math.min(exchangeTime, now);
}

const LARGEST_LEAD = 300 * SECOND;

/** The venue's time; ours where it gives none, or one more than five minutes ahead. */
function credible(exchangeTime: number, receiveTime: number): number {
  return exchangeTime === 0 || exchangeTime > receiveTime + LARGEST_LEAD ? receiveTime : exchangeTime;
}
