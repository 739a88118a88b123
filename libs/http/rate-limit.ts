/**
 * Requests at a rate: a token bucket in the form of one number (the generic cell rate algorithm), first come, first served.
 */
import { type WallClock } from '../clock/clock.ts';

export interface RateLimit {
  /** Resolves when the caller may go; at once when `signal` aborts. */
  take(signal?: AbortSignal): Promise<void>;
  /** Lets nobody go for `ms`. */
  pause(ms: number): void;
}

export function createRateLimit(
  { ratePerSecond, burst }: { readonly ratePerSecond: number; readonly burst: number },
  clock: Pick<WallClock, 'now' | 'sleep'>,
): RateLimit {
  const interval = 1000 / ratePerSecond;
  /** When the bucket will be full again. */
  let full = 0;
  let pausedUntil = 0;
  return {
    async take(signal) {
      full = Math.max(full, clock.now()) + interval;
      const mine = full - burst * interval;
      for (;;) {
        const wait = Math.max(mine, pausedUntil) - clock.now();
        if (wait <= 0 || signal?.aborted === true) return;
        await clock.sleep(wait, signal);
      }
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, clock.now() + ms);
    },
  };
}
