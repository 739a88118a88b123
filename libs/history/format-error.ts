/** What is wrong with a history file, and where. */
import { TributaryError } from '../errors/errors.ts';

/** `TRB_HISTORY_FORMAT`. `place` is "line 17" or "row 17"; undefined where the whole file is meant. */
export function formatError(
  path: string,
  place: string | undefined,
  what: string,
  hint: string,
  cause?: unknown,
): TributaryError {
  const where = place === undefined ? path : `${path}, ${place}`;
  return new TributaryError('TRB_HISTORY_FORMAT', `${where}: ${what}.`, { hint, cause });
}
