/** Kraken's WebSocket v2: status, ticker, trade, book with checksum, ohlc, instrument, ping; one acknowledgement per symbol. */
import { type WebSocket } from 'ws';
import { z } from 'zod';
import { BookView, crossingPrice, type SideChanges } from './book.ts';
import { Audience, type AudienceLimits, type Client, type Conduct } from './client.ts';
import { type Faults } from './faults.ts';
import { type Floor, type Listener, type Pit } from './floor.ts';
import * as frames from './kraken-frames.ts';
import { krakenNames } from './kraken-names.ts';
import { INTERVALS } from './kraken-rest.ts';
import { type Trade } from './ledger.ts';

const DEPTHS = [10, 25, 100, 500, 1000];
const SNAPSHOT_TRADES = 50;
const SNAPSHOT_CANDLES = 100;
const HEARTBEAT_MS = 1000;
const IDLE_CLOSE_MS = 60_000;

const requestSchema = z.object({ method: z.string(), req_id: z.int().optional() });
const subscriptionSchema = z.object({
  method: z.enum(['subscribe', 'unsubscribe']),
  params: z.object({
    channel: z.string(),
    symbol: z.array(z.string()).min(1).optional(),
    snapshot: z.boolean().default(true),
    event_trigger: z.enum(['trades', 'bbo']).default('trades'),
    depth: z.int().default(10),
    interval: z.int().default(1),
  }),
});
type Params = z.output<typeof subscriptionSchema>['params'];

/** Who listens to one pair. Books are kept per depth, candles per interval. */
interface Room {
  readonly pit: Pit;
  readonly trade: Set<Client>;
  readonly ticker: { readonly trades: Set<Client>; readonly bbo: Set<Client> };
  readonly book: Map<number, { readonly view: BookView; readonly listeners: Set<Client> }>;
  readonly ohlc: Map<number, Set<Client>>;
  /** Best bid and ask as last told. */
  best: [number, number];
}

export interface KrakenFeedOptions {
  readonly pits: readonly Pit[];
  readonly floor: Floor;
  readonly faults: Faults;
  /** ms and µs. */
  readonly now: () => number;
  readonly nowMicros: () => number;
  readonly limits: AudienceLimits;
}

export class KrakenFeed implements Listener, Conduct {
  readonly slowConsumerFrame = undefined;
  readonly maxMessagesPerSecond = 50;
  readonly audience: Audience;
  readonly #options: KrakenFeedOptions;
  readonly #rooms: ReadonlyMap<string, Room>;
  readonly #instrument = new Set<Client>();
  #connections = 0;

  constructor(options: KrakenFeedOptions) {
    this.#options = options;
    this.audience = new Audience(options.faults, options.now, options.limits);
    this.#rooms = new Map(options.pits.map((pit) => [krakenNames(pit.listing.instrument).symbol, roomOf(pit)]));
  }

