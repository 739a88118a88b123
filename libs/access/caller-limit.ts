/** How often one caller may ask: the generic cell rate algorithm for each, of the newest callers only, so that strangers cannot fill the memory. */
export interface CallerLimit {
  /** False = the caller has had its share for now. `now` in milliseconds. */
  admits(caller: string, now: number): boolean;
}

const MOST_CALLERS = 10_000;

export function createCallerLimit({
  ratePerSecond,
  burst,
}: {
  readonly ratePerSecond: number;
  readonly burst: number;
}): CallerLimit {
  const interval = 1000 / ratePerSecond;
  /** When each has used up nothing any more, milliseconds; in the order of their last call. */
  const full = new Map<string, number>();
  return {
    admits(caller, now) {
      const next = Math.max(full.get(caller) ?? 0, now) + interval;
      if (next - now > burst * interval) return false;
      full.delete(caller);
      full.set(caller, next);
      if (full.size > MOST_CALLERS) full.delete(full.keys().next().value!);
      return true;
    },
  };
}
