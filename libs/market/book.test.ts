import { describe, expect, test } from '@jest/globals';
import { OrderBook, type BookSide } from '#libs/market/book.ts';
import { OrderFlow } from '#libs/market/order-flow.ts';
import { parseRfc3339Micros } from '#libs/market/rfc3339.ts';

const levels = (side: BookSide, count = side.length) =>
  Array.from({ length: count }, (_, level) => [side.price(level), side.size(level)]);

describe('OrderBook', () => {
  test('keeps the same levels as a map that is sorted anew each time, over a long random session', () => {
    const book = new OrderBook({ priceDecimals: 2, depth: 300 });
    let seed = 7;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (const [side, sign] of [
      ['bids', 1],
      ['asks', -1],
    ] as const) {
      let plain = new Map<number, number>();
      const first = Array.from({ length: 500 }, () => [Math.round(random() * 2000 + 100) / 100, random() + 0.1]);
      const sorted = () => [...plain].sort(([one], [other]) => (other - one) * sign);
      first.forEach(([price, size]) => plain.set(price!, size!));
      book[side].reset(first.flat());
      for (let step = 0; step < 3000; step++) {
        const price = Math.round(random() * 2000 + 100) / 100;
        const size = random() < 0.45 ? 0 : random();
        expect(book.set(side, price, size)).toBe(size > 0 || plain.has(price));
        if (size > 0) plain.set(price, size);
        else plain.delete(price);
        if (step % 100 === 0) {
          book.truncate();
          plain = new Map(sorted().slice(0, 300));
          expect(levels(book[side])).toEqual(sorted());
        }
      }
    }
  });

  test('sums the value within a distance of the mid', () => {
    const book = new OrderBook({ priceDecimals: 2 });
    book.reset([100, 1, 99.9, 2, 99, 4], [100.2, 1, 100.3, 3, 101, 5]);
    expect(book.bids.valueWithin(100.1, 0.2)).toBeCloseTo(100 + 199.8, 9);
    expect(book.asks.valueWithin(100.1, 0.2)).toBeCloseTo(100.2 + 300.9, 9);
    expect(book.isCrossed).toBe(false);
    book.set('bids', 100.2, 1);
    expect(book.isCrossed).toBe(true);
  });

  test('takes two ways of writing a price as one level, and a price of its own where there is none as NaN', () => {
    const book = new OrderBook({ priceDecimals: 2 });
    book.set('bids', Number('9202.54000000'), 1);
    book.set('bids', 9202.54 + 1e-10, 2);
    expect(levels(book.bids)).toEqual([[9202.54, 2]]);
    expect([book.bids.price(1), book.bids.size(1)]).toEqual([NaN, 0]);
  });
});

describe('OrderFlow', () => {
  test('is the sum of Cont, Kukanov and Stoikov by level', () => {
    const book = new OrderBook({ priceDecimals: 0 });
    const flow = new OrderFlow();
    book.reset([100, 5, 99, 5], [102, 4]);
    flow.observe(book);
    book.set('bids', 100, 7); // +2 at the bid
    flow.observe(book);
    book.set('bids', 101, 1); // a higher bid: +1 at level 1, and at level 2 the price rises from 99 to 100: +7
    flow.observe(book);
    book.set('asks', 102, 0); // the ask is gone: +4
    flow.observe(book);
    expect(flow.updates).toBe(4);
    expect(flow.take()).toEqual([2 + 1 + 4, 7, 5, 0, 0]);
    flow.restart();
    book.set('bids', 101, 50);
    flow.observe(book);
    expect(flow.take()).toEqual([0, 0, 0, 0, 0]);
  });
});

test('parseRfc3339Micros keeps microseconds and knows the zero time', () => {
  const at = Date.UTC(2026, 7, 12, 19, 27, 48) * 1000;
  expect(parseRfc3339Micros('2026-08-12T19:27:48.364886251Z')).toBe(at + 364886);
  expect(parseRfc3339Micros('2026-08-12T19:27:48.000009Z')).toBe(at + 9);
  expect(parseRfc3339Micros('2026-08-12T19:27:48Z')).toBe(at);
  for (const bad of [
    '0001-01-01T00:00:00.000000Z',
    'yesterday',
    '',
    5,
    undefined,
    '2026-08-12T19:27:48.1e9Z',
    '2026-13-12T19:27:48Z',
  ]) {
    expect(parseRfc3339Micros(bad)).toBe(0);
  }
});
