/** Clients of sources. What one host allows and how it is doing is shared by all that ask it. */
import { type WallClock } from '#libs/clock/clock.ts';
import { type CircuitBreaker, createCircuitBreaker } from '#libs/http/circuit-breaker.ts';
import { createRateLimit, type RateLimit } from '#libs/http/rate-limit.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { createSourceHttp, type SourceHttp } from './sources/http.ts';
import { type ContextSource } from './sources/source.ts';

export interface Hosts {
  /** Clients of a source by name of its hosts; `onAttempt` hears of every request. */
  clientsOf(source: ContextSource, options: ClientOptions): Readonly<Record<string, SourceHttp>>;
}

export interface ClientOptions {
  readonly key: string | undefined;
  readonly logger: Logger;
  readonly onAttempt: (code: string | undefined) => void;
  /** Stops every request, whatever signal it comes with. */
  readonly signal?: AbortSignal;
}

export interface HostsOptions {
  readonly clock: WallClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Another base URL for a source's host; tests put a local server there. */
  readonly baseUrl?: ((source: string, host: string) => string) | undefined;
}

export function createHosts({ clock, random, baseUrl }: HostsOptions): Hosts {
  const shared = new Map<string, { readonly rateLimit: RateLimit; readonly breaker: CircuitBreaker }>();
  return {
    clientsOf(source, { key, logger, onAttempt, signal }) {
      const headers = key === undefined ? {} : (source.key?.headers(key) ?? {});
      const clients: Record<string, SourceHttp> = {};
      for (const [name, settings] of Object.entries(source.hosts)) {
        const url = baseUrl?.(source.id, name) ?? settings.baseUrl;
        const { host } = new URL(url);
        let limits = shared.get(host);
        if (limits === undefined) {
          limits = { rateLimit: createRateLimit(settings, clock), breaker: createCircuitBreaker(clock) };
          shared.set(host, limits);
        }
        clients[name] = createSourceHttp(
          { ...settings, baseUrl: url },
          { clock, random, logger, headers, onAttempt, signal, ...limits },
        );
      }
      return clients;
    },
  };
}
