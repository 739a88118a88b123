import { Direction, type Signal } from '../wire/tributary/v1/signals.ts';

/** Which decisions a caller wants; an empty list = all. */
export interface SignalFilter {
  readonly instruments: readonly string[];
  readonly venues: readonly string[];
  readonly horizons: readonly string[];
  readonly includeAbstentions: boolean;
}

export function passing(filter: SignalFilter): (signal: Signal) => boolean {
  const [instruments, venues, horizons] = [filter.instruments, filter.venues, filter.horizons].map((names) => new Set(names));
  const passes = (names: ReadonlySet<string>, name: string): boolean => names.size === 0 || names.has(name);
  return (signal) =>
    (filter.includeAbstentions || signal.direction !== Direction.DIRECTION_ABSTAIN) &&
    passes(instruments!, signal.instrument) &&
    passes(venues!, signal.venue) &&
    passes(horizons!, signal.horizon);
}
