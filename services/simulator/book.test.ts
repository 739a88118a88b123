import { describe, expect, test } from '@jest/globals';
import { Book, BookView, type SideChanges } from './book.ts';
import { listings } from './listing.ts';

const LISTING = listings(['BTC-USD'], 1).find(({ venue }) => venue === 'kraken')!;

/** What a subscriber does: absolute sizes, 0 deletes, then cut to the depth. */
function follow(levels: Map<number, number>, changes: SideChanges, depth: number, away: 1 | -1): [number, number][] {
  for (const [i, price] of changes.prices.entries()) {
    if (changes.sizes[i] === 0) levels.delete(price);
    else levels.set(price, changes.sizes[i]!);
  }
  const sorted = [...levels].sort(([a], [b]) => (a - b) * away).slice(0, depth);
  levels.clear();
  for (const [price, size] of sorted) levels.set(price, size);
  return sorted;
}

describe('book', () => {
  test.each([10, 1000, Infinity])('a subscriber of depth %d who applies the changes and cuts has the book', (depth) => {
    const book = new Book(LISTING, 7, { bid: 650_000, ask: 650_040 });
    const view = new BookView(book, depth);
    const pairs = ({ prices, sizes }: SideChanges): [number, number][] => prices.map((price, i) => [price, sizes[i]!]);
    const [bids, asks] = [new Map(pairs(view.bids)), new Map(pairs(view.asks))];
    let middle = 650_020;
    for (let step = 0; step < 150; step++) {
      middle += Math.round(300 * Math.sin(step * step));
      book.hit(step % 2 === 0, 5_000_000);
      book.move({ bid: middle - 20, ask: middle + 20 });
      book.churn(3);
      const changes = view.update(book);
      const seen = [follow(bids, changes.bids, depth, -1), follow(asks, changes.asks, depth, 1)];
      const sides = [book.bids, book.asks].map(({ prices, sizes }) =>
        prices
          .map((price, i): [number, number] => [price, sizes[i]!])
          .reverse()
          .slice(0, depth),
      );
      expect(JSON.stringify(seen) === JSON.stringify(sides)).toBe(true);
      expect([book.bestBid, book.bestAsk]).toEqual([middle - 20, middle + 20]);
    }
    expect(Math.abs(book.bids.prices.length - LISTING.depth)).toBeLessThan(10);
    expect(book.asks.sizes.every((size) => size > 0)).toBe(true);
  });
});
