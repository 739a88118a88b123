/**
 * How a feature is declared, once: its name, meaning, inputs and warm-up, and its computation on plain-data state. The store's columns,
 * the model's inputs, the docs table and the checks are generated from the declarations (catalogue.ts).
 *
 * Features that share state stand in one block; a block has one state per instance (timeframe or other variant) and writes one column
 * per feature and instance, named `name[.variant]@version`, for instance `rsi_14.15m@1`.
 * State is what v8.serialize keeps: numbers, strings, arrays, typed arrays, Maps, plain objects; no class, no closure.
 */
import { type View } from './view.ts';

/** Bars are aligned to UTC. */
export const TIMEFRAME_MINUTES = { '1m': 1, '5m': 5, '15m': 15, '1h': 60, '4h': 240, '1d': 1440 } as const;
export type Timeframe = keyof typeof TIMEFRAME_MINUTES;
export const TIMEFRAMES = Object.keys(TIMEFRAME_MINUTES) as readonly Timeframe[];

/** A price and volume, B technical, C fundamental, D macro and derivatives, E time, X cross-asset. */
export const CATEGORIES = ['A', 'B', 'C', 'D', 'E', 'X'] as const;
export type Category = (typeof CATEGORIES)[number];
/** What a feature can be computed from; `bars` needs candles or trades only. */
export type Input = 'bars' | 'trades' | 'quotes' | 'books' | 'references' | 'context' | 'clock';

export interface Bar {
  /** Milliseconds, a whole multiple of the timeframe. */
  start: number;
  open: number;
  high: number;
  low: number;
  close: number;
  /** Base units. */
  volume: number;
  /** Sum over the bar's minutes of typical price (high + low + close) / 3 times volume, quote currency. */
  quoteVolume: number;
  /** Number of trades; -1 = not known. */
  trades: number;
  /** Nothing traded: all four prices are the previous close, volume is 0. */
  empty: boolean;
}

/** One distinct formula. */
export interface Feature {
  readonly name: string;
  /** A change of meaning is a new version. Default 1. */
  readonly version?: number;
  /** Of single variants, where only theirs changed its meaning; in place of `version`. */
  readonly variantVersions?: Readonly<Record<string, number>>;
  readonly unit: string;
  readonly formula: string;
  readonly inputs: readonly Input[];
  /** Context series it reads, as `source:series`; `{asset}` stands for the vector's asset. */
  readonly reads?: readonly string[];
  /** Where the formula or the value comes from: a paper, a library whose value it equals, an API. */
  readonly source?: string;
  /**
   * From a cold start, how much must be folded until the value is that of a long history to 1e-6: bars of the instance's timeframe
   * (complete ones, the forming one not counted) in a bar block, minutes elsewhere.
   */
  readonly warmup: number;
}

/** One copy of a block: `variant` is what the column name shows after the dot, empty = nothing. */
export interface Instance {
  readonly variant: string;
  readonly timeframe: Timeframe;
}

/** One instance per timeframe, shown in the name: `rsi_14.15m`. */
export function each(...timeframes: readonly Timeframe[]): readonly Instance[] {
  return timeframes.map((timeframe) => ({ variant: timeframe, timeframe }));
}

/** One instance that the name does not show, for features whose window is part of their name: `realized_vol_1h`. */
export function once(timeframe: Timeframe): readonly Instance[] {
  return [{ variant: '', timeframe }];
}

/**
 * Features of one instrument's bars. The forming bar always holds the newest minute: at the last minute of a bar it is the complete
 * bar, so there the value equals that of the indicator over closed bars. `closed` is called later, just before the next bar begins.
 */
export interface BarBlock<State> {
  readonly kind: 'bars';
  readonly category: Category;
  readonly features: readonly Feature[];
  readonly over: readonly Instance[];
  create(timeframe: Timeframe): State;
  /** Takes a bar that can change no more into the state. Bars come without holes: see Bar.empty. The object is reused: copy, don't keep. */
  closed(state: State, bar: Bar): void;
  /** Writes one value per feature at out[at], out[at + 1]…; NaN = missing. Must not change the state. */
  write(state: State, forming: Bar, out: Float64Array, at: number): void;
}

/**
 * Features of everything else the fold knows (view.ts), once a minute: `asset` for what is the same for all instruments of an
 * asset, `instrument` for what depends on the one the vector belongs to.
 */
export interface MinuteBlock<State> {
  readonly kind: 'minute';
  readonly category: Category;
  readonly scope: 'asset' | 'instrument';
  /** One column per feature and variant, ordered by variant first; default one variant without name. */
  readonly features: readonly Feature[];
  readonly variants?: readonly string[];
  /** Which features a variant has; default all. */
  has?(variant: string, feature: Feature): boolean;
  create(): State;
  /** Called exactly once for each minute, in order; may advance the state. Columns from out[at] on. */
  write(state: State, view: View, out: Float64Array, at: number): void;
}

export type Block = BarBlock<unknown> | MinuteBlock<unknown>;

/** Names of a block's columns, in the order in which they are written. */
export function columnsOf(block: Block): readonly Column[] {
  const instances =
    block.kind === 'bars'
      ? block.over.map(({ variant, timeframe }) => ({ variant, minutes: TIMEFRAME_MINUTES[timeframe], partial: 1 }))
      : (block.variants ?? ['']).map((variant) => ({ variant, minutes: 1, partial: 0 }));
  return instances.flatMap(({ variant, minutes, partial }) =>
    featuresOf(block, variant).map((feature) => ({
      name: `${feature.name}${variant === '' ? '' : `.${variant}`}@${feature.variantVersions?.[variant] ?? feature.version ?? 1}`,
      feature,
      variant,
      category: block.category,
      // A bar that was under way at the cold start is left out.
      warmupMinutes: (feature.warmup + partial) * minutes,
    })),
  );
}

function featuresOf(block: Block, variant: string): readonly Feature[] {
  if (block.kind === 'bars' || block.has === undefined) return block.features;
  return block.features.filter((feature) => block.has!(variant, feature));
}

export interface Column {
  /** `name[.variant]@version`. */
  readonly name: string;
  readonly feature: Feature;
  readonly variant: string;
  readonly category: Category;
  readonly warmupMinutes: number;
}
