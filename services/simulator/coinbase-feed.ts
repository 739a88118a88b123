/** Coinbase Exchange's WebSocket feed: subscriptions, matches, tickers, batched books, heartbeats, status. */
import { type WebSocket } from 'ws';
import { z } from 'zod';
import { BookView, crossingPrice, type SideChanges } from './book.ts';
import { Audience, type AudienceLimits, type Client, type Conduct } from './client.ts';
import * as frames from './coinbase-frames.ts';
import { type Faults } from './faults.ts';
import { type Listener, type Pit } from './floor.ts';
import { type Trade } from './ledger.ts';

/** `level2_50` is what the venue calls `level2_batch` in its acknowledgement. */
const CHANNELS = ['ticker', 'ticker_batch', 'matches', 'level2_50', 'heartbeat', 'status'] as const;
type Channel = (typeof CHANNELS)[number];
const WITH_KEY = ['level2', 'level3', 'full', 'user', 'rfq_matches'];
const AUTH_REASON =
  'level2, level3, and full channels now require authentication. https://docs.cloud.coinbase.com/exchange/docs/websocket-auth';
const BATCH_MS = 5000;
const HEARTBEAT_MS = 1000;

const requestSchema = z.object({
  type: z.enum(['subscribe', 'unsubscribe']),
  product_ids: z.array(z.string()).optional(),
  channels: z.array(z.union([z.string(), z.object({ name: z.string(), product_ids: z.array(z.string()).optional() })])).min(1),
});

/** Who listens to one product, and the book as the level 2 listeners have it. */
interface Room {
  readonly pit: Pit;
  readonly listeners: Record<Channel, Set<Client>>;
  view: BookView | undefined;
  batchedAt: number;
  batchedId: number;
}

export interface CoinbaseFeedOptions {
  readonly pits: readonly Pit[];
  readonly faults: Faults;
  /** ms and µs. */
  readonly now: () => number;
  readonly nowMicros: () => number;
  readonly limits: AudienceLimits;
  /** A connection without a subscription is closed after this many ms. */
  readonly subscribeWithinMs: number;
}

export class CoinbaseFeed implements Listener, Conduct {
  readonly slowConsumerFrame = frames.errorFrame('ErrSlowConsume', 'Too many backed-up messages. Client is reading too slow.');
  readonly maxMessagesPerSecond = 100;
  readonly audience: Audience;
  readonly #options: CoinbaseFeedOptions;
  readonly #rooms: ReadonlyMap<string, Room>;
  readonly #statusListeners = new Set<Client>();
  readonly #subscribed = new WeakSet<Client>();
  #beatAt = 0;

  constructor(options: CoinbaseFeedOptions) {
    this.#options = options;
    this.audience = new Audience(options.faults, options.now, options.limits);
    this.#rooms = new Map(options.pits.map((pit) => [pit.listing.instrument.name, roomOf(pit)]));
  }

  accept(socket: WebSocket): void {
    this.audience.join(socket, this);
  }

