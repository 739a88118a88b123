/** How far our clock is from the venues' own, as the clock's writer needs it. */
import { type ServiceContext } from '#libs/service/service.ts';
import { type ClockSkew, watchVenueClock } from '#services/ingest/venue-clock.ts';
import { findVenue, type VenueEndpoints } from '#services/ingest/venues/registry.ts';

/**
 * Measures each venue's clock now and every hour until `signal` aborts. The function returned tells by how much ours is off for sure,
 * microseconds (venue's minus ours), after the most certain venue; undefined before the first answer.
 */
export function watchVenueSkew(
  venues: Readonly<Record<string, VenueEndpoints | undefined>>,
  { clock, logger }: Pick<ServiceContext, 'clock' | 'logger'>,
  signal: AbortSignal,
): () => number | undefined {
  const measured = new Map<string, ClockSkew>();
  for (const [id, endpoints] of Object.entries(venues)) {
    const venue = findVenue(id);
    const rest = venue.createRest({ baseUrl: (endpoints ?? venue.endpoints).rest, clock, logger });
    // It retries by itself and ends with the signal.
    void watchVenueClock({ venue: id, rest, clock, logger, measured: (skew) => void measured.set(id, skew) }, signal).catch(
      () => undefined,
    );
  }
  return () => {
    const [best] = [...measured.values()].sort((a, b) => a.uncertainty - b.uncertainty);
    return best === undefined ? undefined : Math.sign(best.skew) * Math.max(0, Math.abs(best.skew) - best.uncertainty);
  };
}