  accept(socket: WebSocket): void {
    const client = this.audience.join(socket, this);
    this.audience.send(client, frames.systemStatusFrame(++this.#connections));
  }

  onMessage(client: Client, text: string): void {
    const times = { in: this.#micros(), out: this.#micros() };
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      this.audience.send(client, frames.refusalFrame('Invalid JSON', undefined, undefined, undefined, times));
      return;
    }
    const request = requestSchema.safeParse(parsed);
    const { method, req_id: id } = request.success ? request.data : { method: undefined, req_id: undefined };
    if (method === 'ping') {
      this.audience.send(client, frames.pongFrame(id, times));
      return;
    }
    const subscription = subscriptionSchema.safeParse(parsed);
    if (!subscription.success) {
      const error = method === 'subscribe' || method === 'unsubscribe' ? 'Malformed request' : 'Method not supported';
      this.audience.send(client, frames.refusalFrame(error, method, id, undefined, times));
      return;
    }
    this.#serve(client, subscription.data.method, subscription.data.params, id, times);
  }

  onLeave(client: Client): void {
    this.#instrument.delete(client);
    for (const room of this.#rooms.values()) {
      for (const set of setsOf(room)) set.delete(client);
      prune(room);
    }
  }

  onFlood(client: Client): void {
    this.audience.send(client, '{"Error":"Exceeded msg rate"}');
  }

  onTrades(pit: Pit, trades: readonly Trade[]): void {
    const room = this.#roomOf(pit);
    if (room === undefined) return;
    const { faults } = this.#options;
    const name = pit.listing.instrument.name;
    const delivered = trades.filter(() => !faults.take('gapTrades', name));
    const [first] = delivered;
    if (room.trade.size > 0 && first !== undefined) {
      const price = faults.falsePrice(name, first.price, pit.listing.priceDigits);
      this.#tell(room.trade, frames.tradeFrame(pit, delivered, 'update', faults.skewMicros, price));
    }
    if (room.ticker.trades.size > 0) this.#tell(room.ticker.trades, frames.tickerFrame(pit, 'update', this.#micros()));
    for (const [interval, listeners] of room.ohlc) this.#tell(listeners, this.#ohlc(pit, interval, 1, 'update'));
  }

  onBook(pit: Pit): void {
    const room = this.#roomOf(pit);
    if (room === undefined) return;
    const { bestBid, bestAsk } = pit.book;
    if (room.ticker.bbo.size > 0 && (room.best[0] !== bestBid || room.best[1] !== bestAsk)) {
      this.#tell(room.ticker.bbo, frames.tickerFrame(pit, 'update', this.#micros()));
    }
    room.best = [bestBid, bestAsk];
    if (room.book.size > 0) this.#tellBook(room);
  }

  onHalt(pit: Pit): void {
    this.#tell(this.#instrument, frames.instrumentFrame([pit], 'update'));
  }

  /** Heartbeats where nothing else was said for a second; connections that never subscribe are closed. */
  tick(): void {
    const now = this.#options.now();
    this.audience.retire();
    this.audience.release();
    for (const client of this.audience.clients) {
      const subscribed = this.#isSubscribed(client);
      if (subscribed && now - client.lastSent >= HEARTBEAT_MS) this.audience.send(client, frames.HEARTBEAT);
      if (!subscribed && now - client.lastHeard > IDLE_CLOSE_MS) client.socket.close();
    }
  }

  #tellBook(room: Room): void {
    const { faults } = this.#options;
    const { listing, book } = room.pit;
    const name = listing.instrument.name;
    const lost = faults.take('gapBook', name);
    const crossed = !lost && faults.take('crossed', name);
    const wrong = !lost && faults.take('badChecksum', name);
    for (const { view, listeners } of room.book.values()) {
      const { bids, asks } = view.update(book);
      if (lost || bids.prices.length + asks.prices.length === 0) continue;
      let sum = frames.checksum(view.bids, view.asks);
      if (crossed) sum = cross(bids, view, crossingPrice(book), 10 ** listing.sizeDigits);
      if (wrong) sum = (sum ^ 1) >>> 0;
      this.#tell(listeners, frames.bookFrame(listing, 'update', bids, asks, sum, this.#micros()));
    }
  }

  #serve(client: Client, method: 'subscribe' | 'unsubscribe', params: Params, id: number | undefined, times: frames.Times): void {
    const refuse = (error: string, symbol?: string): void =>
      this.audience.send(client, frames.refusalFrame(error, method, id, symbol, times));
    if (params.channel === 'instrument') {
      this.#serveInstrument(client, method, params, id, times);
      return;
    }
    if (!['ticker', 'trade', 'book', 'ohlc'].includes(params.channel)) {
      refuse(`Channel ${params.channel} not supported`);
      return;
    }
    if (params.symbol === undefined) {
      refuse('Symbol(s) not found');
      return;
    }
    for (const symbol of params.symbol) {
      const room = this.#rooms.get(symbol);
      if (room === undefined) refuse(`Currency pair not supported ${symbol}`, symbol);
      else if (params.channel === 'book' && !DEPTHS.includes(params.depth)) refuse('Subscription depth not supported', symbol);
      else if (params.channel === 'ohlc' && !INTERVALS.includes(params.interval))
        refuse('Subscription interval not supported', symbol);
      else if (method === 'subscribe') this.#subscribe(client, room, symbol, params, id, times);
      else this.#unsubscribe(client, room, symbol, params, id, times);
    }
  }

