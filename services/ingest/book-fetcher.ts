/** Fetches whole books by REST, for venues whose feed gives changes only, and hands them to their stream. */
import { type WallClock } from '#libs/clock/clock.ts';
import { describeError } from '#libs/errors/errors.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { type InstrumentStream } from './instrument-stream.ts';
import { type VenueRest } from './venues/venue.ts';

export interface BookFetcherOptions {
  readonly rest: VenueRest;
  readonly clock: WallClock;
  readonly logger: Logger;
  /** Ends requests under way. */
  readonly signal: AbortSignal;
}

export class BookFetcher {
  readonly #options: BookFetcherOptions;
  readonly #underWay = new Map<InstrumentStream, Promise<void>>();

  constructor(options: BookFetcherOptions) {
    this.#options = options;
  }

  /** Asks once; a stream that still has no book asks again, with growing pauses. */
  fetch(stream: InstrumentStream): void {
    if (this.#underWay.has(stream) || this.#options.signal.aborted) return;
    this.#underWay.set(
      stream,
      this.#fetch(stream).finally(() => this.#underWay.delete(stream)),
    );
  }

  /** Resolves when no request is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  async #fetch(stream: InstrumentStream): Promise<void> {
    const { rest, clock, logger, signal } = this.#options;
    const instrument = stream.instrument.name;
    const { session } = stream;
    try {
      const book = await rest.book?.(instrument, signal);
      // What another connection would hold of the updates since is not known.
      if (book !== undefined && stream.session === session && stream.awaitsBook) stream.onBook(book, clock.nowMicros());
    } catch (error) {
      if (!signal.aborted) logger.warn({ instrument }, `the book could not be fetched: ${describeError(error)}`);
    }
  }
}