  onMessage(client: Client, text: string): void {
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      this.#send(client, frames.errorFrame('Malformed JSON'));
      return;
    }
    const request = requestSchema.safeParse(parsed);
    if (!request.success) {
      this.#send(
        client,
        frames.errorFrame('Failed to subscribe', 'Type has to be either subscribe or unsubscribe, with channels'),
      );
      return;
    }
    const { type, channels, product_ids: shared = [] } = request.data;
    const wanted = channels.map((channel) =>
      typeof channel === 'string' ? { name: channel, ids: shared } : { name: channel.name, ids: channel.product_ids ?? shared },
    );
    const refusal = wanted.map(({ name, ids }) => this.#refusal(name, ids)).find((reason) => reason !== undefined);
    if (refusal !== undefined) {
      this.#send(client, frames.errorFrame(`Failed to ${type}`, refusal));
      return;
    }
    if (type === 'subscribe') this.#subscribed.add(client);
    for (const { name, ids } of wanted) this.#change(client, type, channelOf(name)!, ids);
    this.#send(client, this.#subscriptions(client));
    if (type === 'subscribe') for (const { name, ids } of wanted) this.#welcome(client, channelOf(name)!, ids);
  }

  onLeave(client: Client): void {
    this.#statusListeners.delete(client);
    for (const room of this.#rooms.values()) {
      for (const channel of CHANNELS) room.listeners[channel].delete(client);
      if (room.listeners.level2_50.size === 0) room.view = undefined;
    }
  }

  onFlood(client: Client): void {
    this.#send(client, frames.errorFrame('ErrSlowRead', 'Too many client messages.'));
    client.socket.close();
  }

  onTrades(pit: Pit, trades: readonly Trade[]): void {
    const room = this.#rooms.get(pit.listing.instrument.name);
    if (room?.pit !== pit) return;
    const { faults } = this.#options;
    const { instrument, priceDigits } = pit.listing;
    for (const trade of trades) {
      if (faults.take('gapTrades', instrument.name)) continue;
      const price = faults.falsePrice(instrument.name, trade.price, priceDigits);
      this.#tell(room.listeners.ticker, () => frames.tickerFrame(pit, trade, faults.skewMicros, price));
      this.#tell(room.listeners.matches, () => frames.matchFrame(pit, trade, 'match', faults.skewMicros, price));
    }
  }

  onBook(pit: Pit): void {
    const room = this.#rooms.get(pit.listing.instrument.name);
    if (room?.view === undefined || room.pit !== pit) return;
    const { faults, nowMicros } = this.#options;
    const { bids, asks } = room.view.update(pit.book);
    if (faults.take('gapBook', pit.listing.instrument.name)) return;
    if (faults.take('crossed', pit.listing.instrument.name)) addCrossing(bids, pit);
    const frame = frames.l2updateFrame(pit.listing, bids, asks, nowMicros() + faults.skewMicros);
    if (frame !== undefined) this.#tell(room.listeners.level2_50, () => frame);
  }

  onHalt(): void {
    this.#tell(this.#statusListeners, () => frames.statusFrame(this.#options.pits));
  }

  /** What goes by the clock: heartbeats, batched tickers, the deadline of new connections. */
  tick(): void {
    const now = this.#options.now();
    for (const client of this.audience.clients) {
      if (!this.#subscribed.has(client) && now - client.connectedAt > this.#options.subscribeWithinMs) client.socket.close();
    }
    for (const room of this.#rooms.values()) this.#batch(room, now);
    this.audience.retire();
    this.audience.release();
    if (now - this.#beatAt < HEARTBEAT_MS) return;
    this.#beatAt = now;
    const micros = this.#options.nowMicros() + this.#options.faults.skewMicros;
    for (const room of this.#rooms.values()) this.#tell(room.listeners.heartbeat, () => frames.heartbeatFrame(room.pit, micros));
  }

  #batch(room: Room, now: number): void {
    const last = room.pit.lastTrade;
    if (now - room.batchedAt < BATCH_MS || last === undefined || last.id === room.batchedId) return;
    room.batchedAt = now;
    room.batchedId = last.id;
    this.#tell(room.listeners.ticker_batch, () => frames.tickerFrame(room.pit, last, this.#options.faults.skewMicros));
  }

  #refusal(name: string, ids: readonly string[]): string | undefined {
    if (WITH_KEY.includes(name)) return AUTH_REASON;
    const channel = channelOf(name);
    if (channel === undefined) return `${name} is not a valid channel`;
    if (channel !== 'status' && ids.length === 0) return 'product_ids is required';
    const unknown = ids.find((id) => !this.#rooms.has(id));
    return unknown === undefined ? undefined : `${unknown} is not a valid product`;
  }

  #change(client: Client, type: 'subscribe' | 'unsubscribe', channel: Channel, ids: readonly string[]): void {
    if (channel === 'status') {
      if (type === 'subscribe') this.#statusListeners.add(client);
      else this.#statusListeners.delete(client);
      return;
    }
    for (const room of ids.map((id) => this.#rooms.get(id)!)) {
      if (type === 'subscribe') room.listeners[channel].add(client);
      else room.listeners[channel].delete(client);
      if (room.listeners.level2_50.size === 0) room.view = undefined;
    }
  }

  /** What a new listener gets first. */
  #welcome(client: Client, channel: Channel, ids: readonly string[]): void {
    if (channel === 'status') this.#send(client, frames.statusFrame(this.#options.pits));
    else for (const id of ids) this.#welcomeTo(client, channel, this.#rooms.get(id)!);
  }

  #welcomeTo(client: Client, channel: Channel, room: Room): void {
    const { pit } = room;
    const skew = this.#options.faults.skewMicros;
    if (channel === 'level2_50') {
      room.view ??= new BookView(pit.book, Infinity);
      this.#send(client, frames.snapshotFrame(pit.listing, room.view.bids, room.view.asks));
    }
    if (pit.lastTrade === undefined) return;
    if (channel === 'matches') this.#send(client, frames.matchFrame(pit, pit.lastTrade, 'last_match', skew));
    if (channel === 'ticker' || channel === 'ticker_batch') this.#send(client, frames.tickerFrame(pit, pit.lastTrade, skew));
  }

  #subscriptions(client: Client): string {
    const channels = CHANNELS.filter((channel) => channel !== 'status')
      .map((name) => ({
        name: name,
        product_ids: [...this.#rooms].filter(([, room]) => room.listeners[name].has(client)).map(([id]) => id),
      }))
      .filter(({ product_ids }) => product_ids.length > 0);
    const status = this.#statusListeners.has(client) ? [{ name: 'status', product_ids: [] }] : [];
    return JSON.stringify({ type: 'subscriptions', channels: [...channels, ...status] });
  }

  /** Writes a frame once, and only where someone listens. */
  #tell(listeners: ReadonlySet<Client>, write: () => string): void {
    if (listeners.size === 0) return;
    const frame = write();
    for (const client of listeners) this.#send(client, frame);
  }

  #send(client: Client, frame: string): void {
    this.audience.send(client, frame, this.slowConsumerFrame);
  }
}

function channelOf(name: string): Channel | undefined {
  return name === 'level2_batch' ? 'level2_50' : CHANNELS.find((channel) => channel === name);
}

function roomOf(pit: Pit): Room {
  const listeners = Object.fromEntries(CHANNELS.map((channel) => [channel, new Set<Client>()])) as Record<Channel, Set<Client>>;
  return { pit, listeners, view: undefined, batchedAt: 0, batchedId: 0 };
}

/** A bid above the best ask that nothing takes away again. */
function addCrossing(bids: SideChanges, pit: Pit): void {
  bids.prices.push(crossingPrice(pit.book));
  bids.sizes.push(10 ** pit.listing.sizeDigits);
}
