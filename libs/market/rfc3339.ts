/** Time stamps of exchanges, without losing the microseconds that Date drops. */

/**
 * Microseconds since the Unix epoch of a UTC stamp such as `2026-08-12T19:27:48.364886251Z`; finer digits are cut off. 0 when it is no
 * such stamp or lies before 2000 (Coinbase has sent `0001-01-01T00:00:00.000000Z`).
 */
export function parseRfc3339Micros(text: unknown): number {
  if (typeof text !== 'string' || text.length < 20 || text.length > 40 || !text.endsWith('Z')) return 0;
  const seconds = Date.parse(`${text.slice(0, 19)}Z`);
  if (!(seconds >= FIRST_KNOWN)) return 0;
  const fraction = text.length === 20 ? 0 : Number(`0${text.slice(19, -1)}`);
  return Number.isNaN(fraction) || fraction >= 1 ? 0 : seconds * 1000 + Math.floor(Number((fraction * 1e6).toFixed(3)));
}

const FIRST_KNOWN = Date.UTC(2000, 0, 1);
