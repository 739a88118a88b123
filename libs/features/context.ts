/**
 * Context values: what sources outside the venues publish (market capitalisation, funding, fear and greed, macro series…). They come as
 * reference events with `valid_for` above 0, stand in every partition, and take effect at the first clock at or after their effective_t.
 *
 * A series keeps what it said of earlier periods, thinned: the newest observation, the first of each UTC hour of the last 26 hours, the
 * first of each UTC day of the last 40 days. A revision (same period, higher seq) takes the place of what it revises from its own
 * effective_t on; vectors made before keep the old value.
 */
import { type Reference } from '../wire/tributary/v1/market.ts';

export interface ContextSeries {
  readonly source: string;
  readonly series: string;
  lastSeq: number;
  /** Received, not yet in effect; by effective_t. */
  pending: Observation[];
  /** In effect, thinned; by period, oldest first. */
  observations: Observation[];
}

export interface Observation {
  value: number;
  /** End of the period that the value describes, milliseconds. */
  observedAt: number;
  /** When it took effect and until when it may serve, milliseconds. */
  effectiveT: number;
  validUntil: number;
}

/** By `source:series`, for instance `coingecko:market_cap.BTC`. */
export type ContextBook = Map<string, ContextSeries>;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const HOURLY_KEPT = 26 * HOUR;
const DAILY_KEPT = 40 * DAY;

/** Whether the event is a context value; else it is a rate or price (references.ts). */
export function isContext({ validFor }: Reference): boolean {
  return validFor > 0;
}

/** Takes a context value; false = repeat or nonsense, dropped. */
export function acceptContext(book: ContextBook, reference: Reference): boolean {
  const { source, series, seq, value, effectiveT, validFor } = reference;
  if (!Number.isFinite(value) || !(effectiveT > 0)) return false;
  const key = `${source}:${series}`;
  let entry = book.get(key);
  if (entry === undefined) {
    entry = { source, series, lastSeq: -Infinity, pending: [], observations: [] };
    book.set(key, entry);
  }
  if (seq <= entry.lastSeq) return false;
  entry.lastSeq = seq;
  const observedAt = reference.observedAt > 0 ? reference.observedAt : reference.publishedAt / 1000;
  const { pending } = entry;
  let place = pending.length;
  while (place > 0 && pending[place - 1]!.effectiveT > effectiveT) place--;
  pending.splice(place, 0, { value, observedAt, effectiveT, validUntil: effectiveT + validFor });
  return true;
}

/** Puts what is due at the clock of t into effect. */
export function applyContext(book: ContextBook, t: number): void {
  for (const entry of book.values()) {
    const { pending } = entry;
    let due = 0;
    while (due < pending.length && pending[due]!.effectiveT <= t) enter(entry, pending[due++]!);
    if (due > 0) pending.splice(0, due);
  }
}

function enter(entry: ContextSeries, observation: Observation): void {
  const { observations } = entry;
  let place = observations.length;
  while (place > 0 && observations[place - 1]!.observedAt > observation.observedAt) place--;
  const isRevision = place > 0 && observations[place - 1]!.observedAt === observation.observedAt;
  if (isRevision) observations[place - 1] = observation;
  else observations.splice(place, 0, observation);
  thin(entry);
}

function thin(entry: ContextSeries): void {
  const { observations } = entry;
  const newest = observations.at(-1)!.observedAt;
  let kept = 0;
  let before = -Infinity;
  for (const observation of observations) {
    const { observedAt } = observation;
    const age = newest - observedAt;
    const isFirstOfDay = Math.floor(observedAt / DAY) !== Math.floor(before / DAY) && age <= DAILY_KEPT;
    const isFirstOfHour = Math.floor(observedAt / HOUR) !== Math.floor(before / HOUR) && age <= HOURLY_KEPT;
    before = observedAt;
    if (age === 0 || isFirstOfDay || isFirstOfHour) observations[kept++] = observation;
  }
  observations.length = kept;
}

/** The newest value of `source:series` that may serve at t; NaN = none. */
export function contextValue(book: ContextBook, key: string, t: number): number {
  return newestAt(book, key, t)?.value ?? NaN;
}

/** The newest observation that may serve at t. */
export function newestAt(book: ContextBook, key: string, t: number): Observation | undefined {
  const newest = book.get(key)?.observations.at(-1);
  return newest !== undefined && t <= newest.validUntil ? newest : undefined;
}

/**
 * The value of the period `ms` before the newest one: the last kept observation at or before it, at most a quarter of `ms` (at least a
 * day where `ms` is a day or more) older; NaN = none, or the newest may serve no more. `ms` up to 35 days; below a day in whole hours.
 */
export function contextBefore(book: ContextBook, key: string, ms: number, t: number): number {
  const newest = newestAt(book, key, t);
  if (newest === undefined) return NaN;
  const { observations } = book.get(key)!;
  const wanted = newest.observedAt - ms;
  const slack = Math.max(ms / 4, ms >= DAY ? DAY : HOUR);
  for (let i = observations.length - 1; i >= 0; i--) {
    const { observedAt, value } = observations[i]!;
    if (observedAt <= wanted) return wanted - observedAt <= slack ? value : NaN;
  }
  return NaN;
}

/** Whether a series that has had a value has none that may serve at t, and the age of the oldest that may (ms; -1 = none). */
export function contextHealth(book: ContextBook, t: number): { readonly isOld: boolean; readonly age: number } {
  let isOld = false;
  let age = -1;
  for (const { observations } of book.values()) {
    const newest = observations.at(-1);
    if (newest === undefined) continue;
    if (t > newest.validUntil) isOld = true;
    else age = Math.max(age, t - newest.effectiveT);
  }
  return { isOld, age };
}
