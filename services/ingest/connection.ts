/**
 * One feed kept open: connects, comes back after a cut with jittered, doubling pauses, and replaces a connection before the venue ends it:
 * the next one is opened beside it and serves once it has all that the present one has, which is closed only then. It ends with
 * `TRB_VENUE_BLOCKED` where the venue does not serve this address: 451, or 403 before it ever let us in.
 */
import { type WallClock } from '#libs/clock/clock.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { type SocketEnding, type SocketHandler, VenueSocket } from './socket.ts';
import { venueBlocked } from './venues/blocked.ts';
import { type KeepAlive } from './venues/venue.ts';

export interface ConnectionOptions {
  readonly url: string;
  readonly clock: WallClock;
  readonly logger: Logger;
  /** Uniform in [0, 1). Default Math.random. */
  readonly random?: () => number;
  /** Milliseconds without a frame after which the connection counts as dead. Default 5,000. */
  readonly silenceMs?: number;
  /** First pause before connecting again, milliseconds. Default 500. */
  readonly firstPauseMs?: number;
  /** Default none. */
  readonly keepAlive?: KeepAlive | undefined;
  /** Age at which a connection is replaced, milliseconds. Default never. */
  readonly rotateMs?: number;
}

export interface ConnectionHandler extends SocketHandler {
  disconnected(reason: string, isSilence: boolean): void;
  /** Hears the next connection while this one still serves. */
  rehearse(): Rehearsal;
}

export interface Rehearsal extends SocketHandler {
  /** What the next connection does not have yet of what the present one has. */
  missing(): string | undefined;
  /** Why it will never do. */
  readonly failure: string | undefined;
  /** The next connection serves from now on, the present one is heard no more. */
  takeOver(): void;
  /** The present one goes on. */
  giveUp(): void;
}

const LONGEST_PAUSE_MS = 30_000;
/** A connection that lived this long was good: the next pause is the first one again. */
const HEALTHY_MS = 60_000;
const LONGEST_REHEARSAL_MS = 30_000;
const LOOK_MS = 100;

export class Connection {
  readonly #options: Required<ConnectionOptions>;
  readonly #handler: ConnectionHandler;
  #serving: VenueSocket | undefined;
  /** The one that the venue wants to be replaced. */
  #unwanted: VenueSocket | undefined;
  #hasOpened = false;

  constructor(options: ConnectionOptions, handler: ConnectionHandler) {
    const defaults = { random: Math.random, silenceMs: 5_000, firstPauseMs: 500, keepAlive: undefined, rotateMs: Infinity };
    this.#options = { ...defaults, ...options };
    this.#handler = handler;
  }

  /** Does nothing while there is no open connection. */
  send(text: string): void {
    this.#serving?.send(text);
  }

  /** Closes the present connection; `run` opens the next. */
  reset(): void {
    this.#serving?.end();
  }

  /** The present connection is replaced by another whatever its age, as soon as that one can serve. */
  rotate(): void {
    this.#unwanted = this.#serving;
  }

  /** Keeps a connection until `signal` aborts. Rejects with `TRB_VENUE_BLOCKED`. */
  async run(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const renewing = this.#renew(AbortSignal.any([signal, over.signal]));
    try {
      await this.#keepOpen(signal);
    } finally {
      over.abort();
      await renewing;
    }
  }

  async #keepOpen(signal: AbortSignal): Promise<void> {
    const { clock, logger, url } = this.#options;
    const pauses = this.#pauses();
    const isOver = () => signal.aborted;
    while (!isOver()) {
      const startedAt = clock.now();
      this.#serving = this.#open(this.#handler, signal);
      const { reason, status, hasOpened, isSilence } = await this.#lastEnding(this.#serving);
      this.#serving = undefined;
      // Stopping is no fault: the next start says what was not watched.
      if (isOver()) return;
      if (hasOpened) this.#handler.disconnected(reason, isSilence);
      if (status === 451 || (status === 403 && !this.#hasOpened)) throw venueBlocked(url, status);
      this.#hasOpened ||= hasOpened;
      if (clock.now() - startedAt >= HEALTHY_MS) pauses.reset();
      const wait = pauses.next();
      logger.warn({ url, reason, waitMs: Math.round(wait) }, `connection lost (${reason}); the next attempt follows`);
      await clock.sleep(wait, signal);
    }
  }

  /** How the connection ended that none had replaced. */
  async #lastEnding(serving: VenueSocket): Promise<SocketEnding> {
    const ending = await serving.ended;
    return this.#serving === serving ? ending : this.#lastEnding(this.#serving!);
  }

  /** Replaces each connection that is too old or unwanted; where the next does not come up, tries again after growing pauses. */
  async #renew(signal: AbortSignal): Promise<void> {
    const { clock, rotateMs } = this.#options;
    const pauses = this.#pauses();
    const isOver = () => signal.aborted;
    while (!isOver()) {
      await clock.sleep(LOOK_MS, signal);
      const serving = this.#serving;
      if (isOver() || serving?.openedAt === undefined) continue;
      if (serving !== this.#unwanted && clock.now() - serving.openedAt < rotateMs) continue;
      if (await this.#replace(serving, signal)) pauses.reset();
      else await clock.sleep(pauses.next(), signal);
    }
  }

  /** False: the next one did not come up. */
  async #replace(serving: VenueSocket, signal: AbortSignal): Promise<boolean> {
    const { clock, logger, url } = this.#options;
    const rehearsal = this.#handler.rehearse();
    const next = this.#open(rehearsal, signal);
    const startedAt = clock.now();
    let failure: string | undefined;
    void next.ended.then(({ reason }) => (failure ??= reason));
    while (failure === undefined && rehearsal.missing() !== undefined) {
      await clock.sleep(LOOK_MS, signal);
      failure ??= signal.aborted ? 'stopped' : rehearsal.failure;
      if (serving !== this.#serving) failure ??= 'the present one ended first';
      if (clock.now() - startedAt > LONGEST_REHEARSAL_MS) failure ??= `${rehearsal.missing()} missing`;
    }
    if (failure === undefined) {
      next.handler = this.#handler;
      this.#serving = next;
      rehearsal.takeOver();
      serving.end();
      logger.info({ url }, 'the connection was replaced by a new one');
      return true;
    }
    rehearsal.giveUp();
    next.end();
    if (!signal.aborted)
      logger.warn({ url, reason: failure }, `the next connection is not used (${failure}); the present one goes on`);
    return false;
  }

  #open(handler: SocketHandler, signal: AbortSignal): VenueSocket {
    return new VenueSocket({ ...this.#options, signal }, handler);
  }

  /** Jittered, each up to twice as long as the one before. */
  #pauses(): { next(): number; reset(): void } {
    const { random, firstPauseMs } = this.#options;
    let pause = firstPauseMs;
    return {
      next: () => {
        const wait = pause * (0.5 + random() / 2);
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
        return wait;
      },
      reset: () => (pause = firstPauseMs),
    };
  }
}
