/** Wall time and waiting, injected at the edge; the pure core never sees it. */
import { setTimeout as delay } from 'node:timers/promises';

export interface WallClock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Microseconds since the Unix epoch; a safe integer. */
  nowMicros(): number;
  /** Resolves after `ms`, or at once when `signal` aborts (it never rejects). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Milliseconds since the epoch at which `performance.now()` was 0, as the wall clock says now. */
let origin = performance.timeOrigin;

export const systemClock: WallClock = {
  now: () => Date.now(),
  nowMicros: () => {
    const wall = Date.now();
    const uptime = performance.now();
    // What Node takes for the origin may be tens of milliseconds off, and the wall clock is set and slewed.
    origin = Math.min(Math.max(origin, wall - uptime), wall + 0.999 - uptime);
    return Math.round((origin + uptime) * 1000);
  },
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? undefined : { signal }).catch(() => undefined);
  },
};
