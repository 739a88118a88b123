/**
 * Which decisions a challenger serves while it is rolled out: those whose (instrument, band of its confidence) a hash puts into its share. So a
 * decision at one moment is the same at every venue, a larger share holds every smaller one, and two symbols are enough for five per cent.
 */
import { createRandom, seedFor } from '../models/random.ts';

/** Width of a band of confidence: narrow enough that a share of the bands is about that share of the decisions. */
const BAND = 0.0025;

/** `share`: 0..1. Another bundle has other bands. */
export function isServed(bundleId: string, instrument: string, confidence: number, share: number): boolean {
  if (share <= 0) return false;
  const band = Math.floor(confidence / BAND);
  // A hash alone would put neighbouring bands next to each other.
  return createRandom(seedFor(band, `${bundleId} ${instrument}`)).next() < share;
}
