/** For tests: time that passes only when told to. Sleepers wake in order, and what they do is done before time goes on. */
import { setImmediate as turn } from 'node:timers/promises';
import { type WallClock } from '#libs/clock/clock.ts';

const STRIDE_MS = 50;

export class ManualClock implements WallClock {
  #now: number;
  #sleepers: { readonly due: number; readonly wake: () => void }[] = [];

  /** ms since the epoch. */
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
    return new Promise((resolve) => {
      this.#sleepers.push({ due: this.#now + ms, wake: resolve });
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    while (this.#now < end) {
      this.#now = Math.min(end, this.#now + STRIDE_MS);
      const due = this.#sleepers.filter((sleeper) => sleeper.due <= this.#now);
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.due > this.#now);
      for (const { wake } of due) wake();
      await turn();
    }
  }
}
