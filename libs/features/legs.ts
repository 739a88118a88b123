/**
 * Legs: what every venue and quote currency of an asset says about its price. Kept for each instrument, once a minute; the asset's
 * vectors share them. Trailing definitions after a reference model that is fed from candles alone.
 */
import { conversion, type Conversion, type ReferenceBook } from './references.ts';
import { clear, createRolling, deviation, mean, push, type Rolling } from './rolling.ts';
import { type AssetState, type InstrumentState } from './state.ts';
import { createTrail, extend, type Trail } from './trail.ts';

export const SPREAD_MINUTES = [10, 60, 360] as const;
const SPREAD_LEAST = 5;
/** A leg without a trade for longer is no part of the consensus and its price columns are missing, minutes. */
export const LEG_STALE_MINUTES = 30;

export interface Leg {
  /** Price in its own quote currency. */
  readonly trail: Trail;
  /** ln of its price in dollars (in its own currency where nothing converts it: Conversion.isDollars); NaN = none. */
  dollars: number;
  /** ln(1 + traded value / 25) by minute, 120 of them. */
  readonly volume: Rolling;
  /** Base volume by minute, 60 of them. */
  readonly hour: Rolling;
  /** Spread to the consensus, by width of SPREAD_MINUTES. */
  readonly spreads: readonly Rolling[];
  /** Spread to the consensus now; NaN = none. */
  spread: number;
  volumeZ: number;
  /** Its price may be used: traded lately, feed alive. */
  isRecent: boolean;
  /** So may its price in dollars: conversion sound as well. */
  isLive: boolean;
  /** How its quote currency converted. */
  readonly conversion: Conversion;
}

export function createLeg(): Leg {
  return {
    trail: createTrail(),
    dollars: NaN,
    volume: createRolling(120),
    hour: createRolling(60),
    spreads: SPREAD_MINUTES.map((width) => createRolling(width)),
    spread: NaN,
    volumeZ: NaN,
    isRecent: false,
    isLive: false,
    conversion: { rate: NaN, old: false, depegged: false, isDollars: false },
  };
}

/** Takes the minute that was just closed into the leg. */
export function advanceLeg(instrument: InstrumentState, references: ReferenceBook, t: number): void {
  const { leg, minute } = instrument;
  const wasDollars = leg.conversion.isDollars;
  Object.assign(leg.conversion, conversion(references, instrument.quote, t));
  // A euro rate that was never quoted before: what the windows hold is in another currency.
  if (leg.conversion.isDollars !== wasDollars) leg.spreads.forEach(clear);
  if (Number.isNaN(minute.close)) return;
  const price = Math.log(minute.close);
  extend(leg.trail, price);
  leg.dollars = price + leg.conversion.rate;
  const volume = Math.log1p(minute.quoteVolume / 25);
  push(leg.volume, volume);
  leg.volumeZ = (volume - mean(leg.volume, 30)) / (deviation(leg.volume, 30) + 1e-3);
  push(leg.hour, minute.volume);
  leg.isRecent = !instrument.feed.isMasked && instrument.stale <= LEG_STALE_MINUTES;
  leg.isLive = leg.isRecent && !leg.conversion.old && !leg.conversion.depegged;
}

/** Lead, consensus and spreads of an asset whose legs have all been advanced. */
export function advanceConsensus(asset: AssetState): void {
  asset.lead = findLead(asset.instruments);
  let sum = 0;
  let count = 0;
  let weighted = 0;
  let weight = 0;
  for (const { leg, quote } of asset.instruments) {
    if (!leg.isLive || !isDollar(quote)) continue;
    const price = leg.dollars;
    sum += price;
    count++;
    const volume = Math.max(leg.hour.sum, 0);
    weighted += volume * price;
    weight += volume;
  }
  asset.consensus = count === 0 ? NaN : sum / count;
  asset.fair = weight > 0 ? weighted / weight : asset.consensus;
  for (const { leg } of asset.instruments) {
    leg.spread = leg.isLive ? leg.dollars - asset.consensus : NaN;
    if (Number.isNaN(leg.spread)) continue;
    for (const window of leg.spreads) push(window, leg.spread);
  }
}

/** Quoted in dollars or in what stands for them: part of the consensus. A euro leg, converted, is measured against it and no part. */
export function isDollar(quote: string): boolean {
  return quote === 'USD' || quote === 'USDT' || quote === 'USDC';
}

/** The spread less its trailing mean over SPREAD_MINUTES[index]; NaN = no spread or too few. */
export function spreadFromMean(leg: Leg, index: number): number {
  return leg.spread - mean(leg.spreads[index]!, SPREAD_LEAST);
}

/** (2 close - high - low) / (high - low), 0 if flat. */
export function closeLocation(high: number, low: number, close: number): number {
  return high > low ? (2 * close - high - low) / (high - low) : 0;
}

const LEAD_VENUES = ['coinbase', 'kraken', 'binanceus', 'cryptocom', 'bitstamp', 'gemini'];

function findLead(instruments: readonly InstrumentState[]): InstrumentState | undefined {
  let best: InstrumentState | undefined;
  let bestRank = Infinity;
  for (const instrument of instruments) {
    if (instrument.quote !== 'USD' || !instrument.leg.isLive || Number.isNaN(instrument.leg.trail.scale)) continue;
    const place = LEAD_VENUES.indexOf(instrument.venue);
    const rank = place < 0 ? LEAD_VENUES.length : place;
    if (rank < bestRank) {
      best = instrument;
      bestRank = rank;
    }
  }
  return best;
}
