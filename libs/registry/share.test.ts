import { expect, test } from '@jest/globals';
import { createRandom } from '../models/random.ts';
import { isServed } from './share.ts';

const random = createRandom(1);
/** Confidences as models give them: most are near a half. */
const decisions = Array.from({ length: 20_000 }, (_, i) => ({
  instrument: i % 2 === 0 ? 'BTC-USD' : 'ETH-USD',
  confidence: 0.5 + 0.25 * random.next() * random.next(),
}));
const bundles = Array.from({ length: 40 }, (_, i) => `bundle ${i}`);
const served = (bundle: string, share: number): number[] =>
  decisions.flatMap(({ instrument, confidence }, i) => (isServed(bundle, instrument, confidence, share) ? [i] : []));

test.each([0.05, 0.25])('a share of %d is about that share of the decisions, also with two symbols', (share) => {
  const shares = bundles.map((bundle) => served(bundle, share).length / decisions.length);
  expect(shares.reduce((sum, each) => sum + each, 0) / shares.length).toBeCloseTo(share, 1.5);
  expect(Math.min(...shares)).toBeGreaterThan(share / 10);
  expect(Math.max(...shares)).toBeLessThan(3 * share);
});

test('a larger share holds the smaller one; none is none, all is all; the venue does not matter', () => {
  const [small, large] = [served('bundle', 0.05), new Set(served('bundle', 0.25))];
  expect(small.filter((i) => !large.has(i))).toEqual([]);
  expect(served('bundle', 0)).toEqual([]);
  expect(served('bundle', 1)).toHaveLength(decisions.length);
  expect(served('another', 0.05)).not.toEqual(small);
});
