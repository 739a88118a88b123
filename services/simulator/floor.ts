/**
 * The trading floor: every listing's book, minutes and trades, first filled with history and then moved on in steps of 50 ms. Both
 * venues move within one step, so neither feed tells the other's future.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { Book } from './book.ts';
import { Candles } from './candles.ts';
import { mix } from './draw.ts';
import { Ledger, type Trade } from './ledger.ts';
import { listingKey, type Listing } from './listing.ts';
import { Market, SECONDS_PER_DAY, type Edge, type Touch } from './market.ts';

/** Bound once: in the loops below a look-up through the global object would cost more than the arithmetic. */
const { ceil, floor, max, min, round } = Math;

export const STEP_MS = 50;
const STEPS_PER_SECOND = 1000 / STEP_MS;

/** One listing, live. */
export interface Pit {
  readonly listing: Listing;
  readonly book: Book;
  readonly candles: Candles;
  /** Of the venue's books: rises with every book event and trade. */
  sequence: number;
  lastTrade: Trade | undefined;
  /** While halted nothing trades and the book stands still. */
  halted: boolean;
  /** Trades up to here are out, µs. */
  cursor: number;
  /** Book updates owed, a fraction of one. */
  owed: number;
}

/** Who turns what happens into frames. */
export interface Listener {
  /** Trades of one step, oldest first. */
  onTrades(pit: Pit, trades: readonly Trade[]): void;
  /** The book has changed; called for every update that is due. */
  onBook(pit: Pit): void;
}

export interface FloorOptions {
  readonly seed: number;
  readonly edge: Edge;
  /** Milliseconds; undefined = never. */
  readonly leaderChangesAt?: number | undefined;
  readonly listings: readonly Listing[];
  readonly historyDays: number;
  readonly ledgerSize: number;
  /** Book updates and trades a second over all listings; undefined = 20 updates a second each, and the listings' own trade rates. */
  readonly messagesPerSecond: number | undefined;
}

/** Draws the history, then opens for trading at `nowMs`; the event loop gets a turn after each day of each listing. */
export async function openFloor(options: FloorOptions, nowMs: number): Promise<Floor> {
  const { seed, edge, leaderChangesAt } = options;
  const market = new Market(seed, edge, leaderChangesAt === undefined ? undefined : leaderChangesAt / 1000);
  const liveFrom = floor(nowMs / 1000);
  const start = floor((liveFrom - options.historyDays * SECONDS_PER_DAY) / 60) * 60;
  const firstDay = floor(start / SECONDS_PER_DAY);
  const capacity = ceil(options.historyDays + 2) * 1440;
  const minutes = options.listings.map(
    (listing) => new Candles(start / 60, capacity, market.firstTradeId(listing, firstDay) + countBefore(market, listing, start)),
  );
  for (let day = firstDay; day * SECONDS_PER_DAY < liveFrom; day++) {
    for (const [i, listing] of options.listings.entries()) {
      fillDay(market, listing, day, start, liveFrom, minutes[i]!);
      await turn();
    }
  }
  for (const candles of minutes) candles.advance(floor(liveFrom / 60));
  return new Floor(options, market, liveFrom, minutes);
}

export class Floor {
  readonly ledger: Ledger;
  readonly pits: readonly Pit[];
  readonly #market: Market;
  readonly #liveFrom: number;
  readonly #load: Load;
  readonly #listeners: Listener[] = [];
  readonly #touch: Touch = { bid: 0, ask: 0 };

