/** The mirror check: vectors of a market and of its mirror image are mirror images of each other (../mirror.ts). */
import { Side, type Tick } from '../../wire/tributary/v1/market.ts';
import { type FeatureVector } from '../../wire/tributary/v1/features.ts';
import { isContext } from '../context.ts';
import { mirrorOf } from '../mirror.ts';
import { foldAll, keyOf, SLOW_LANE } from './lane.ts';

/** In the mirror image a mean of prices is a harmonic one, so values agree but for terms of second order. */
const LEAST_CORRELATION = 0.95;
/** A mean difference of this share of the values' own spread is another value. */
const MOST_SHIFT = 0.5;
const LEAST_VALUES = 20;
/** By name, where less correlation will do, and the mean may differ: its percentile comes from a histogram, and a mirrored price falls into another bin. */
const ROUGH = new Map([['large_trade_flow_15m@1', 0.4]]);

export interface Mirroring {
  /** Columns with values enough to compare. */
  readonly compared: ReadonlySet<string>;
  readonly problems: readonly string[];
}

/** Prices p become k / p, k by asset, so that the first price stays; rates become 1 / rate; buyers and bids become sellers and asks. */
export function mirrorTicks(ticks: readonly Tick[]): Tick[] {
  const scales = new Map<string, number>();
  const scaleOf = (asset: string, price: number): number => {
    const known = scales.get(asset) ?? price * price;
    scales.set(asset, known);
    return known;
  };
  return ticks.map((tick) => mirrorTick(tick, scaleOf));
}

function mirrorTick(tick: Tick, scaleOf: (asset: string, price: number) => number): Tick {
  const { event } = tick;
  const flip = (price: number): number => scaleOf(tick.asset, price) / price;
  switch (event?.$case) {
    case 'candle': {
      const { open, high, low, close } = event.value;
      const [first, highest, lowest, last] = [flip(open), flip(low), flip(high), flip(close)];
      return { ...tick, event: { ...event, value: { ...event.value, open: first, high: highest, low: lowest, close: last } } };
    }
    case 'trade': {
      const { price, aggressor } = event.value;
      const other = aggressor === Side.SIDE_BUY ? Side.SIDE_SELL : Side.SIDE_BUY;
      return { ...tick, event: { ...event, value: { ...event.value, price: flip(price), aggressor: other } } };
    }
    case 'quote': {
      const { bid, bidSize, ask, askSize } = event.value;
      const value = { bid: flip(ask), bidSize: askSize, ask: flip(bid), askSize: bidSize };
      return { ...tick, event: { ...event, value: { ...event.value, ...value } } };
    }
    case 'book': {
      const book = event.value;
      const value = {
        bidPrices: book.askPrices.map(flip),
        bidSizes: book.askSizes,
        askPrices: book.bidPrices.map(flip),
        askSizes: book.bidSizes,
        bidValue10bps: book.askValue10bps,
        askValue10bps: book.bidValue10bps,
        bidValue50bps: book.askValue50bps,
        askValue50bps: book.bidValue50bps,
        orderFlow: book.orderFlow.map((flow) => -flow),
      };
      return { ...tick, event: { ...event, value: { ...book, ...value } } };
    }
    case 'reference': {
      const { series, value } = event.value;
      if (isContext(event.value)) return tick;
      const asset = series.slice(0, series.indexOf('-'));
      const mirrored = value > 100 ? scaleOf(asset, value) / value : 1 / value;
      return { ...tick, event: { ...event, value: { ...event.value, value: mirrored } } };
    }
    default:
      return tick;
  }
}

/** `columns`: those to compare. */
export function checkMirror(ticks: readonly Tick[], truth: readonly FeatureVector[], columns: ReadonlySet<string>): Mirroring {
  const mirrored = new Map(foldAll(mirrorTicks(ticks)).map((vector) => [keyOf(vector), vector]));
  const places = new Map(SLOW_LANE.columns.map((name, place) => [name, place]));
  const compared = new Set<string>();
  const problems: string[] = [];
  for (const [name, place] of places) {
    if (!columns.has(name)) continue;
    const { column, about } = mirrorOf(name);
    const from = places.get(column)!;
    const pairs = truth.flatMap((vector): [number, number][] => {
      const value = vector.values[from]!;
      const actual = mirrored.get(keyOf(vector))?.values[place] ?? NaN;
      const expected = about === undefined ? value : 2 * about - value;
      return Number.isNaN(expected) || Number.isNaN(actual) ? [] : [[expected, actual]];
    });
    if (pairs.length < LEAST_VALUES) continue;
    compared.add(name);
    const problem = difference(pairs, ROUGH.get(name) ?? LEAST_CORRELATION);
    if (problem !== undefined) problems.push(`${name}: ${problem}`);
  }
  return { compared, problems };
}

function difference(pairs: readonly (readonly [number, number])[], least: number): string | undefined {
  const mean = (of: (pair: readonly [number, number]) => number): number =>
    pairs.reduce((sum, pair) => sum + of(pair), 0) / pairs.length;
  const [a, b] = [mean(([x]) => x), mean(([, y]) => y)];
  const spread = Math.sqrt(mean(([x]) => (x - a) ** 2));
  const other = Math.sqrt(mean(([, y]) => (y - b) ** 2));
  if (spread < 1e-9 * Math.max(1, Math.abs(a)))
    return Math.abs(a - b) > 1e-6 * Math.max(1, Math.abs(a)) ? `${b} for ${a}` : undefined;
  const correlation = mean(([x, y]) => (x - a) * (y - b)) / (spread * other);
  if (!(correlation >= least)) return `correlation ${correlation.toFixed(3)} with what is declared`;
  return least === LEAST_CORRELATION && Math.abs(a - b) > MOST_SHIFT * spread ? `${b} on average for ${a}` : undefined;
}
