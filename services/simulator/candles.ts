/** One instrument's minutes at one venue, from trades: a bounded ring of typed arrays, and what the venues' REST derives from it. */

/** Bound once: in the loops below a look-up through the global object would cost more than the arithmetic. */
const { ceil, max, min } = Math;

export interface Candle {
  /** Start, seconds since the epoch. */
  start: number;
  /** Ticks. */
  open: number;
  high: number;
  low: number;
  close: number;
  /** Size units. */
  volume: number;
  /** Sum of ticks x units. */
  turnover: number;
  trades: number;
  /** Id of the first trade; of the next one to come where there was none. */
  firstTradeId: number;
}

export class Candles {
  readonly #open: Float64Array;
  readonly #high: Float64Array;
  readonly #low: Float64Array;
  readonly #close: Float64Array;
  readonly #volume: Float64Array;
  readonly #turnover: Float64Array;
  readonly #trades: Uint32Array;
  readonly #firstTradeId: Float64Array;
  readonly #capacity: number;
  #first: number;
  #last: number;
  #nextTradeId: number;
  #daySummary: { minute: number; of: Candle } | undefined;

  /** `firstMinute` in minutes since the epoch; `capacity` minutes are kept. */
  constructor(firstMinute: number, capacity: number, firstTradeId: number) {
    const column = (): Float64Array => new Float64Array(capacity);
    this.#capacity = capacity;
    [this.#open, this.#high, this.#low, this.#close] = [column(), column(), column(), column()];
    [this.#volume, this.#turnover, this.#firstTradeId] = [column(), column(), column()];
    this.#trades = new Uint32Array(capacity);
    this.#first = firstMinute;
    this.#last = firstMinute;
    this.#nextTradeId = firstTradeId;
    this.#firstTradeId[firstMinute % capacity] = firstTradeId;
  }

  /** First and last minute held; the last one is running. */
  get firstMinute(): number {
    return this.#first;
  }
  get lastMinute(): number {
    return this.#last;
  }
  get nextTradeId(): number {
    return this.#nextTradeId;
  }

  /** Time passes: opens every minute up to this one. */
  advance(minute: number): void {
    while (this.#last < minute) {
      this.#last++;
      if (this.#last - this.#first >= this.#capacity) this.#first++;
      const slot = this.#last % this.#capacity;
      this.#trades[slot] = 0;
      this.#volume[slot] = 0;
      this.#turnover[slot] = 0;
      this.#firstTradeId[slot] = this.#nextTradeId;
    }
  }

  /** Counts a trade into its minute, or into the running one where its own has gone by. */
  add(minute: number, price: number, size: number): void {
    this.advance(minute);
    const slot = this.#last % this.#capacity;
    if (this.#trades[slot] === 0) {
      this.#open[slot] = this.#high[slot] = this.#low[slot] = price;
    } else {
      if (price > this.#high[slot]!) this.#high[slot] = price;
      if (price < this.#low[slot]!) this.#low[slot] = price;
    }
    this.#close[slot] = price;
    this.#volume[slot]! += size;
    this.#turnover[slot]! += price * size;
    this.#trades[slot]!++;
    this.#nextTradeId++;
  }

  /** Minutes [from, to) as one candle, or undefined where nothing traded. */
  merge(from: number, to: number): Candle | undefined {
    let merged: Candle | undefined;
    for (let minute = max(from, this.#first); minute < min(to, this.#last + 1); minute++) {
      const slot = minute % this.#capacity;
      if (this.#trades[slot] === 0) continue;
      merged = addTo(merged, this.#at(minute, slot), from * 60);
    }
    return merged;
  }

  /** The price in force at the end of a minute: its last trade, or an earlier one; undefined before the first. */
  closeAt(minute: number): number | undefined {
    for (let back = min(minute, this.#last); back >= this.#first; back--) {
      const slot = back % this.#capacity;
      if (this.#trades[slot]! > 0) return this.#close[slot];
    }
    return undefined;
  }

  /** The minute that holds a trade id, or undefined where it is older than what is kept. */
  minuteOfTrade(id: number): number | undefined {
    let [low, high] = [this.#first, this.#last];
    if (id < this.#firstTradeId[low % this.#capacity]!) return undefined;
    while (low < high) {
      const middle = ceil((low + high) / 2);
      if (this.#firstTradeId[middle % this.#capacity]! <= id) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  firstTradeIdOf(minute: number): number {
    return this.#firstTradeId[minute % this.#capacity]!;
  }

  /** The last 24 hours; closed minutes are merged once a minute. */
  last24h(): Candle | undefined {
    const minute = this.#last;
    if (this.#daySummary?.minute !== minute) {
      const closed = this.merge(minute - 1439, minute);
      this.#daySummary = closed === undefined ? undefined : { minute, of: closed };
    }
    const running = this.merge(minute, minute + 1);
    const closed = this.#daySummary?.of;
    if (running === undefined || closed === undefined) return running ?? closed;
    return addTo({ ...closed }, running, closed.start);
  }

  #at(minute: number, slot: number): Candle {
    return {
      start: minute * 60,
      open: this.#open[slot]!,
      high: this.#high[slot]!,
      low: this.#low[slot]!,
      close: this.#close[slot]!,
      volume: this.#volume[slot]!,
      turnover: this.#turnover[slot]!,
      trades: this.#trades[slot]!,
      firstTradeId: this.#firstTradeId[slot]!,
    };
  }
}

function addTo(sum: Candle | undefined, candle: Candle, start: number): Candle {
  if (sum === undefined) return { ...candle, start };
  sum.high = max(sum.high, candle.high);
  sum.low = min(sum.low, candle.low);
  sum.close = candle.close;
  sum.volume += candle.volume;
  sum.turnover += candle.turnover;
  sum.trades += candle.trades;
  return sum;
}
