/**
 * The next connection of a feed while the present one still serves. It serves once, for each instrument, it has what the present one has: a sound
 * book, heartbeats, and trades that begin no later than where the present one has come to.
 */
import { type WallClock } from '#libs/clock/clock.ts';
import { type Rehearsal } from './connection.ts';
import { type InstrumentStream } from './instrument-stream.ts';
import { type NextLine } from './next-line.ts';
import { LOST_FRAME, type Venue, type VenueEvent } from './venues/venue.ts';

export interface FeedRehearsalOptions {
  readonly venue: Pick<Venue, 'mapFrame' | 'subscribe'>;
  readonly streams: ReadonlyMap<string, InstrumentStream>;
  readonly clock: WallClock;
  /** A frame came, with this text, over this channel. */
  readonly heard: (text: string, receiveTime: number, channel: string) => void;
  /** What the next connection said of the venue and its instruments as a whole. */
  readonly handle: (event: VenueEvent, now: number) => void;
  readonly ended: (outcome: 'done' | 'failed') => void;
}

/** Microseconds for which both connections are heard: what was made before the next subscribed comes on the present one meanwhile. */
const OVERLAP = 2_000_000;

export class FeedRehearsal implements Rehearsal {
  readonly #options: FeedRehearsalOptions;
  readonly #lines: ReadonlyMap<string, NextLine>;
  readonly #notices: VenueEvent[] = [];
  #connectedAt = Infinity;
  #failure: string | undefined;

  constructor(options: FeedRehearsalOptions) {
    this.#options = options;
    this.#lines = new Map([...options.streams].map(([name, stream]) => [name, stream.rehearse()]));
  }

  get failure(): string | undefined {
    for (const [name, { failure }] of this.#lines) if (failure !== undefined) this.#failure ??= `${name}: ${failure}`;
    return this.#failure;
  }

  subscription(): readonly string[] {
    const { venue, streams } = this.#options;
    return venue.subscribe([...streams.keys()]);
  }

  connected(): void {
    this.#connectedAt = this.#options.clock.nowMicros();
  }

  alive(): void {
    // The present connection says whether the venue lives.
  }

  frame(text: string | undefined, receiveTime: number): void {
    if (text === undefined) {
      this.#failure ??= 'a binary frame';
      return;
    }
    const { channel, events } = this.#options.venue.mapFrame(text);
    this.#options.heard(text, receiveTime, channel);
    for (const event of events) this.#hear(event, receiveTime, channel);
  }

  missing(): string | undefined {
    const { clock, streams } = this.#options;
    const now = clock.nowMicros();
    if (now - this.#connectedAt < OVERLAP) return 'an open connection';
    for (const [name, stream] of streams) {
      const missing = stream.missingOf(this.#lines.get(name)!, now);
      if (missing !== undefined) return `${missing} of ${name}`;
    }
    return undefined;
  }

  takeOver(): void {
    const { clock, streams, handle, ended } = this.#options;
    const now = clock.nowMicros();
    for (const event of this.#notices) handle(event, now);
    for (const [name, stream] of streams) stream.takeOver(this.#lines.get(name)!, now);
    ended('done');
  }

  giveUp(): void {
    for (const stream of this.#options.streams.values()) stream.endRehearsal();
    this.#options.ended('failed');
  }

  #hear(event: VenueEvent, now: number, channel: string): void {
    switch (event.kind) {
      case 'trade':
        this.#lines.get(event.instrument)?.onTrade(event);
        return;
      case 'book':
        this.#lines.get(event.instrument)?.onBook(event, now);
        return;
      case 'last-trade': {
        const line = this.#lines.get(event.instrument);
        if (channel === 'heartbeat' && line !== undefined) line.lastHeartbeat = now;
        return;
      }
      case 'listings':
        for (const listing of event.listings) this.#lines.get(listing.instrument)?.keeper.setListing(listing);
        this.#notices.push(event);
        return;
      case 'system':
        this.#notices.push(event);
        return;
      case 'malformed':
        if (LOST_FRAME.includes(event.reason)) this.#failure ??= `a frame that cannot be read: ${event.reason}`;
        return;
      case 'refused':
        this.#failure ??= `refused: ${event.message}`;
        return;
      case 'reconnect':
        this.#failure ??= 'the venue wants another one at once';
        return;
      case 'ticker':
        return;
    }
  }
}
