/** Whether the venues can be reached at all. */
import { TributaryError } from '#libs/errors/errors.ts';
import { probeVenue } from '#services/ingest/venues/registry.ts';

/** How long the venues have to answer before the simulator takes their place. */
const PROBE_MS = 10_000;

export async function answeringVenues(
  names: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly answering: string[]; readonly silent: string[] }> {
  const states = await Promise.all(names.map((venue) => probeVenue(venue, { timeoutMs: PROBE_MS, signal })));
  return {
    answering: names.filter((_name, i) => states[i] === 'answers'),
    silent: names.filter((_name, i) => states[i] === 'silent'),
  };
}

export function noVenue(): TributaryError {
  return new TributaryError('TRB_NO_VENUE', `No venue answered within ${PROBE_MS / 1000} s.`, {
    hint: 'Check the network, or run on simulated data with --source sim.',
    canRetry: true,
  });
}
