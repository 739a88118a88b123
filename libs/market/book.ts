/**
 * A full limit order book of one instrument, in memory. Pure.
 *
 * Prices are kept as integer ticks (price x 10^priceDecimals), so that "9202.54000000" and "9202.54" are one level. Each side is a
 * sorted array with the best level LAST: nearly every change is near the best price and moves a few elements only.
 */
import { crc32 } from 'node:zlib';

export type BookSideName = 'bids' | 'asks';

export interface OrderBookOptions {
  /** Decimals of a price; 0..15. */
  readonly priceDecimals: number;
  /** Levels kept on each side; deeper ones are forgotten by `truncate`. Default: all. */
  readonly depth?: number;
}

export class OrderBook {
  readonly priceDecimals: number;
  readonly bids: BookSide;
  readonly asks: BookSide;
  readonly #depth: number;

  constructor({ priceDecimals, depth = Infinity }: OrderBookOptions) {
    this.priceDecimals = priceDecimals;
    this.#depth = depth;
    this.bids = new BookSide(1, 10 ** priceDecimals);
    this.asks = new BookSide(-1, 10 ** priceDecimals);
  }

  clear(): void {
    this.bids.clear();
    this.asks.clear();
  }

  /** Replaces the whole book. Levels as price, size, price, size, …; of a price given twice the last counts. */
  reset(bids: readonly number[], asks: readonly number[]): void {
    this.bids.reset(bids);
    this.asks.reset(asks);
    this.truncate();
  }

  /** Sets the size resting at a price, 0 removes it. False: a level to be removed was not there. */
  set(side: BookSideName, price: number, size: number): boolean {
    return this[side].set(price, size);
  }

  /** Forgets what lies deeper than `depth`: venues send no removal for levels that fall out. */
  truncate(): void {
    this.bids.truncate(this.#depth);
    this.asks.truncate(this.#depth);
  }

  /** Both sides have a level. */
  get isTwoSided(): boolean {
    return this.bids.length > 0 && this.asks.length > 0;
  }

  /** The best bid is at or above the best ask: impossible in a correct book. */
  get isCrossed(): boolean {
    return this.isTwoSided && this.bids.price(0) >= this.asks.price(0);
  }

  /**
   * Kraken's CRC-32 over the ten best asks, then the ten best bids: price and size with their fixed decimals, without the point
   * and without leading zeros, which is the integer number of ticks and of size units.
   */
  checksum(sizeDecimals: number): number {
    const unit = 10 ** sizeDecimals;
    return crc32(this.asks.digits(10, unit) + this.bids.digits(10, unit));
  }
}

export class BookSide {
  /** 1: bids, ascending storage; -1: asks, descending storage (keys are negated ticks, so that both ascend). */
  readonly #sign: 1 | -1;
  readonly #scale: number;
  #keys = new Float64Array(64);
  #sizes = new Float64Array(64);
  /** What `digits` made of a level; emptied when it changes. Only the best levels have one. */
  #digits: (string | undefined)[] = [];
  #length = 0;

  constructor(sign: 1 | -1, scale: number) {
    this.#sign = sign;
    this.#scale = scale;
  }

  get length(): number {
    return this.#length;
  }

  /** Price of a level, 0 = best; NaN where there is none. */
  price(level: number): number {
    const key = this.#keys[this.#length - 1 - level];
    return key === undefined || level >= this.#length ? NaN : (key * this.#sign) / this.#scale;
  }

  /** Size of a level, 0 = best; 0 where there is none. */
  size(level: number): number {
    return level < this.#length ? this.#sizes[this.#length - 1 - level]! : 0;
  }

  clear(): void {
    this.#length = 0;
    this.#digits = [];
  }

  /** One insertion a level would move the whole side each time: what comes best first is written down in reverse, else sorted. */
  reset(levels: readonly number[]): void {
    this.clear();
    const sorted = isBestFirst(levels, this.#sign) ? levels : sortBestFirst(levels, this.#sign);
    const count = sorted.length / 2;
    while (this.#keys.length < count) this.#grow();
    for (let level = count - 1; level >= 0; level--) {
      this.#keys[this.#length] = Math.round(sorted[2 * level]! * this.#scale) * this.#sign;
      this.#sizes[this.#length] = sorted[2 * level + 1]!;
      if (this.#sizes[this.#length]! > 0) this.#length++;
    }
    this.#digits = new Array<string | undefined>(this.#length).fill(undefined);
  }

  truncate(depth: number): void {
    const excess = this.#length - depth;
    if (excess <= 0) return;
    this.#keys.copyWithin(0, excess, this.#length);
    this.#sizes.copyWithin(0, excess, this.#length);
    this.#digits.splice(0, excess);
    this.#length = depth;
  }

  set(price: number, size: number): boolean {
    const key = Math.round(price * this.#scale) * this.#sign;
    const at = this.#find(key);
    const isThere = at < this.#length && this.#keys[at] === key;
    if (size > 0) {
      if (!isThere) this.#insert(at, key);
      this.#sizes[at] = size;
      this.#digits[at] = undefined;
      return true;
    }
    if (isThere) this.#remove(at);
    return isThere;
  }

  /** Resting value, quote currency, at prices no further than `distance` (quote currency) from `mid`. */
  valueWithin(mid: number, distance: number): number {
    const furthest = (mid * this.#sign - distance) * this.#scale;
    let value = 0;
    for (let at = this.#length - 1; at >= 0 && this.#keys[at]! >= furthest; at--) value += this.#keys[at]! * this.#sizes[at]!;
    return (value * this.#sign) / this.#scale;
  }

  digits(levels: number, unit: number): string {
    let text = '';
    for (let at = this.#length - 1; at >= 0 && at >= this.#length - levels; at--) {
      text += this.#digits[at] ??= `${this.#keys[at]! * this.#sign}${Math.round(this.#sizes[at]! * unit)}`;
    }
    return text;
  }

  /** First place whose key is not below; looks near the best first. */
  #find(key: number): number {
    let low = 0;
    let high = this.#length;
    for (let step = 8; step < this.#length; step *= 2) {
      const at = this.#length - step;
      if (this.#keys[at]! < key) {
        low = at + 1;
        break;
      }
      high = at;
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(at: number, key: number): void {
    if (this.#length === this.#keys.length) this.#grow();
    this.#keys.copyWithin(at + 1, at, this.#length);
    this.#sizes.copyWithin(at + 1, at, this.#length);
    this.#digits.splice(at, 0, undefined);
    this.#keys[at] = key;
    this.#length++;
  }

  #remove(at: number): void {
    this.#keys.copyWithin(at, at + 1, this.#length);
    this.#sizes.copyWithin(at, at + 1, this.#length);
    this.#digits.splice(at, 1);
    this.#length--;
  }

  #grow(): void {
    const keys = new Float64Array(this.#keys.length * 2);
    const sizes = new Float64Array(keys.length);
    keys.set(this.#keys);
    sizes.set(this.#sizes);
    this.#keys = keys;
    this.#sizes = sizes;
  }
}

function isBestFirst(levels: readonly number[], sign: number): boolean {
  for (let at = 2; at < levels.length; at += 2) {
    if (levels[at]! * sign >= levels[at - 2]! * sign) return false;
  }
  return true;
}

function sortBestFirst(levels: readonly number[], sign: number): number[] {
  const sizes = new Map<number, number>();
  for (let at = 0; at < levels.length; at += 2) sizes.set(levels[at]!, levels[at + 1]!);
  return [...sizes].sort(([one], [other]) => (other - one) * sign).flat();
}
