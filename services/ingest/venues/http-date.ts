/** The time of a venue that tells it nowhere but in the Date header of its answers, whole seconds (RFC 9110, 6.6.1). */
import { TributaryError } from '#libs/errors/errors.ts';
import { venueBlocked } from './blocked.ts';

const TIMEOUT_MS = 8_000;

/** Microseconds: the second that was told. Errors: `TRB_HTTP_UNAVAILABLE`, `TRB_VENUE_BLOCKED`. */
export async function fetchDate(url: string, signal: AbortSignal): Promise<number> {
  const { headers, status } = await fetch(url, {
    method: 'HEAD',
    redirect: 'manual',
    headers: { 'user-agent': 'tributary/0.1' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  }).catch((cause: unknown) => {
    throw new TributaryError('TRB_HTTP_UNAVAILABLE', `${new URL(url).host} does not answer.`, { canRetry: true, cause });
  });
  if (status === 403 || status === 451) throw venueBlocked(url, status);
  const millis = Date.parse(headers.get('date') ?? '');
  if (!Number.isNaN(millis)) return millis * 1000;
  throw new TributaryError('TRB_HTTP_SHAPE', `${new URL(url).host} does not tell the time.`);
}
