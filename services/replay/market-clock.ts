/** The clock of a replay: it shows the time of the market that is replayed, and waits as much shorter as that time passes faster. */
import { systemClock, type WallClock } from '#libs/clock/clock.ts';

/** Times as fast as the wall's. */
const SPEED = 1_000;

export class MarketClock implements WallClock {
  #now: number;

  /** Milliseconds since the epoch. */
  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  nowMicros(): number {
    return this.#now * 1_000;
  }

  /** The market has come to `t`. */
  advance(t: number): void {
    this.#now = Math.max(this.#now, t);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms / SPEED, signal);
  }
}
