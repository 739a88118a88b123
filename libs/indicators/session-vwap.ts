/** Volume-weighted average price since 00:00 UTC. */
export interface SessionVwapState {
  /** Number of the UTC day that the sums belong to. */
  day: number;
  value: number;
  volume: number;
  /** Whether the day was seen from its first bar on. */
  isWhole: boolean;
}

const DAY = 86_400_000;

export function createSessionVwap(): SessionVwapState {
  return { day: -1, value: 0, volume: 0, isWhole: false };
}

/** `start` of the bar in milliseconds, `value` traded in quote currency, `volume` in base units. */
export function pushSessionVwap(state: SessionVwapState, start: number, value: number, volume: number): void {
  const day = Math.floor(start / DAY);
  const isSame = day === state.day;
  state.day = day;
  state.isWhole = isSame ? state.isWhole : start % DAY === 0;
  state.value = (isSame ? state.value : 0) + value;
  state.volume = (isSame ? state.volume : 0) + volume;
}

/** NaN before the day's first trade, and until the first midnight when it began within a day. */
export function peekSessionVwap(state: SessionVwapState, start: number, value: number, volume: number): number {
  const isSame = Math.floor(start / DAY) === state.day;
  if (isSame ? !state.isWhole : start % DAY !== 0) return NaN;
  const volumes = (isSame ? state.volume : 0) + volume;
  return volumes > 0 ? ((isSame ? state.value : 0) + value) / volumes : NaN;
}
