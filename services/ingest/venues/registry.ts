/** Every venue there is: a new one adds its folder and its line here. */
import { systemClock } from '#libs/clock/clock.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { coinbase } from './coinbase/feed.ts';
import { kraken } from './kraken/feed.ts';
import { type Venue, type VenueEndpoints } from './venue.ts';

export type { VenueEndpoints } from './venue.ts';

export const VENUES: Readonly<Record<string, Venue>> = {
  coinbase,
  kraken,
};

/** Throws `TRB_UNKNOWN_VENUE`. */
export function findVenue(id: string): Venue {
  const venue = Object.hasOwn(VENUES, id) ? VENUES[id] : undefined;
  if (venue !== undefined) return venue;
  throw new TributaryError('TRB_UNKNOWN_VENUE', `"${id}" is no venue.`, {
    hint: `Known are: ${Object.keys(VENUES).join(', ')}.`,
  });
}

export interface ProbeOptions {
  readonly timeoutMs: number;
  readonly endpoints?: VenueEndpoints | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Whether the venue's public REST API tells the time within `timeoutMs`. Never rejects, but for an unknown venue. */
export async function probeVenue(id: string, { timeoutMs, endpoints, signal }: ProbeOptions): Promise<boolean> {
  const venue = findVenue(id);
  const baseUrl = (endpoints ?? venue.endpoints).rest;
  const rest = venue.createRest({ baseUrl, clock: systemClock, timeoutMs, maxRetries: 0 });
  try {
    await rest.time(signal ?? new AbortController().signal);
    return true;
  } catch {
    return false;
  }
}
