/**
 * What a venue is to ingest. A venue's folder holds a mapper (pure: frame -> events), a feed (what to say on its socket) and a REST
 * client; services/ingest does the rest, the same way for all: sockets, gaps, books, publishing.
 *
 * The events' fields mean the same for every venue: prices in quote currency per base unit, sizes in base units, times in
 * microseconds since the Unix epoch (0 = not given or not credible), instruments as BASE-QUOTE. A mapper gives only finite numbers:
 * what is not a number, not positive, or beyond LARGEST becomes a `malformed` event.
 */
import { type WallClock } from '#libs/clock/clock.ts';
import { type OrderBook } from '#libs/market/book.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { type Side, type TradingStatus } from '#libs/wire/tributary/v1/market.ts';

export interface TradeEvent {
  readonly kind: 'trade';
  readonly instrument: string;
  /** As the venue's `tradeIds` says; 0 = it gives none. */
  readonly tradeId: number;
  readonly price: number;
  readonly size: number;
  readonly aggressor: Side;
  readonly exchangeTime: number;
  /** Told after the fact (in a snapshot or by REST), not as it happened. */
  readonly isLate: boolean;
}

/** Where a book event stands in the venue's own numbering of them. */
export interface BookSequence {
  /** Number of the event before; undefined: the numbers only grow, so that a missing one cannot be told. */
  readonly previous: number | undefined;
  /** Its own; of a snapshot, that of the newest event in it. */
  readonly last: number;
}

export interface BookEvent {
  readonly kind: 'book';
  readonly instrument: string;
  /** Replaces the whole book; else changes of single levels, size 0 = removed. */
  readonly isSnapshot: boolean;
  /** price, size, price, size, … in the order of the frame. */
  readonly bids: readonly number[];
  readonly asks: readonly number[];
  /** Of the book after this event. */
  readonly checksum: number | undefined;
  /** Undefined: the venue numbers none. */
  readonly sequence?: BookSequence | undefined;
  readonly exchangeTime: number;
}

/** The best quote as the venue computes it; an audit of the book. */
export interface TickerEvent {
  readonly kind: 'ticker';
  readonly instrument: string;
  readonly bid: number;
  readonly ask: number;
  readonly exchangeTime: number;
}

/** The venue says which trade was the instrument's last. */
export interface LastTradeEvent {
  readonly kind: 'last-trade';
  readonly instrument: string;
  readonly tradeId: number;
  readonly exchangeTime: number;
}

export interface Listing {
  readonly instrument: string;
  readonly status: TradingStatus;
  readonly tickSize: number;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
}

export interface ListingEvent {
  readonly kind: 'listings';
  readonly listings: readonly Listing[];
  /** An instrument that is not among them is not listed any more. */
  readonly isComplete: boolean;
}

/** The status of the whole venue, which holds for every instrument that is not worse off. */
export interface SystemEvent {
  readonly kind: 'system';
  readonly status: TradingStatus;
}

/** The venue did not do what it was asked to. */
export interface RefusedEvent {
  readonly kind: 'refused';
  readonly instrument: string | undefined;
  readonly message: string;
}

/** The venue asks its clients to connect anew. */
export interface ReconnectEvent {
  readonly kind: 'reconnect';
}

export type MalformedReason = 'not-json' | 'shape' | 'price' | 'size' | 'trade-id' | 'level' | 'absurd-price' | 'binary';

/** A whole frame was lost, of which nobody knows what it said. */
export const LOST_FRAME: readonly MalformedReason[] = ['not-json', 'shape', 'binary'];

export interface MalformedEvent {
  readonly kind: 'malformed';
  readonly reason: MalformedReason;
  readonly instrument: string | undefined;
}

export type VenueEvent =
  | TradeEvent
  | BookEvent
  | TickerEvent
  | LastTradeEvent
  | ListingEvent
  | SystemEvent
  | RefusedEvent
  | ReconnectEvent
  | MalformedEvent;

