/** Fetches missed trades by REST, one hole after another, and hands them to their stream. */
import { type WallClock } from '#libs/clock/clock.ts';
import { describeError } from '#libs/errors/errors.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { type InstrumentStream } from './instrument-stream.ts';
import { type Hole } from './trade-ledger.ts';
import { type VenueRest } from './venues/venue.ts';

/** A larger hole is stated, not filled: REST gives a thousand at a time, Kraken's once a second. */
const LARGEST_REPAIR = 100_000;
/** REST may know a trade a little later than the socket. */
const ATTEMPTS = 3;
const PAUSE_MS = 1_000;
/** Holes that may wait; further ones are stated, not filled. */
const MOST_WAITING = 1_000;

export interface RepairerOptions {
  readonly rest: VenueRest;
  readonly clock: WallClock;
  readonly logger: Logger;
  readonly repaired: (trades: number) => void;
}

interface Repair {
  readonly stream: InstrumentStream;
  readonly hole: Hole;
}

export class Repairer {
  readonly #options: RepairerOptions;
  readonly #waiting: Repair[] = [];
  #wake: (() => void) | undefined;

  constructor(options: RepairerOptions) {
    this.#options = options;
  }

  add(stream: InstrumentStream, hole: Hole): void {
    const missing = hole.to - hole.from + 1;
    const { clock } = this.#options;
    if (missing > LARGEST_REPAIR) stream.closeHole(hole, clock.nowMicros(), `${missing} trades are too many to fill in`);
    else if (this.#options.rest.trades === undefined)
      stream.closeHole(hole, clock.nowMicros(), 'the venue gives no trades after the fact');
    else if (this.#waiting.length >= MOST_WAITING) stream.closeHole(hole, clock.nowMicros(), 'too many holes wait to be filled');
    else this.#waiting.push({ stream, hole });
    this.#wake?.();
  }

  /** Works until `signal` aborts; what is still missing then is found again by the next run. */
  async run(signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake?.();
    signal.addEventListener('abort', wake, { once: true });
    while (!signal.aborted) {
      const next = this.#waiting.shift();
      if (next !== undefined) await this.#repair(next, signal);
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    signal.removeEventListener('abort', wake);
  }

  async #repair({ stream, hole }: Repair, signal: AbortSignal): Promise<void> {
    const { clock, logger, rest, repaired } = this.#options;
    const instrument = stream.instrument.name;
    const isOver = () => signal.aborted;
    const asked = hole.to - hole.from + 1;
    let filled = 0;
    let reason = 'the venue does not have them';
    for (let attempt = 0; attempt < ATTEMPTS && !isOver(); attempt++) {
      if (attempt > 0) await clock.sleep(PAUSE_MS * attempt, signal);
      try {
        const wanted = { instrument, from: hole.from, to: hole.to, after: hole.after };
        for await (const trades of rest.trades?.(wanted, signal) ?? []) {
          filled += stream.onRepair(hole, trades, clock.nowMicros());
        }
      } catch (error) {
        if (isOver()) return;
        reason = describeError(error);
        logger.warn({ instrument, from: hole.from, to: hole.to }, `missed trades could not be fetched: ${reason}`);
      }
      if (hole.from > hole.to) break;
    }
    repaired(filled);
    if (isOver()) return;
    const missing = `${asked - filled} of ${asked} trades stay missing: ${reason.slice(0, 200)}`;
    stream.closeHole(hole, clock.nowMicros(), filled === asked ? undefined : missing);
  }
}
