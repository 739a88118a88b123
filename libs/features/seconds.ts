/** A log price by second, for returns over seconds; a price that comes once a minute has none. */

export interface Seconds {
  /** Newest second, milliseconds; NaN = none. */
  second: number;
  /** Seconds in a row up to it. */
  count: number;
  /** ln price by second modulo SIZE. */
  readonly logs: Float64Array;
}

const SIZE = 16;
/** More skipped seconds than this and it begins anew. */
const LONGEST_HOLE = 3_000;

export function createSeconds(): Seconds {
  return { second: NaN, count: 0, logs: new Float64Array(SIZE) };
}

/** Takes the log price at the clock of t; NaN = none, begins anew. Skipped seconds had this one. */
export function advanceSeconds(state: Seconds, t: number, logPrice: number): void {
  if (Number.isNaN(logPrice)) {
    state.count = 0;
    return;
  }
  if (!(t - state.second <= LONGEST_HOLE + 1000)) state.count = 0;
  const step = state.count === 0 ? 1 : Math.max(1, Math.round((t - state.second) / 1000));
  const second = Math.floor(t / 1000);
  for (let i = step - 1; i >= 0; i--) state.logs[(second - i) % SIZE] = logPrice;
  state.count += step;
  state.second = t;
}

/** Log return over `seconds`, below 16, up to the newest second; NaN = not that long. */
export function returnOverSeconds({ second, count, logs }: Seconds, seconds: number): number {
  if (count <= seconds) return NaN;
  const now = Math.floor(second / 1000);
  return logs[now % SIZE]! - logs[(now - seconds) % SIZE]!;
}
