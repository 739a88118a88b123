/** Whether the venues can be reached at all. */
import { TributaryError } from '#libs/errors/errors.ts';
import { probeVenue, type VenueState } from '#services/ingest/venues/registry.ts';

/** How long the venues have to answer before the simulator takes their place. */
const PROBE_MS = 10_000;

export async function answeringVenues(
  names: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly answering: string[]; readonly silent: string[]; readonly blocked: string[] }> {
  const states = await Promise.all(names.map((venue) => probeVenue(venue, { timeoutMs: PROBE_MS, signal })));
  const that = (state: VenueState): string[] => names.filter((_name, i) => states[i] === state);
  return { answering: that('answers'), silent: that('silent'), blocked: that('blocked') };
}

/** `blocked`: venues that answered, and do not serve this address. */
export function noVenue(blocked: readonly string[]): TributaryError {
  const known = blocked.length === 0 ? '' : ` ${blocked.join(', ')}: not served at this address (403 or 451).`;
  return new TributaryError('TRB_NO_VENUE', `No venue answered within ${PROBE_MS / 1000} s.${known}`, {
    hint: 'Check the network, or run on simulated data with --source sim.',
    canRetry: true,
  });
}
