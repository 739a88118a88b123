/** A venue that does not serve this address, by country or by choice: nothing that trying again could mend. */
import { TributaryError } from '#libs/errors/errors.ts';

export function venueBlocked(url: string, status: number): TributaryError {
  return new TributaryError('TRB_VENUE_BLOCKED', `${new URL(url).host} does not serve this address: HTTP ${status}.`, {
    hint: 'The venue may not be offered in this country; leave it out with --venues.',
  });
}

/** Whether an error means that: of REST or of the socket. */
export function isBlocked(thrown: unknown): thrown is TributaryError {
  return thrown instanceof TributaryError && (thrown.code === 'TRB_VENUE_BLOCKED' || thrown.code === 'TRB_HTTP_FORBIDDEN');
}
