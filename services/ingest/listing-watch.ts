/** Asks REST now and then what a venue says of each instrument, where the feed does not tell: halts, delistings, other decimals. */
import { type WallClock } from '#libs/clock/clock.ts';
import { describeError } from '#libs/errors/errors.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { type InstrumentStream } from './instrument-stream.ts';
import { type VenueRest } from './venues/venue.ts';

export const LISTING_PAUSE_MS = 300_000;

export interface ListingWatchOptions {
  readonly rest: VenueRest;
  readonly streams: Iterable<InstrumentStream>;
  readonly clock: WallClock;
  readonly logger: Logger;
}

/** Until `signal` aborts; the first question comes after one pause: the start has asked already. */
export async function watchListings({ rest, streams, clock, logger }: ListingWatchOptions, signal: AbortSignal): Promise<void> {
  const isOver = () => signal.aborted;
  for (;;) {
    await clock.sleep(LISTING_PAUSE_MS, signal);
    for (const stream of streams) {
      if (isOver()) return;
      const instrument = stream.instrument.name;
      try {
        const listing = await rest.listing(instrument, signal);
        if (listing === undefined) stream.onDelisted(clock.nowMicros());
        else stream.onListing(listing, clock.nowMicros());
      } catch (error) {
        if (!isOver()) logger.warn({ instrument }, `what it lists could not be asked: ${describeError(error)}`);
      }
    }
    if (isOver()) return;
  }
}
