import { type Feed } from './state.ts';

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

const HEARTBEAT_LIMIT = 3_000;
const SKEW_LIMIT = 250;
const MINUTE = 60_000;

/** A feed that has had heartbeats and has none now; history has none and is not silent for it. `clock` in milliseconds. */
export function isSilent(feed: Feed, clock: number): boolean {
  return clock - feed.heartbeatAt > HEARTBEAT_LIMIT;
}

/** What the state of its feed says of a vector of t, made at `clock`; milliseconds. */
export function feedBits(feed: Feed, clock: number, t: number): number {
  let bits = 0;
  if (isSilent(feed, clock)) bits |= QUALITY.STALE_FEED;
  if (!feed.isHealthy) bits |= QUALITY.UNHEALTHY;
  if (t - feed.gapAt < MINUTE) bits |= QUALITY.GAP;
  if (!feed.isTradable) bits |= QUALITY.NOT_TRADABLE;
  if (Math.abs(feed.skew) > SKEW_LIMIT) bits |= QUALITY.CLOCK_SKEW;
  return bits;
}
