/** History in memory: candles and ticks as the files and the archive hold them. */
export interface CandleRow {
  readonly venue: string;
  /** BASE-QUOTE. */
  readonly instrument: string;
  /** Start of the minute, milliseconds. */
  readonly start: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  /** Base units. */
  readonly volume: number;
  /** Number of trades, -1 = not given. */
  readonly trades: number;
}

/** One recorded change of a venue's best quote or last trade. */
export interface TickRow {
  readonly venue: string;
  /** BASE-QUOTE. */
  readonly instrument: string;
  /** The venue's own time, milliseconds, 0 = not given. */
  readonly exchangeTime: number;
  /** The recorder's clock, milliseconds. */
  readonly receiveTime: number;
  /** Best prices and their sizes in base units; 0 = not given. */
  readonly bid: number;
  readonly ask: number;
  readonly bidSize: number;
  readonly askSize: number;
  /** The last trade; 0 = not given. */
  readonly tradePrice: number;
  readonly tradeSize: number;
  /** Side of that trade's aggressor. */
  readonly side: 'buy' | 'sell' | undefined;
}
