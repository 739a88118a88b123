/** One venue's frames on their way: socket -> mapper -> the instrument they are about -> the log. */
import { FIRST_CONNECTION } from '#libs/market/gap.ts';
import { type WallClock } from '#libs/clock/clock.ts';
import { type Instrument } from '#libs/market/instrument.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { GapKind, gapKindToJSON, Tick } from '#libs/wire/tributary/v1/market.ts';
import { type BookFetcher } from './book-fetcher.ts';
import { type Capture } from './capture.ts';
import { type ConnectionHandler, type Rehearsal } from './connection.ts';
import { FeedRehearsal } from './feed-rehearsal.ts';
import { InstrumentStream, type Resume, type StreamOutput, type TickEvent } from './instrument-stream.ts';
import { type IngestMetrics } from './metrics.ts';
import { type Publisher } from './publisher.ts';
import { referencesOf } from './references.ts';
import { type Repairer } from './repairer.ts';
import { type Hole } from './trade-ledger.ts';
import { type MalformedReason, type Venue, type VenueEvent } from './venues/venue.ts';

export interface FeedOptions {
  readonly venue: Venue;
  readonly instruments: readonly Instrument[];
  readonly resume: ReadonlyMap<string, Resume>;
  /** Partitions of `ticks`. */
  readonly partitions: number;
  readonly clock: WallClock;
  readonly logger: Logger;
  readonly metrics: IngestMetrics;
  readonly publisher: Publisher;
  readonly repairer: Repairer;
  readonly books: BookFetcher;
  readonly capture: Capture | undefined;
  readonly send: (text: string) => void;
  /** Opens the connection anew. */
  readonly reconnect: () => void;
  /** Replaces the connection by another while it lasts. */
  readonly rotate: () => void;
}

export class Feed implements ConnectionHandler, StreamOutput {
  readonly streams: ReadonlyMap<string, InstrumentStream>;
  /** Venue's clock minus ours, microseconds. */
  clockSkew = 0;
  readonly #options: FeedOptions;
  #connections = 0;
  #isConnected = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    const { venue, instruments, resume } = options;
    const streamOf = (instrument: Instrument) => {
      const known = resume.get(instrument.name) ?? { complete: undefined, sequence: 0 };
      return new InstrumentStream({ instrument, venue, resume: known }, this);
    };
    this.streams = new Map(instruments.map((instrument) => [instrument.name, streamOf(instrument)]));
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  subscription(): readonly string[] {
    return this.#options.venue.subscribe([...this.streams.keys()]);
  }

  connected(): void {
    this.#isConnected = true;
    if (this.#connections++ > 0) this.#options.metrics.reconnect();
    const now = this.#options.clock.nowMicros();
    for (const stream of this.streams.values()) stream.connected(now);
  }

  disconnected(reason: string, isSilence: boolean): void {
    this.#isConnected = false;
    const now = this.#options.clock.nowMicros();
    const kind = isSilence ? GapKind.GAP_KIND_STALE : GapKind.GAP_KIND_DISCONNECT;
    for (const stream of this.streams.values()) stream.disconnected(now, kind, reason);
  }

  alive(receiveTime: number): void {
    for (const stream of this.streams.values()) stream.lastFrameTime = receiveTime;
  }

  rehearse(): Rehearsal {
    const { venue, clock, metrics } = this.#options;
    return new FeedRehearsal({
      venue,
      streams: this.streams,
      clock,
      heard: (text, receiveTime, channel) => this.#keep(text, receiveTime, channel),
      handle: (event, now) => this.#handle(event, now, ''),
      ended: (outcome) => metrics.rotation(outcome),
    });
  }

  frame(text: string | undefined, receiveTime: number): void {
    const { metrics, venue } = this.#options;
    this.alive(receiveTime);
    if (text === undefined) {
      metrics.frame('binary');
      this.#handle({ kind: 'malformed', reason: 'binary', instrument: undefined }, receiveTime, 'binary');
      return;
    }
    const { channel, events } = venue.mapFrame(text);
    this.#keep(text, receiveTime, channel);
    for (const event of events) this.#handle(event, receiveTime, channel);
  }

  /** At least ten times a second. */
  flush(): void {
    const now = this.#options.clock.nowMicros();
    for (const stream of this.streams.values()) stream.flush(now);
  }

  /** `second`: the whole second that has begun, since the Unix epoch. */
  everySecond(second: number): void {
    const { venue, clock, publisher, partitions, metrics, reconnect } = this.#options;
    const now = clock.nowMicros();
    let isLost = false;
    for (const stream of this.streams.values()) {
      const { conflatedQuotes, missedDeletes } = stream;
      stream.everySecond(now, this.clockSkew);
      for (const record of referencesOf(stream, venue.id, second, now, partitions)) publisher.offer(record);
      isLost ||= stream.isLost(now);
      this.#count(stream, conflatedQuotes, missedDeletes);
    }
    metrics.queueDepth(publisher.depth);
    this.#countMissing();
    if (isLost) reconnect();
  }

  #keep(text: string, receiveTime: number, channel: string): void {
    const { metrics, capture } = this.#options;
    metrics.frame(channel);
    if (capture?.write(text, receiveTime) === false) metrics.droppedCaptureFrame();
  }

