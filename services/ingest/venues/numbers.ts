/** Numbers from frames, which are hostile input until checked. */

/** No price or size of a real venue reaches these; someone does offer one bitcoin at 9,999,999,997 francs on Kraken. */
const LARGEST_PRICE = 1e12;
const LARGEST_SIZE = 1e15;

const DECIMAL = /^\d+(\.\d+)?([eE][-+]?\d{1,2})?$/;

/** A decimal string or a JSON number as a number; NaN for anything else (`"0.-10000"`, `"NaN"`, `""`, `"0x10"`, `"1e999"`). */
export function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.length <= 40 && DECIMAL.test(value) ? Number(value) : NaN;
}

/** Above 0 and of this world, else NaN. */
export function toPrice(value: unknown): number {
  const price = toNumber(value);
  return price > 0 && price < LARGEST_PRICE ? price : NaN;
}

/** 0 or more and of this world, else NaN. */
export function toSize(value: unknown): number {
  const size = toNumber(value);
  return size >= 0 && size < LARGEST_SIZE ? size : NaN;
}

/** A positive safe integer, else NaN. */
export function toId(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : NaN;
}

/** Decimals of a step such as `0.00010000`, `1E-8` or `5`: 4, 8, 0. */
export function decimalsOf(step: number): number {
  for (let decimals = 0; decimals < 15; decimals++) {
    const scaled = step * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 && Math.round(scaled) > 0) return decimals;
  }
  return 15;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
