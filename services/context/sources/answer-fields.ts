/** Fields of JSON answers as sources write them, and how values that are not there are left out. */
import { z } from 'zod';
import { type Observation } from './source.ts';

/** A number, or null or absent where there is none. */
export const optionalNumber = z.number().nullish();

/** A number that some APIs write as text. */
export const numeric = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/)
    .transform(Number),
]);

/** An ISO 8601 time with its zone, as milliseconds. */
export const isoTime = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

/** Values by series, all of the same time; those that are not there are left out. */
export function observationsAt(
  times: Omit<Observation, 'series' | 'value'>,
  values: Readonly<Record<string, number | null | undefined>>,
): Observation[] {
  return Object.entries(values).flatMap(([series, value]) =>
    typeof value === 'number' && Number.isFinite(value) ? [{ series, value, ...times }] : [],
  );
}

/** A count whose 0 says that the source no longer has it. */
export function unlessZero(value: number | null | undefined): number | null | undefined {
  return value === 0 ? null : value;
}

/** What history is asked with: it goes on until its reader stops reading. */
export const NEVER = new AbortController().signal;

/** Of `observations`, those that became available in [from, to), in that order. */
export function availableWithin(
  observations: readonly Observation[],
  { from, to }: { readonly from: number; readonly to: number },
): readonly Observation[] {
  return observations
    .filter(({ availableAt = NaN }) => availableAt >= from && availableAt < to)
    .sort((a, b) => a.availableAt! - b.availableAt!);
}