  #serveInstrument(
    client: Client,
    method: 'subscribe' | 'unsubscribe',
    params: Params,
    id: number | undefined,
    times: frames.Times,
  ): void {
    if (method === 'subscribe') this.#instrument.add(client);
    else this.#instrument.delete(client);
    this.audience.send(client, frames.ackFrame(method, id, { channel: 'instrument', snapshot: params.snapshot }, times));
    if (method === 'subscribe' && params.snapshot)
      this.audience.send(client, frames.instrumentFrame(this.#options.pits, 'snapshot'));
  }

  #subscribe(client: Client, room: Room, symbol: string, params: Params, id: number | undefined, times: frames.Times): void {
    const listeners = listenersOf(room, params);
    if (listeners.has(client)) {
      this.audience.send(client, frames.refusalFrame('Already subscribed', 'subscribe', id, symbol, times));
      return;
    }
    listeners.add(client);
    const warnings = params.channel === 'ohlc' ? { warnings: ['timestamp is deprecated, use interval_begin'] } : {};
    const result = { channel: params.channel, ...detailsOf(params), snapshot: params.snapshot, symbol, ...warnings };
    this.audience.send(client, frames.ackFrame('subscribe', id, result, times));
    if (params.snapshot) this.audience.send(client, this.#snapshot(room, params));
  }

  #unsubscribe(client: Client, room: Room, symbol: string, params: Params, id: number | undefined, times: frames.Times): void {
    const was = listenersOf(room, params).delete(client);
    prune(room);
    const result = { channel: params.channel, ...detailsOf(params), symbol };
    this.audience.send(
      client,
      was
        ? frames.ackFrame('unsubscribe', id, result, times)
        : frames.refusalFrame('Subscription Not Found', 'unsubscribe', id, symbol, times),
    );
  }

  #snapshot({ pit, book }: Room, params: Params): string {
    switch (params.channel) {
      case 'ticker':
        return frames.tickerFrame(pit, 'snapshot', this.#micros());
      case 'book': {
        const { view } = book.get(params.depth)!;
        return frames.bookFrame(
          pit.listing,
          'snapshot',
          view.bids,
          view.asks,
          frames.checksum(view.bids, view.asks),
          this.#micros(),
        );
      }
      case 'ohlc':
        return this.#ohlc(pit, params.interval, SNAPSHOT_CANDLES, 'snapshot');
      default: {
        const end = pit.candles.nextTradeId;
        const trades = this.#options.floor.tradesBetween(pit, end - SNAPSHOT_TRADES, end, SNAPSHOT_TRADES);
        return frames.tradeFrame(pit, trades, 'snapshot', this.#options.faults.skewMicros);
      }
    }
  }

  #ohlc(pit: Pit, interval: number, count: number, type: 'snapshot' | 'update'): string {
    const rows: string[] = [];
    const running = Math.floor(pit.candles.lastMinute / interval) * interval;
    for (let minute = running - (count - 1) * interval; minute <= running; minute += interval) {
      const candle = pit.candles.merge(minute, minute + interval);
      if (candle !== undefined) rows.push(frames.ohlcRow(pit, interval, minute * 60, candle));
    }
    return frames.ohlcFrame(type, rows, this.#micros());
  }

  #isSubscribed(client: Client): boolean {
    if (this.#instrument.has(client)) return true;
    for (const room of this.#rooms.values()) for (const set of setsOf(room)) if (set.has(client)) return true;
    return false;
  }

  #roomOf(pit: Pit): Room | undefined {
    return pit.listing.venue === 'kraken' ? this.#rooms.get(krakenNames(pit.listing.instrument).symbol) : undefined;
  }

  #tell(listeners: ReadonlySet<Client>, frame: string): void {
    for (const client of listeners) this.audience.send(client, frame);
  }

  /** µs, by the venue's clock. */
  #micros(): number {
    return this.#options.nowMicros() + this.#options.faults.skewMicros;
  }
}

function roomOf(pit: Pit): Room {
  return { pit, trade: new Set(), ticker: { trades: new Set(), bbo: new Set() }, book: new Map(), ohlc: new Map(), best: [0, 0] };
}

/** The set that a subscription stands in; made where it is the first of its depth or interval. */
function listenersOf(room: Room, params: Params): Set<Client> {
  if (params.channel === 'trade') return room.trade;
  if (params.channel === 'ticker') return room.ticker[params.event_trigger];
  if (params.channel === 'ohlc') {
    const known = room.ohlc.get(params.interval) ?? new Set<Client>();
    room.ohlc.set(params.interval, known);
    return known;
  }
  const known = room.book.get(params.depth) ?? { view: new BookView(room.pit.book, params.depth), listeners: new Set<Client>() };
  room.book.set(params.depth, known);
  return known.listeners;
}

/** Depths and intervals that nobody listens to cost nothing. */
function prune(room: Room): void {
  for (const [depth, { listeners }] of room.book) if (listeners.size === 0) room.book.delete(depth);
  for (const [interval, listeners] of room.ohlc) if (listeners.size === 0) room.ohlc.delete(interval);
}

function* setsOf(room: Room): Generator<Set<Client>> {
  yield room.trade;
  yield room.ticker.trades;
  yield room.ticker.bbo;
  for (const { listeners } of room.book.values()) yield listeners;
  yield* room.ohlc.values();
}

function detailsOf(params: Params): Record<string, unknown> {
  if (params.channel === 'ticker') return { event_trigger: params.event_trigger };
  if (params.channel === 'book') return { depth: params.depth };
  return params.channel === 'ohlc' ? { interval: params.interval } : {};
}

/** Puts a bid above the best ask that nothing takes away again; returns the checksum of the book that makes. */
function cross(bids: SideChanges, view: BookView, price: number, size: number): number {
  bids.prices.push(price);
  bids.sizes.push(size);
  return frames.checksum({ prices: [price, ...view.bids.prices], sizes: [size, ...view.bids.sizes] }, view.asks);
}
