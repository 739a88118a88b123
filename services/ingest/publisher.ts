/**
 * The way into the log: a bounded queue and one append at a time. What gathers while an append is on its way goes with the next, as soon
 * as the last is acknowledged.
 */
import { type WallClock } from '#libs/clock/clock.ts';
import { messageOf, TributaryError } from '#libs/errors/errors.ts';
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { type Logger } from '#libs/telemetry/logger.ts';

export interface PublisherOptions {
  readonly log: EventLog;
  readonly clock: WallClock;
  readonly logger: Logger;
  /** Records waiting from which on quotes and slices are held back at their source. Default 2,000. */
  readonly busyAt?: number;
  /** Records waiting from which on trades are refused. Default 50,000. */
  readonly fullAt?: number;
  /** Most records of one append. Default 2,000. */
  readonly maxBatch?: number;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;
/** How long, milliseconds, what waits may still go out after the signal. */
const DRAIN_MS = 5_000;

export class Publisher {
  readonly #options: Required<PublisherOptions>;
  #waiting: OutRecord[] = [];
  #wake: (() => void) | undefined;

  constructor(options: PublisherOptions) {
    this.#options = { busyAt: 2_000, fullAt: 50_000, maxBatch: 2_000, ...options };
  }

  /** Records waiting. */
  get depth(): number {
    return this.#waiting.length;
  }

  /** Quotes and slices should be held back and conflated. */
  get isBusy(): boolean {
    return this.#waiting.length >= this.#options.busyAt;
  }

  get isFull(): boolean {
    return this.#waiting.length >= this.#options.fullAt;
  }

  /** False: the queue is full, the record was not taken. */
  offer(record: OutRecord): boolean {
    if (this.isFull) return false;
    this.put(record);
    return true;
  }

  /** Takes the record whatever the queue holds: for gaps, status and heartbeats, which are few. */
  put(record: OutRecord): void {
    this.#waiting.push(record);
    this.#wake?.();
  }

  /** Appends until `signal` aborts and nothing waits. Rejects with the log's error when trying again cannot help. */
  async run(signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake?.();
    signal.addEventListener('abort', wake, { once: true });
    try {
      for (;;) {
        if (this.#waiting.length > 0) await this.#append(this.#waiting.splice(0, this.#options.maxBatch), signal);
        else if (signal.aborted) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  async #append(batch: readonly OutRecord[], signal: AbortSignal): Promise<void> {
    const { log, clock, logger } = this.#options;
    let deadline = Infinity;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        await log.append(batch);
        return;
      } catch (error) {
        if (!(error instanceof TributaryError && error.canRetry)) throw error;
        if (signal.aborted) deadline = Math.min(deadline, clock.now() + DRAIN_MS);
        if (clock.now() >= deadline) throw error;
        logger.warn({ waiting: this.depth, code: error.code }, `the log does not take ticks: ${messageOf(error)}`);
        await clock.sleep(pause, signal.aborted ? undefined : signal);
      }
    }
  }
}