  constructor(options: FloorOptions, market: Market, liveFrom: number, minutes: readonly Candles[]) {
    this.#market = market;
    this.#liveFrom = liveFrom;
    this.#load = loadOf(options);
    this.ledger = new Ledger(options.ledgerSize);
    this.pits = options.listings.map((listing, i) => ({
      listing,
      book: new Book(listing, mix(listingKey(options.seed, 'book', listing), liveFrom), this.#touchAt(listing, liveFrom)),
      candles: minutes[i]!,
      sequence: liveFrom * 100,
      lastTrade: this.#lastBefore(listing, minutes[i]!),
      halted: false,
      cursor: liveFrom * 1e6,
      owed: 0,
    }));
  }

  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Brings every listing to `now` (µs); what was due meanwhile keeps its own time. */
  step(now: number): void {
    for (const pit of this.pits) {
      const trades = this.#tradeUntil(pit, now);
      pit.candles.advance(floor(now / 60e6));
      if (trades.length > 0) for (const listener of this.#listeners) listener.onTrades(pit, trades);
      if (!pit.halted) this.#updateBook(pit, now);
    }
  }

  /** Up to `limit` trades with ids in [from, to), oldest first: from the ledger, or drawn again where it has forgotten them. */
  tradesBetween(pit: Pit, from: number, to: number, limit: number): Trade[] {
    const { candles, listing } = pit;
    const end = min(to, candles.nextTradeId);
    const start = max(from, candles.firstTradeIdOf(candles.firstMinute));
    const found: Trade[] = [];
    let id = start;
    while (id < end && found.length < limit) {
      const kept = this.ledger.find(listing, id);
      if (kept !== undefined) {
        found.push(kept);
        id++;
        continue;
      }
      const before = found.length;
      for (const trade of this.#drawMinute(pit, candles.minuteOfTrade(id)!)) {
        if (trade.id >= id && trade.id < end && found.length < limit) found.push(trade);
      }
      id = found.length === before ? id + 1 : found[found.length - 1]!.id + 1;
    }
    return found;
  }

  #tradeUntil(pit: Pit, now: number): Trade[] {
    const trades: Trade[] = [];
    const from = pit.cursor;
    for (let second = floor(from / 1e6); second * 1e6 <= now; second++) {
      this.#tradesOf(pit.listing, second, (time, price, size, takerBuys) => {
        if (time <= from || time > now || pit.halted) return;
        const trade: Trade = { id: pit.candles.nextTradeId, time, price, size, takerBuys, sequence: ++pit.sequence };
        pit.candles.add(floor(time / 60e6), price, size);
        pit.book.hit(takerBuys, size);
        this.ledger.add(pit.listing, trade);
        trades.push(trade);
      });
    }
    pit.cursor = now;
    pit.lastTrade = trades[trades.length - 1] ?? pit.lastTrade;
    return trades;
  }

  #updateBook(pit: Pit, now: number): void {
    const rate = pit.listing.venue === 'coinbase' ? this.#load.coinbaseUpdates : this.#load.krakenUpdates;
    pit.owed += rate;
    pit.book.move(this.#touchAt(pit.listing, now / 1e6));
    while (pit.owed >= 1) {
      pit.owed--;
      pit.book.churn(2);
      pit.sequence++;
      for (const listener of this.#listeners) listener.onBook(pit);
    }
  }

  #touchAt(listing: Listing, seconds: number): Touch {
    return this.#market.touch(listing, this.#market.logPrice(listing, seconds), this.#touch);
  }

  #tradesOf(listing: Listing, second: number, visit: Parameters<Market['trades']>[4]): void {
    const day = floor(second / SECONDS_PER_DAY);
    const copies = second >= this.#liveFrom ? this.#load.copies : 1;
    this.#market.trades(listing, this.#market.day(listing, day), second - day * SECONDS_PER_DAY, copies, visit);
  }

  #drawMinute({ listing, candles }: Pick<Pit, 'listing' | 'candles'>, minute: number): Trade[] {
    const trades: Trade[] = [];
    let id = candles.firstTradeIdOf(minute);
    for (let second = minute * 60; second < minute * 60 + 60; second++) {
      this.#tradesOf(listing, second, (time, price, size, takerBuys) => {
        trades.push({ id: id++, time, price, size, takerBuys, sequence: 0 });
      });
    }
    return trades;
  }

  #lastBefore(listing: Listing, candles: Candles): Trade | undefined {
    const id = candles.nextTradeId - 1;
    const minute = candles.minuteOfTrade(id);
    if (minute === undefined) return undefined;
    const trade = this.#drawMinute({ listing, candles }, minute).find((drawn) => drawn.id === id);
    return trade === undefined ? undefined : { ...trade, sequence: this.#liveFrom * 100 };
  }
}

interface Load {
  /** Book updates a step for each listing. */
  readonly coinbaseUpdates: number;
  readonly krakenUpdates: number;
  /** Trades for each one of the market. */
  readonly copies: number;
}

/** A quarter of a load is trades. Coinbase batches its book every 50 ms, so what a load needs beyond that comes from Kraken's books. */
function loadOf({ messagesPerSecond, listings }: FloorOptions): Load {
  if (messagesPerSecond === undefined) return { coinbaseUpdates: 1, krakenUpdates: 1, copies: 1 };
  const trades = listings.reduce((sum, listing) => sum + listing.tradesPerSecond, 0);
  const copies = max(1, round((0.25 * messagesPerSecond) / trades));
  const steps = max(0, messagesPerSecond - copies * trades) / STEPS_PER_SECOND;
  const coinbase = listings.filter((listing) => listing.venue === 'coinbase').length;
  const coinbaseUpdates = min(1, steps / listings.length);
  return { coinbaseUpdates, krakenUpdates: (steps - coinbaseUpdates * coinbase) / (listings.length - coinbase), copies };
}

/** Trades of the day of `start` before it. */
function countBefore(market: Market, listing: Listing, start: number): number {
  const day = floor(start / SECONDS_PER_DAY);
  return market
    .day(listing, day)
    .counts.subarray(0, start - day * SECONDS_PER_DAY)
    .reduce((sum, count) => sum + count, 0);
}

/** Puts the trades of one day, within seconds [from, to), into their minutes. */
function fillDay(market: Market, listing: Listing, day: number, from: number, to: number, candles: Candles): void {
  const drawn = market.day(listing, day);
  const midnight = day * SECONDS_PER_DAY;
  for (let second = max(0, from - midnight); second < min(SECONDS_PER_DAY, to - midnight); second++) {
    const minute = floor((midnight + second) / 60);
    market.trades(listing, drawn, second, 1, (_, price, size) => candles.add(minute, price, size));
  }
}
