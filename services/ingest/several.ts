/**
 * Ingest of several venues in one process: one that does not serve this address, or lists nothing that was asked for, is switched off
 * with one notice, and the others run on.
 */
import { setMaxListeners } from 'node:events';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { runIngest } from './service.ts';
import { isBlocked } from './venues/blocked.ts';
import { instrumentsAt, type VenueEndpoints } from './venues/registry.ts';

export interface SeveralOptions {
  readonly venues: readonly string[];
  /** BASE-QUOTE. */
  readonly symbols: readonly string[];
  /** Default the public addresses. */
  readonly endpoints?: Readonly<Record<string, VenueEndpoints | undefined>>;
  /** Age at which a connection is replaced, milliseconds. Default as the venue's declaration says. */
  readonly rotateMs?: number | undefined;
}

/** Ingest of each venue, to be run side by side. With the last venue switched off, its reason is the error of all. */
export function ingestOfEach({ venues, symbols, endpoints = {}, rotateMs }: SeveralOptions) {
  const switchedOff = new Set<string>();
  return async (context: ServiceContext, venue: string, signal: AbortSignal): Promise<void> => {
    const at = endpoints[venue];
    const where = at === undefined ? {} : { endpoints: at };
    const instruments = instrumentsAt(venue, symbols);
    try {
      await runIngest(context, { venue, instruments, unknownInstruments: 'skip', rotateMs, ...where }, signal);
    } catch (thrown) {
      const detail = reasonOf(thrown);
      if (detail === undefined || switchedOff.add(venue).size === venues.length) throw thrown;
      context.logger.warn(`${venue} is switched off: ${describeError(thrown)}`);
      context.health.set(`ingest ${venue}`, { ready: true, detail });
    }
  };
}

/** Runs until `signal` aborts or a venue fails for a reason that is not its own to bear. */
export async function runEach(context: ServiceContext, options: SeveralOptions, signal: AbortSignal): Promise<void> {
  const ingest = ingestOfEach(options);
  const stop = new AbortController();
  const running = AbortSignal.any([signal, stop.signal]);
  setMaxListeners(0, running); // every part of every venue listens
  const runs = options.venues.map((venue) =>
    ingest(context, venue, running).catch((error: unknown) => {
      stop.abort();
      throw error;
    }),
  );
  await Promise.allSettled(runs);
  await Promise.all(runs);
}

/** Undefined: not a matter of this venue and this address. */
function reasonOf(thrown: unknown): string | undefined {
  if (isBlocked(thrown)) return 'does not serve this address';
  return thrown instanceof TributaryError && thrown.code === 'TRB_UNKNOWN_SYMBOL'
    ? 'lists nothing that was asked for'
    : undefined;
}