export interface MappedFrame {
  /** The venue's channel, for metrics: one of a few words. */
  readonly channel: string;
  readonly events: readonly VenueEvent[];
}

/** Missing trades of one instrument: every id from `from` to `to`. */
export interface TradeHole {
  readonly instrument: string;
  readonly from: number;
  readonly to: number;
  /** A time no later than the first missing trade; 0 = unknown. */
  readonly after: number;
}

export interface VenueRest {
  /** Step of the venue's clock as it tells it, microseconds. */
  readonly timeResolution: number;
  /** The venue's clock, microseconds, cut off to whole steps. */
  time(signal: AbortSignal): Promise<number>;
  /** Undefined: the venue does not know it. */
  listing(instrument: string, signal: AbortSignal): Promise<Listing | undefined>;
  /** The trades of a hole, oldest first, in pages; what the venue does not have any more is left out. Dense ids only. */
  trades?(hole: TradeHole, signal: AbortSignal): AsyncIterable<readonly TradeEvent[]>;
  /** A snapshot of the whole book, where the feed gives changes only. */
  book?(instrument: string, signal: AbortSignal): Promise<BookEvent>;
}

/**
 * `dense`: the next trade of the instrument has the next id, so a hole can be told and filled. `increasing`: ids only grow; repeats can be told,
 * holes cannot. `none`: ids say nothing and are given as 0.
 */
export type TradeIds = 'dense' | 'increasing' | 'none';

/** What is sent to hear whether the other end is still there: a text frame, or a WebSocket ping where `text` is undefined. */
export interface KeepAlive {
  readonly everyMs: number;
  readonly text?: string;
}

/** The checksum a venue makes of a book; `listing` holds its decimals. */
export type BookChecksum = (book: OrderBook, listing: Listing) => number;

export interface VenueEndpoints {
  /** Address of the public WebSocket. */
  readonly ws: string;
  /** Base address of the public REST API. */
  readonly rest: string;
}

export interface RestDependencies {
  readonly baseUrl: string;
  readonly clock: WallClock;
  readonly logger?: Logger;
  readonly timeoutMs?: number;
  readonly maxRetries?: number;
}

export interface Venue {
  /** Lower case; the `venue` of its events. */
  readonly id: string;
  /** The real ones. */
  readonly endpoints: VenueEndpoints;
  /** Levels of a side it was asked for; Infinity = all. */
  readonly bookDepth: number;
  /** Pure; never throws. */
  readonly mapFrame: (text: string) => MappedFrame;
  /** The frames that subscribe everything of the instruments, to be sent on connecting. */
  readonly subscribe: (instruments: readonly string[]) => readonly string[];
  /** The frames that bring a new book snapshot of one instrument and leave the others alone. */
  readonly resyncBook: (instrument: string) => readonly string[];
  /** Whether it names each instrument's last trade every second, so that silence about one means something is wrong. */
  readonly hasInstrumentHeartbeats: boolean;
  /** Whether it tells decimals and trading status by itself; else REST is asked for them now and then. */
  readonly hasListings: boolean;
  readonly tradeIds: TradeIds;
  /** Where a new book comes from: the feed gives it on subscribing, or REST does (`VenueRest.book`) and the feed has the changes. */
  readonly bookSnapshots: 'feed' | 'rest';
  /** How the checksums of its book events are made; undefined: they carry none. */
  readonly checksum?: BookChecksum;
  /** Undefined: the feed is never silent for long. */
  readonly keepAlive?: KeepAlive;
  /** Milliseconds after which the venue ends a connection, whatever it does; undefined: no such limit is known. */
  readonly connectionLifeMs?: number;
  /** The currency that takes the dollar's place there: what is asked for in USD is subscribed in it. */
  readonly dollar: 'USD' | 'USDT';
  /** Conversion rates it quotes, subscribed besides what was asked for. */
  readonly rates: readonly string[];
  readonly createRest: (dependencies: RestDependencies) => VenueRest;
}
