/**
 * Counter-based randomness: every draw is named by (stream, index, part), so any second of the market can be drawn alone and a
 * restart draws the same. The mixing constants are those of MurmurHash3's finaliser (Appleby, public domain).
 */

/** Bound once: in the loops below a look-up through the global object would cost more than the arithmetic. */
const { exp, imul, log, sqrt } = Math;

/** A stream's key from the seed and a name; 32 bits. */
export function streamKey(seed: number, name: string): number {
  let key = mix(seed | 0, 0x2f1b);
  for (let i = 0; i < name.length; i++) key = mix(key, name.charCodeAt(i));
  return key;
}

/** 32 well-mixed bits of (key, index); signed. */
export function mix(key: number, index: number): number {
  let h = imul(key ^ imul(index + 0x3779, 0x9e3779b1), 0x85ebca6b);
  h ^= h >>> 15;
  h = imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  h = imul(h, 0x7feb352d);
  return h ^ (h >>> 15);
}

/** Uniform in (0, 1). */
export function uniform(key: number, index: number): number {
  return ((mix(key, index) >>> 0) + 0.5) / 4_294_967_296;
}

/** Standard normal, by table: 4,096 equally likely values, so at most 3.67 standard deviations. */
export function normal(key: number, index: number): number {
  return QUANTILES[mix(key, index) >>> 20]!;
}

/** Poisson count of mean `mean` by inversion; meant for means below about 50. */
export function poisson(key: number, index: number, mean: number): number {
  let left = uniform(key, index);
  let probability = exp(-mean);
  let count = 0;
  while (left > probability && count < 1000) {
    left -= probability;
    count++;
    probability *= mean / count;
  }
  return count;
}

const QUANTILES = Float64Array.from({ length: 4096 }, (_, i) => inverseNormal((i + 0.5) / 4096));

/** Acklam's rational approximation of the normal quantile (relative error below 1.2e-9). */
function inverseNormal(p: number): number {
  if (p > 0.5) return -inverseNormal(1 - p);
  if (p < 0.02425) {
    const q = sqrt(-2 * log(p));
    const c = [
      -7.784894002430293e-3, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783,
    ];
    const d = [7.784695709041462e-3, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
    return horner(c, q) / horner(d, q);
  }
  const q = p - 0.5;
  const a = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
  return (horner(a, q * q) * q) / horner(b, q * q);
}

function horner(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (const coefficient of coefficients) sum = sum * x + coefficient;
  return sum;
}
