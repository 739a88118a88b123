/** Bits of FeatureVector.quality: what was wrong when the vector was made. 0 = nothing. */
export const QUALITY = {
  /** No heartbeat of the instrument for 3 s of clock. */
  STALE_FEED: 1 << 0,
  /** The feed calls itself unhealthy. */
  UNHEALTHY: 1 << 1,
  /** A hole in the instrument's feed within the last minute. */
  GAP: 1 << 2,
  /** Halted, in auction, cancel-only or delisted: cannot be traded. */
  NOT_TRADABLE: 1 << 3,
  /** No trade for more than 30 minutes. */
  STALE_PRICE: 1 << 4,
  /** A rate that converts one of the asset's legs is too old; its legs are missing. */
  RATE_OLD: 1 << 5,
  /** A stablecoin is more than 50 bps off; its legs are missing. */
  DEPEG: 1 << 6,
  /** Another instrument of the asset is masked; its columns are missing. */
  LEG_MASKED: 1 << 7,
  /** Less than the longest window of the leg block (360 minutes) has been folded. */
  WARMING: 1 << 8,
  /** Made by a clock 2 s or more after t: the clock had a hole. */
  CLOCK_HOLE: 1 << 9,
  /** Events stamped before the previous vector came after it. */
  LATE_EVENTS: 1 << 10,
  /** The venue's clock is more than 250 ms off ours. */
  CLOCK_SKEW: 1 << 11,
  /** A context series that has had a value has none recent enough; its columns are missing. */
  CONTEXT_OLD: 1 << 12,
} as const;

/** With any of these no decision on the instrument can be sound: inference abstains. */
export const BLOCKING = QUALITY.STALE_FEED | QUALITY.UNHEALTHY | QUALITY.NOT_TRADABLE | QUALITY.STALE_PRICE | QUALITY.CLOCK_HOLE;
