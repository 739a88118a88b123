/**
 * Leaves a host alone that fails again and again: after FAILURES failures in a row nothing is asked of it for a while; then one request
 * may try (half-open). If that fails too, the while doubles.
 */
import { type WallClock } from '../clock/clock.ts';
import { TributaryError } from '../errors/errors.ts';

export interface CircuitBreaker {
  /** Lets a request through, which must say how it went; throws `TRB_HTTP_CIRCUIT_OPEN` (canRetry) while the host is left alone. */
  enter(host: string): Pass;
  readonly state: 'closed' | 'open' | 'half-open';
}

export interface Pass {
  succeeded(): void;
  failed(): void;
}

const FAILURES = 6;
const FIRST_OPEN_MS = 30_000;
const LONGEST_OPEN_MS = 15 * 60_000;

export function createCircuitBreaker(clock: Pick<WallClock, 'now'>): CircuitBreaker {
  let failures = 0;
  let openMs = FIRST_OPEN_MS;
  let openUntil = -Infinity;
  let isOpen = false;
  let isProbing = false;
  return {
    enter(host) {
      if (isOpen && (isProbing || clock.now() < openUntil)) throw left(host, Math.max(0, openUntil - clock.now()));
      const isProbe = isOpen;
      if (isProbe) isProbing = true;
      return {
        succeeded() {
          failures = 0;
          openMs = FIRST_OPEN_MS;
          isOpen = false;
          if (isProbe) isProbing = false;
        },
        failed() {
          if (isProbe) isProbing = false;
          failures++;
          // A request that was under way when the circuit opened says nothing new.
          if (failures < FAILURES || (isOpen && !isProbe)) return;
          if (isProbe) openMs = Math.min(2 * openMs, LONGEST_OPEN_MS);
          isOpen = true;
          openUntil = clock.now() + openMs;
        },
      };
    },
    get state() {
      if (!isOpen) return 'closed';
      return clock.now() < openUntil ? 'open' : 'half-open';
    },
  };
}

function left(host: string, ms: number): TributaryError {
  const message = `${host} failed ${FAILURES} times in a row and is left alone for ${Math.ceil(ms / 1000)} s more.`;
  return new TributaryError('TRB_HTTP_CIRCUIT_OPEN', message, { canRetry: true, hint: 'It is tried again by itself.' });
}
