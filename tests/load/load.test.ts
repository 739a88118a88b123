/** The arithmetic that the soak and the load run judge by. */
import { expect, test } from '@jest/globals';
import { createRandom } from '#libs/models/random.ts';
import { parseMetrics, quantileBetween, total } from './metrics.ts';
import { grows, trendOf } from './trend.ts';

const scrape = (fast: readonly number[]) =>
  parseMetrics(
    [
      '# HELP x y',
      'up_total{venue="kraken"} 3',
      'up_total{venue="coinbase"} 4',
      ...['0.01', '0.1', '+Inf'].map((le, i) => `took_bucket{le="${le}",lane="fast"} ${fast[i]!}`),
      'took_bucket{le="+Inf",lane="slow"} 1000',
    ].join('\n'),
  );

test('sums series and reads quantiles between two scrapes', () => {
  const [before, after] = [scrape([5, 5, 5]), scrape([55, 105, 105])];
  expect(total(after, 'up_total')).toBe(7);
  expect(total(after, 'up_total', 'kraken')).toBe(3);
  expect(quantileBetween(before, after, 'took', 0.5, 'fast')).toBeCloseTo(0.01);
  expect(quantileBetween(before, after, 'took', 0.75, 'fast')).toBeCloseTo(0.055);
  expect(quantileBetween(after, after, 'took', 0.5, 'fast')).toBeNaN();
});

test('noise does not grow, a leak does, and a spike is none', () => {
  const random = createRandom(3);
  const noise = Array.from({ length: 30 }, () => 100 + 10 * random.next());
  expect(grows(noise, 0.05)).toBe(false);
  expect(
    grows(
      noise.map((value, i) => value + i),
      0.05,
    ),
  ).toBe(true);
  expect(grows([...noise.slice(0, -1), 500], 0.05)).toBe(false);
  const { slope, low, high } = trendOf([1, 2, 3, 4, 5, 6]);
  expect([slope, low, high]).toEqual([1, 1, 1]);
});
