/** For tests: Kraken's book and checksum as its documents tell a client to keep them, independent of how the simulator does. */
import { crc32 } from 'node:zlib';

export interface Level {
  readonly price: number;
  readonly qty: number;
}
export interface BookData {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly checksum: number;
}

/** The venue's documented algorithm on what a client has: numbers, written with the pair's digits. */
export function documentedChecksum(asks: readonly Level[], bids: readonly Level[], priceDigits: number): number {
  const part = (value: number, digits: number): string => value.toFixed(digits).replace('.', '').replace(/^0+/, '');
  const text = [...asks.slice(0, 10), ...bids.slice(0, 10)].map(({ price, qty }) => part(price, priceDigits) + part(qty, 8));
  return crc32(text.join(''));
}

/** Keeps a book as a client does: absolute quantities, 0 deletes, cut to the depth. */
export class ClientBook {
  bids: Level[] = [];
  asks: Level[] = [];
  readonly #depth: number;

  constructor(depth: number) {
    this.#depth = depth;
  }

  apply(data: BookData): void {
    this.bids = this.#side(this.bids, data.bids, -1);
    this.asks = this.#side(this.asks, data.asks, 1);
  }

  #side(levels: readonly Level[], changes: readonly Level[], away: number): Level[] {
    const byPrice = new Map([...levels, ...changes].map((level) => [level.price, level]));
    const kept = [...byPrice.values()].filter(({ qty }) => qty > 0);
    return kept.sort((a, b) => (a.price - b.price) * away).slice(0, this.#depth);
  }
}
