/**
 * Values every partition needs: conversion rates, reference prices. A value takes effect at the first clock at or after its
 * effective_t, whatever its place between two clocks, so features of references are the same in every partition.
 */
import { type Reference } from '../wire/tributary/v1/market.ts';
import { createTrail, extend, type Trail } from './trail.ts';

export interface ReferenceSeries {
  readonly source: string;
  readonly series: string;
  lastSeq: number;
  /** Value in effect; NaN = none yet. */
  value: number;
  /** effective_t of the value in effect, milliseconds. */
  since: number;
  /** How long a value of this series may serve, milliseconds. */
  maxAge: number;
  /** Received, not yet in effect; by effective_t. */
  pending: { effectiveT: number; value: number }[];
  /** Log value by minute. */
  readonly trail: Trail;
}

export type ReferenceBook = Map<string, ReferenceSeries>;

const RATE_MAX_AGE = 60_000;
/** A rate further than this from one is no peg: ln, 50 bps. */
const DEPEG = 0.005;

/** Takes a reference event; false = repeat or nonsense, dropped. */
export function acceptReference(book: ReferenceBook, reference: Reference): boolean {
  const { source, series, seq, value, effectiveT } = reference;
  if (!(value > 0 && value < 1e9)) return false;
  const key = `${source}:${series}`;
  let entry = book.get(key);
  if (entry === undefined) {
    entry = {
      source,
      series,
      lastSeq: -Infinity,
      value: NaN,
      since: NaN,
      maxAge: RATE_MAX_AGE,
      pending: [],
      trail: createTrail(),
    };
    book.set(key, entry);
  }
  if (seq <= entry.lastSeq) return false;
  entry.lastSeq = seq;
  const { pending } = entry;
  let place = pending.length;
  while (place > 0 && pending[place - 1]!.effectiveT > effectiveT) place--;
  pending.splice(place, 0, { effectiveT, value });
  return true;
}

/** Puts what is due at the clock of t into effect. */
export function applyReferences(book: ReferenceBook, t: number): void {
  for (const entry of book.values()) {
    const { pending } = entry;
    let due = 0;
    while (due < pending.length && pending[due]!.effectiveT <= t) {
      const { effectiveT, value } = pending[due]!;
      // A series that comes once a minute (candles) may miss two; one that comes every second may be a minute old.
      const interval = Math.min(effectiveT - entry.since, RATE_MAX_AGE);
      entry.maxAge = Math.max(RATE_MAX_AGE, 3 * (Number.isNaN(interval) ? RATE_MAX_AGE : interval));
      entry.value = value;
      entry.since = effectiveT;
      due++;
    }
    if (due > 0) pending.splice(0, due);
  }
}

/** Ends a minute: each series' log value enters its trail. */
export function trailReferences(book: ReferenceBook): void {
  for (const entry of book.values()) extend(entry.trail, Math.log(entry.value));
}

/** Whether the value in effect is recent enough at t to be used. */
export function isFresh(entry: ReferenceSeries, t: number): boolean {
  return t - entry.since <= entry.maxAge;
}

/** The first of `sources` with a fresh value; else the one with the newest; undefined = none has any. */
export function preferred(
  book: ReferenceBook,
  sources: readonly string[],
  series: string,
  t: number,
): ReferenceSeries | undefined {
  let newest: ReferenceSeries | undefined;
  for (const source of sources) {
    const entry = book.get(`${source}:${series}`);
    if (entry === undefined || Number.isNaN(entry.value)) continue;
    if (isFresh(entry, t)) return entry;
    if (newest === undefined || entry.since > newest.since) newest = entry;
  }
  return newest;
}

export interface Conversion {
  /** ln(US dollars per unit); NaN = not known. */
  rate: number;
  old: boolean;
  depegged: boolean;
  /** Whether `rate` makes dollars. False of a quote currency without a rate: prices are in their own currency, their level says nothing. */
  isDollars: boolean;
}

const RATE_SOURCES: Readonly<Record<string, readonly string[]>> = {
  USDT: ['coinbase', 'kraken', 'bitstamp', 'gemini'],
  USDC: ['kraken', 'coinbase', 'bitstamp', 'gemini'],
};
const EURO_SOURCES = ['kraken', 'bitstamp', 'coinbase'];
/** Where the euro is quoted against a stablecoin only. */
const EURO_CROSSES = [
  { source: 'coinbase', series: 'USDT-EUR', sign: -1 },
  { source: 'binance', series: 'EUR-USDT', sign: 1 },
] as const;

/** How the quote currency converts to dollars at t. */
export function conversion(book: ReferenceBook, quote: string, t: number): Conversion {
  if (quote === 'USD') return { rate: 0, old: false, depegged: false, isDollars: true };
  if (quote === 'EUR') return euroConversion(book, t);
  const sources = RATE_SOURCES[quote];
  if (sources === undefined) return { rate: 0, old: false, depegged: false, isDollars: false };
  const entry = preferred(book, sources, `${quote}-USD`, t);
  if (entry === undefined) return { rate: NaN, old: true, depegged: false, isDollars: true };
  const rate = Math.log(entry.value);
  return { rate, old: !isFresh(entry, t), depegged: Math.abs(rate) > DEPEG, isDollars: true };
}

/**
 * By the live EUR-USD rate, else through a stablecoin, whose de-peg masks it too. History that quotes no euro rate at all is converted at a
 * constant one, which no deviation from a trailing mean sees.
 */
function euroConversion(book: ReferenceBook, t: number): Conversion {
  const direct = preferred(book, EURO_SOURCES, 'EUR-USD', t);
  if (direct !== undefined && isFresh(direct, t)) {
    return { rate: Math.log(direct.value), old: false, depegged: false, isDollars: true };
  }
  const tether = conversion(book, 'USDT', t);
  let isQuoted = direct !== undefined;
  for (const { source, series, sign } of EURO_CROSSES) {
    const cross = book.get(`${source}:${series}`);
    if (cross === undefined || Number.isNaN(cross.value)) continue;
    isQuoted = true;
    if (isFresh(cross, t) && !tether.old) return { ...tether, rate: sign * Math.log(cross.value) + tether.rate };
  }
  return isQuoted
    ? { rate: NaN, old: true, depegged: false, isDollars: true }
    : { rate: 0, old: false, depegged: false, isDollars: false };
}
