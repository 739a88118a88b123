/** Every trade ever made, the last `keep` of each instrument at each venue: what delivery is checked against. */
import { fixed } from './decimal.ts';
import { type Listing, type VenueName } from './listing.ts';

/** A trade as the market made it: ticks and units of its listing, time in µs since the epoch. */
export interface Trade {
  readonly id: number;
  readonly time: number;
  readonly price: number;
  readonly size: number;
  readonly takerBuys: boolean;
  /** Its place among the product's book events (Coinbase); 0 where it was drawn again from history. */
  readonly sequence: number;
}

export interface LedgerTrade {
  readonly venue: VenueName;
  /** BASE-QUOTE. */
  readonly instrument: string;
  readonly tradeId: number;
  /** Decimal text, all digits of the listing. */
  readonly price: string;
  readonly size: string;
  readonly aggressor: 'buy' | 'sell';
  /** Exchange time, µs since the epoch, without any fault's clock skew. */
  readonly time: number;
}

export interface LedgerQuery {
  readonly venue?: VenueName | undefined;
  readonly instrument?: string | undefined;
  /** First id wanted. */
  readonly fromId?: number | undefined;
  /** Most rows per instrument, the newest; default all that are kept. */
  readonly limit?: number | undefined;
}

interface Page {
  readonly listing: Listing;
  readonly trades: Trade[];
  made: number;
}

export class Ledger {
  readonly #keep: number;
  readonly #pages = new Map<string, Page>();

  constructor(keep: number) {
    this.#keep = keep;
  }

  add(listing: Listing, trade: Trade): void {
    const key = keyOf(listing.venue, listing.instrument.name);
    let page = this.#pages.get(key);
    if (page === undefined) this.#pages.set(key, (page = { listing, trades: [], made: 0 }));
    page.trades[page.made++ % this.#keep] = trade;
  }

  /** Oldest first within each instrument. */
  trades(query: LedgerQuery = {}): LedgerTrade[] {
    const found: LedgerTrade[] = [];
    for (const { listing, trades, made } of this.#pages.values()) {
      if (query.venue !== undefined && query.venue !== listing.venue) continue;
      if (query.instrument !== undefined && query.instrument !== listing.instrument.name) continue;
      for (let i = Math.max(0, made - Math.min(this.#keep, query.limit ?? this.#keep)); i < made; i++) {
        const trade = trades[i % this.#keep]!;
        if (query.fromId === undefined || trade.id >= query.fromId) found.push(written(listing, trade));
      }
    }
    return found;
  }

  /** Trades made since the start, forgotten ones included. */
  count(venue: VenueName, instrument: string): number {
    return this.#pages.get(keyOf(venue, instrument))?.made ?? 0;
  }

  /** One trade by id, or undefined where it is not kept; ids of one listing are dense. */
  find(listing: Listing, id: number): Trade | undefined {
    const page = this.#pages.get(keyOf(listing.venue, listing.instrument.name));
    if (page === undefined) return undefined;
    const newest = page.trades[(page.made - 1) % this.#keep]!.id;
    const index = page.made - 1 - (newest - id);
    return id > newest || index < Math.max(0, page.made - this.#keep) ? undefined : page.trades[index % this.#keep];
  }
}

function keyOf(venue: VenueName, instrument: string): string {
  return `${venue}/${instrument}`;
}

function written(listing: Listing, trade: Trade): LedgerTrade {
  return {
    venue: listing.venue,
    instrument: listing.instrument.name,
    tradeId: trade.id,
    price: fixed(trade.price, listing.priceDigits),
    size: fixed(trade.size, listing.sizeDigits),
    aggressor: trade.takerBuys ? 'buy' : 'sell',
    time: trade.time,
  };
}
