/** Integer ticks and units as decimal text, and times as the venues write them. */

/** Bound once: in the loops below a look-up through the global object would cost more than the arithmetic. */
const { floor } = Math;

/** `12345` at 2 digits = "123.45": every digit kept. */
export function fixed(value: number, digits: number): string {
  if (digits === 0) return String(value);
  const text = String(Math.abs(value)).padStart(digits + 1, '0');
  const cut = text.length - digits;
  return `${value < 0 ? '-' : ''}${text.slice(0, cut)}.${text.slice(cut)}`;
}

/** The same without trailing zeros, and without a point where nothing follows it. */
export function trimmed(value: number, digits: number): string {
  const text = fixed(value, digits);
  if (digits === 0) return text;
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end--;
  return text.slice(0, text.charCodeAt(end - 1) === 46 ? end - 1 : end);
}

/** RFC 3339 in UTC with six digits, from µs since the epoch. */
export function isoMicros(micros: number): string {
  const millis = floor(micros / 1000);
  return `${new Date(millis).toISOString().slice(0, -1)}${String(micros - millis * 1000).padStart(3, '0')}Z`;
}