  readonly #counted = new Map<InstrumentStream, { conflated: number; deletes: number }>();

  #count(stream: InstrumentStream, conflated: number, deletes: number): void {
    const before = this.#counted.get(stream);
    this.#options.metrics.conflatedQuotes(conflated - (before?.conflated ?? 0));
    this.#options.metrics.missedDeletes(deletes - (before?.deletes ?? 0));
    this.#counted.set(stream, { conflated, deletes });
  }

  #countMissing(): void {
    this.#options.metrics.missingTrades([...this.streams.values()].reduce((sum, stream) => sum + stream.missingTrades, 0));
  }

  // What the streams ask for.

  get isBusy(): boolean {
    return this.#options.publisher.isBusy;
  }

  publish(instrument: Instrument, event: TickEvent, exchangeTime: number, receiveTime: number, sequence: number): boolean {
    const { publisher, metrics, venue, logger } = this.#options;
    if (event.$case === 'trade' && publisher.isFull) return false;
    const tick: Tick = {
      asset: instrument.base,
      venue: venue.id,
      instrument: instrument.name,
      exchangeTime,
      receiveTime,
      sequence,
      event,
    };
    publisher.put({ topic: 'ticks', key: instrument.base, value: Tick.encode(tick).finish() });
    metrics.event(event.$case);
    if (event.$case === 'gap') {
      const kind = gapKindToJSON(event.value.kind).replace('GAP_KIND_', '').toLowerCase();
      metrics.gap(kind);
      const { detail, fromTradeId: from, toTradeId: to } = event.value;
      const level = detail === FIRST_CONNECTION ? 'debug' : 'warn';
      logger[level]({ instrument: instrument.name, kind, from, to }, `${venue.id} ${instrument.name}: ${detail}`);
    }
    return true;
  }

  repair(stream: InstrumentStream, hole: Hole): void {
    this.#options.repairer.add(stream, hole);
    this.#countMissing(); // before the trade that showed the hole is counted
  }

  resync(stream: InstrumentStream): void {
    const { venue, books, send } = this.#options;
    if (venue.bookSnapshots === 'rest') books.fetch(stream);
    else for (const text of venue.resyncBook(stream.instrument.name)) send(text);
  }

  malformed(reason: MalformedReason): void {
    this.#options.metrics.malformed(reason);
  }

  badChecksum(): void {
    this.#options.metrics.checksumFailure();
  }

  #handle(event: VenueEvent, now: number, channel: string): void {
    switch (event.kind) {
      case 'trade':
        if (!event.isLate) this.#observeLatency(event.exchangeTime, now);
        this.streams.get(event.instrument)?.onTrade(event, now);
        return;
      case 'book':
        if (!event.isSnapshot) this.#observeLatency(event.exchangeTime, now);
        this.streams.get(event.instrument)?.onBook(event, now);
        return;
      case 'last-trade':
        this.streams.get(event.instrument)?.onLastTrade(event.tradeId, now, channel === 'heartbeat');
        return;
      case 'listings':
        for (const listing of event.listings) this.streams.get(listing.instrument)?.onListing(listing, now);
        if (event.isComplete) this.#delist(new Set(event.listings.map(({ instrument }) => instrument)), now);
        return;
      case 'system':
        for (const stream of this.streams.values()) stream.onSystem(event.status, now);
        return;
      case 'malformed':
        this.malformed(event.reason);
        for (const stream of this.#concerned(event.instrument)) stream.onMalformed(event.reason, now);
        return;
      case 'refused':
        this.#options.logger.error({ instrument: event.instrument }, `${this.#options.venue.id} refused: ${event.message}`);
        return;
      case 'reconnect':
        this.#options.logger.info(`${this.#options.venue.id} asks for a new connection`);
        this.#options.rotate();
        return;
      case 'ticker':
        return; // the book gives the quotes; the ticker is the tests' audit of it
    }
  }

  #observeLatency(exchangeTime: number, now: number): void {
    if (exchangeTime > 0) this.#options.metrics.latency(now - exchangeTime);
  }

  #concerned(instrument: string | undefined): Iterable<InstrumentStream> {
    if (instrument === undefined) return this.streams.values();
    const stream = this.streams.get(instrument);
    return stream === undefined ? [] : [stream];
  }

  #delist(listed: ReadonlySet<string>, now: number): void {
    for (const [name, stream] of this.streams) if (!listed.has(name)) stream.onDelisted(now);
  }
}
