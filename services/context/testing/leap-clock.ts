/** Time that stands still until it is told to leap; who sleeps wakes when the leap reaches him, or with his signal. */
import { type WallClock } from '#libs/clock/clock.ts';

export class LeapClock implements WallClock {
  #now: number;
  #sleepers: { readonly due: number; readonly wake: () => void }[] = [];

  /** Milliseconds since the Unix epoch. */
  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  nowMicros(): number {
    return this.#now * 1000;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = { due: this.#now + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener(
        'abort',
        () => {
          this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
          resolve();
        },
        { once: true },
      );
    });
  }

  leap(ms: number): void {
    this.#now += ms;
    const due = this.#sleepers.filter((sleeper) => sleeper.due <= this.#now);
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.due > this.#now);
    for (const { wake } of due) wake();
  }
}
