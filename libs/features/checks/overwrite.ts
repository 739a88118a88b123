/**
 * Future-overwrite: whatever happens after t must not move a vector of t or before. The future is told by the events' own stamps, not by
 * their place in the log, so input that is given too early is found out.
 */
import { type FeatureVector } from '../../wire/tributary/v1/features.ts';
import { Side, type Tick } from '../../wire/tributary/v1/market.ts';
import { isContext } from '../context.ts';
import { foldAll, keyOf, SLOW_LANE } from './lane.ts';

export interface Overwritten {
  /** Columns that moved at or before t, with the first vector where they did. */
  readonly leaks: readonly string[];
  /** Columns that moved after t: what the check can see. */
  readonly moved: ReadonlySet<string>;
}

/** Compares the vectors of the ticks with those they give when everything stamped after `t` (ms) is changed, some of it left out. */
export function overwriteFuture(
  ticks: readonly Tick[],
  t: number,
  truth?: readonly FeatureVector[],
  stamp: (tick: Tick) => number = stampOf,
  lane = SLOW_LANE,
): Overwritten {
  const { columns } = lane;
  const later = ticks.flatMap((tick) => (stamp(tick) <= t ? [tick] : isLeftOut(tick) ? [] : [distorted(tick)]));
  const changed = foldAll(later, lane);
  const leaks = new Map<string, string>();
  const moved = new Set<string>();
  const others = new Map(changed.map((vector) => [keyOf(vector), vector]));
  for (const vector of truth ?? foldAll(ticks, lane)) {
    const other = others.get(keyOf(vector));
    if (other === undefined) {
      if (vector.t <= t) leaks.set('', 'whether there is a vector depends on the future');
      continue;
    }
    for (let column = 0; column < columns.length; column++) {
      if (Object.is(vector.values[column], other.values[column])) continue;
      const name = columns[column]!;
      if (vector.t > t) moved.add(name);
      else if (!leaks.has(name)) leaks.set(name, `${name} at ${new Date(vector.t).toISOString()} knows what came after`);
    }
  }
  return { leaks: [...leaks.values()], moved };
}

/** When the event could be known, milliseconds. Clocks and calendars are no news. */
export function stampOf(tick: Tick): number {
  return tick.event?.$case === 'clock' ? -Infinity : tick.exchangeTime / 1000;
}

/** Four minutes of every eleven without a trade or a rate; one second of every seven, not the same for all, without a quote or a book. */
function isLeftOut({ event, exchangeTime, venue, instrument }: Tick): boolean {
  const isNews = event?.$case === 'trade' || event?.$case === 'candle' || event?.$case === 'reference';
  const isBook = event?.$case === 'quote' || event?.$case === 'book';
  return (
    (isNews && Math.floor(exchangeTime / 60e6) % 11 < 4) ||
    (isBook && (Math.floor(exchangeTime / 1e6) + venue.length + instrument.length) % 7 === 0)
  );
}

/** Another event of the same kind: other prices, other sizes, the other side. */
function distorted(tick: Tick): Tick {
  const { event } = tick;
  const up = 1.01 + 0.01 * Math.sin(tick.exchangeTime / 7e6);
  switch (event?.$case) {
    case 'candle': {
      const { open, high, low, close, volume } = event.value;
      const value = { ...event.value, open: open * up, high: high * up * 1.003, low: low * up, close: close * up * 1.001 };
      return { ...tick, event: { $case: 'candle', value: { ...value, volume: volume * 3 * up } } };
    }
    case 'trade': {
      const { price, size } = event.value;
      const aggressor = event.value.aggressor === Side.SIDE_BUY ? Side.SIDE_SELL : Side.SIDE_BUY;
      return { ...tick, event: { $case: 'trade', value: { ...event.value, price: price * up, size: size * 3 * up, aggressor } } };
    }
    case 'quote': {
      const { bid, ask, bidSize, askSize } = event.value;
      return {
        ...tick,
        event: { $case: 'quote', value: { bid: bid * up, ask: ask * up * 1.0001, bidSize: askSize * up, askSize: bidSize } },
      };
    }
    case 'book': {
      const { bidSizes, askSizes, bidValue10bps, bidValue50bps, orderFlow } = event.value;
      const value = { ...event.value, bidSizes: askSizes.map((size) => size * up), askSizes: bidSizes };
      const values = { bidValue10bps: bidValue10bps * 2 * up, bidValue50bps: bidValue50bps * 2 * up };
      return {
        ...tick,
        event: { $case: 'book', value: { ...value, ...values, orderFlow: orderFlow.map((flow) => -up * flow) } },
      };
    }
    case 'reference': {
      if (isContext(event.value))
        return { ...tick, event: { $case: 'reference', value: { ...event.value, value: event.value.value * up } } };
      // Pegs stay within their 50 bps, or the legs they convert would be missing.
      const isRate = event.value.value < 2;
      const value = event.value.value * (isRate ? 1 + (up - 1) / 10 : up);
      return { ...tick, event: { $case: 'reference', value: { ...event.value, value } } };
    }
    default:
      return tick;
  }
}

export type ShiftedKind = 'candle' | 'trade' | 'quote' | 'book' | 'reference' | 'context';

/** The mistake this check is for: every event of one kind stands in the log, and takes effect, `stepMs` before its time. */
export function givenTooEarly(ticks: readonly Tick[], kind: ShiftedKind, stepMs: number): Tick[] {
  const places = new Float64Array(ticks.length);
  let clock = Infinity;
  for (let i = ticks.length - 1; i >= 0; i--) {
    const { event } = ticks[i]!;
    if (event?.$case === 'clock') clock = event.value.t;
    places[i] = kindOf(ticks[i]!) === kind ? clock - stepMs : clock;
  }
  const isClock = ({ event }: Tick): number => Number(event?.$case === 'clock');
  return ticks
    .map((tick, index) => ({ tick: early(tick, kind, stepMs), index, place: places[index]! }))
    .sort((a, b) => a.place - b.place || isClock(a.tick) - isClock(b.tick) || a.index - b.index)
    .map(({ tick }) => tick);
}

function kindOf({ event }: Tick): string | undefined {
  return event?.$case === 'reference' && isContext(event.value) ? 'context' : event?.$case;
}

function early(tick: Tick, kind: ShiftedKind, stepMs: number): Tick {
  if (kindOf(tick) !== kind) return tick;
  if (tick.event?.$case === 'candle') {
    return { ...tick, event: { $case: 'candle', value: { ...tick.event.value, start: tick.event.value.start - stepMs } } };
  }
  if (tick.event?.$case === 'reference') {
    const { seq, effectiveT } = tick.event.value;
    return { ...tick, event: { $case: 'reference', value: { ...tick.event.value, seq, effectiveT: effectiveT - stepMs } } };
  }
  return tick;
}
