/**
 * Warm-up: a cold start that folds no more than the declared warm-up gives the value of a long history, to 1e-6. The ticks must have a
 * trade of each instrument in every minute: before its first trade there is nothing that a cold start could know.
 */
import { type FeatureVector } from '../../wire/tributary/v1/features.ts';
import { type Tick } from '../../wire/tributary/v1/market.ts';
import { COLUMNS } from '../catalogue.ts';
import { type Column } from '../declaration.ts';
import { createFold, foldTick } from '../fold.ts';
import { foldAll } from './lane.ts';

const TOLERANCE = 1e-6;
/** What is smaller than this is nothing but rounding. */
const SMALLEST = 1e-9;
const MINUTE = 60_000;

export interface WarmUpOptions {
  /** Where a cold start may begin, at or before t; NaN = nowhere. Default: at t. */
  readonly startAt?: (t: number) => number;
  /** Judge a column only where the long history had it in every vector since the cold start. Default false. */
  readonly isPresentAllAlong?: boolean;
}

export interface WarmUp {
  readonly problems: readonly string[];
  /** Columns that were compared on a value. */
  readonly compared: ReadonlySet<string>;
}

/** Compares the last `minutes` vectors of every target with those of cold starts; for those of `columns` that are warm within the ticks. */
export function checkWarmUp(
  ticks: readonly Tick[],
  minutes: number,
  columns: readonly Column[],
  long: readonly FeatureVector[] = foldAll(ticks),
  { startAt = (t) => t, isPresentAllAlong = false }: WarmUpOptions = {},
): WarmUp {
  const judged = new Set(columns);
  const end = long.at(-1)!.t;
  const begin = long[0]!.t;
  const deviations = deviationsOf(long);
  const compared = new Set<string>();
  const problems = new Map<string, string>();
  const wanted = new Map(long.filter(({ t }) => t > end - minutes * MINUTE).map((vector) => [keyOf(vector), vector]));
  for (const warmup of new Set(columns.map(({ warmupMinutes }) => warmupMinutes))) {
    const cut = startAt(end - (minutes - 1 + warmup) * MINUTE);
    if (!(cut > begin)) continue;
    const missing = isPresentAllAlong ? missingSince(long, cut) : new Map<string, Uint8Array>();
    for (const vector of foldFrom(ticks, cut)) {
      const truth = wanted.get(keyOf(vector));
      if (truth === undefined) continue;
      COLUMNS.forEach((declared, column) => {
        if (declared.warmupMinutes !== warmup || !judged.has(declared)) return;
        if (missing.get(instrumentOf(vector))?.[column] === 1) return;
        const { name } = declared;
        const expected = truth.values[column]!;
        const value = vector.values[column]!;
        if (!Number.isNaN(expected)) compared.add(name);
        const allowed = TOLERANCE * Math.max(Math.abs(expected), deviations[column]!, SMALLEST);
        if (Object.is(expected, value) || Math.abs(expected - value) <= allowed) return;
        if (!problems.has(name))
          problems.set(name, `${name}: ${value} after ${warmup} minutes, ${expected} after a long history`);
      });
    }
  }
  return { problems: [...problems.values()], compared };
}

/** By instrument, 1 for each column that was missing in a vector after `cut`. */
function missingSince(long: readonly FeatureVector[], cut: number): ReadonlyMap<string, Uint8Array> {
  const missing = new Map<string, Uint8Array>();
  for (const vector of long) {
    if (vector.t <= cut) continue;
    const key = instrumentOf(vector);
    const columns = missing.get(key) ?? new Uint8Array(COLUMNS.length);
    missing.set(key, columns);
    for (let i = 0; i < columns.length; i++) if (Number.isNaN(vector.values[i])) columns[i] = 1;
  }
  return missing;
}

/** A cold start: the first event folded is the first after the clock of `cut`. */
function foldFrom(ticks: readonly Tick[], cut: number): readonly FeatureVector[] {
  const vectors: FeatureVector[] = [];
  const state = createFold();
  let isOn = false;
  ticks.forEach((tick, offset) => {
    if (isOn) foldTick(state, tick, offset, (vector) => vectors.push(vector));
    else isOn = tick.event?.$case === 'clock' && tick.event.value.t >= cut;
  });
  return vectors;
}

/** How much each column varies: what a difference is small against. */
function deviationsOf(vectors: readonly FeatureVector[]): Float64Array {
  return Float64Array.from(COLUMNS, (_, column) => {
    const values = vectors.map((vector) => vector.values[column]!).filter((value) => !Number.isNaN(value));
    const middle = values.reduce((sum, value) => sum + value, 0) / values.length;
    return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length) || 0;
  });
}

function instrumentOf({ venue, instrument }: FeatureVector): string {
  return `${venue}:${instrument}`;
}

function keyOf(vector: FeatureVector): string {
  return `${instrumentOf(vector)}:${vector.t}`;
}
