/** Lanes, and the horizons that each decides at. */
export const LANES = ['slow', 'fast'] as const;
/** `slow` decides once a minute, `fast` at quote changes. */
export type Lane = (typeof LANES)[number];

export const HORIZON_MS = {
  '1s': 1_000,
  '2s': 2_000,
  '5s': 5_000,
  '10s': 10_000,
  '1m': 60_000,
  '5m': 300_000,
  '15m': 900_000,
} as const;

export type Horizon = keyof typeof HORIZON_MS;

export const SLOW_HORIZONS: readonly Horizon[] = ['1m', '5m', '15m'];

export const FAST_HORIZONS: readonly Horizon[] = ['1s', '2s', '5s', '10s'];

export const HORIZONS_OF: Readonly<Record<Lane, readonly Horizon[]>> = { slow: SLOW_HORIZONS, fast: FAST_HORIZONS };

export function isHorizon(text: string): text is Horizon {
  return Object.hasOwn(HORIZON_MS, text);
}
