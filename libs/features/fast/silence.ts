/** Where the target's newest update is older than the horizon there is no decision: much of what would be foreseen has happened. */

/** Seconds since the target's newest update. */
const AGE = 'fast_age@1';

/** Whether a vector of `columns` that begins at `values[at]` was made within `horizon` (milliseconds) of the target's newest update. */
export function heardWithin(columns: readonly string[]): (values: ArrayLike<number>, horizon: number, at?: number) => boolean {
  const age = columns.indexOf(AGE);
  return (values, horizon, at = 0) => values[at + age]! * 1000 <= horizon;
}
