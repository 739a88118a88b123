/** The fold's state: plain data, so that a snapshot is v8.serialize(state) and goes on bit for bit. */
import { type ContextBook } from './context.ts';
import { type Bar } from './declaration.ts';
import { type Dedupe } from './dedupe.ts';
import { type Flow } from './flow.ts';
import { type Following } from './leader-seconds.ts';
import { type Leg } from './legs.ts';
import { type ReferenceBook } from './references.ts';
import { type Seconds } from './seconds.ts';

/** Layout of the state; a snapshot of another version is not read, the state is rebuilt. */
export const STATE_VERSION = '4';

export interface FoldState {
  readonly stateVersion: string;
  /** The catalogue this state was made for. */
  readonly schemaId: string;
  /** Instruments that get vectors, as venue:BASE-QUOTE; undefined = all quoted in USD. */
  readonly targets: readonly string[] | undefined;
  /** Newest clock, milliseconds; NaN before the first. */
  t: number;
  /** Highest epoch of a clock writer. */
  epoch: number;
  /** Newest whole minute that was closed; NaN before the first clock. */
  minute: number;
  readonly references: ReferenceBook;
  /** BTC-USD references by second, by their key in `references`. */
  readonly coinSeconds: Map<string, Seconds>;
  readonly context: ContextBook;
  /** Of the context at the newest minute: whether a series is too old, and the age of the oldest that may serve (ms, -1 = none). */
  contextIsOld: boolean;
  contextAge: number;
  readonly assets: Map<string, AssetState>;
  readonly counts: FoldCounts;
}

/** What the fold did with its events; for metrics. */
export interface FoldCounts {
  events: number;
  vectors: number;
  repeats: number;
  late: number;
  /** Fenced or backward clocks. */
  clocksDropped: number;
  /** Prices or sizes that cannot be: zero, negative, absurd. */
  malformed: number;
  /** Vectors with a bit of BLOCKING. */
  masked: number;
}

export interface AssetState {
  readonly asset: string;
  /** By venue, then BASE-QUOTE. */
  readonly venues: Map<string, Map<string, InstrumentState>>;
  /** All instruments in a fixed order (venue, name), so that sums do not depend on who came first. */
  instruments: InstrumentState[];
  /** One per asset block of the catalogue. */
  readonly blocks: unknown[];
  /** Values of the asset's blocks at the newest minute. */
  readonly values: Float64Array;
  /** The dollar leg whose scale measures the spreads: the first live one; undefined = none. */
  lead: InstrumentState | undefined;
  /** ln of the mean dollar price of the live converted legs; NaN = none. */
  consensus: number;
  /** ln of the price of live legs, weighted by an hour's volume; NaN = none. */
  fair: number;
  /** Minutes closed since the asset's first event. */
  minutes: number;
  /** QUALITY bits shared by the asset's vectors. */
  quality: number;
}

export interface InstrumentState {
  readonly asset: string;
  readonly venue: string;
  readonly name: string;
  readonly quote: string;
  readonly isTarget: boolean;
  readonly dedupe: Dedupe;
  /** Last trade: price (0 = none yet) and time in milliseconds. */
  lastPrice: number;
  lastPriceTime: number;
  /** Best quote; prices 0 = none. */
  bid: number;
  ask: number;
  bidSize: number;
  askSize: number;
  /** Trades since the last whole minute. */
  readonly forming: Bar;
  /** Closed candle waiting for the clock of its end. */
  readonly candle: Bar;
  hasCandle: boolean;
  /** End of the newest candle taken, milliseconds: trades before it are in it. */
  candleEnd: number;
  /** The newest closed minute. */
  readonly minute: Bar;
  /** Minutes since the last trade. */
  stale: number;
  readonly leg: Leg;
  readonly feed: Feed;
  /** Stamped before the newest vector's t, came after it. */
  late: number;
  /** Its mid by second. */
  readonly seconds: Seconds;
  /** Targets only, from the first second with a mid on. */
  following: Following | undefined;
  /** Targets only, from the first trade, quote or book slice on; candles alone make none. */
  flow: Flow | undefined;
  /** Targets only: bars by timeframe, states of bar blocks by timeframe, states of minute blocks. */
  readonly bars: TimeframeBar[];
  readonly barBlocks: unknown[][];
  readonly minuteBlocks: unknown[];
}

export interface Feed {
  /** Clock at the newest heartbeat; NaN = never had one (history has none, and is not masked for it). */
  heartbeatAt: number;
  isHealthy: boolean;
  /** Venue clock minus ours, milliseconds. */
  skew: number;
  /** Clock at the newest gap; NaN = never. */
  gapAt: number;
  isTradable: boolean;
  /** Masked at the newest minute: its values are not used. */
  isMasked: boolean;
}

export interface TimeframeBar {
  readonly bar: Bar;
  /** Whether the bar was seen from its start: one that was under way at a cold start is left out. */
  isWhole: boolean;
}
