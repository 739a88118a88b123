import { describe, expect, test } from '@jest/globals';
import { stabilityIndex } from './drift.ts';

const ramp = (n: number, from = 0): Float64Array => Float64Array.from({ length: n }, (_, i) => from + i / n);

describe('population stability index', () => {
  test('is nothing between equal periods and much between different ones', () => {
    expect(stabilityIndex(ramp(1000), ramp(1000))).toBeCloseTo(0, 6);
    expect(stabilityIndex(ramp(1000), ramp(1000, 0.01))).toBeGreaterThan(0.001);
    expect(stabilityIndex(ramp(1000), ramp(1000, 0.01))).toBeLessThan(0.25);
    expect(stabilityIndex(ramp(1000), ramp(1000, 2))).toBeGreaterThan(2);
  });

  test('is the sum over bins, as by hand', () => {
    // Two values, half and half, then three to one: bins below 0, up to 0, up to 1, above.
    const before = Float64Array.from({ length: 200 }, (_, i) => i % 2);
    const now = Float64Array.from({ length: 200 }, (_, i) => Number(i % 4 === 0));
    const a = [0.5, 100.5, 100.5, 0.5].map((count) => count / 202);
    const b = [0.5, 150.5, 50.5, 0.5].map((count) => count / 202);
    const byHand = a.reduce((sum, share, i) => sum + (b[i]! - share) * Math.log(b[i]! / share), 0);
    expect(stabilityIndex(before, now)).toBeCloseTo(byHand, 12);
  });

  test('a constant that becomes another has moved, one that stays has not', () => {
    expect(stabilityIndex(new Float64Array(100).fill(3), new Float64Array(100).fill(3))).toBeCloseTo(0, 12);
    expect(stabilityIndex(new Float64Array(100).fill(3), new Float64Array(100).fill(2))).toBeGreaterThan(0.25);
    expect(stabilityIndex(new Float64Array(100).fill(3), new Float64Array(100).fill(4))).toBeGreaterThan(0.25);
  });

  test('leaves missing values out, and says nothing of a few', () => {
    const holes = Float64Array.from(ramp(1000), (value, i) => (i % 2 === 0 ? NaN : value));
    expect(stabilityIndex(holes, ramp(1000))).toBeLessThan(0.01);
    expect(stabilityIndex(ramp(49), ramp(1000))).toBeNaN();
    expect(stabilityIndex(ramp(1000), new Float64Array(1000).fill(NaN))).toBeNaN();
  });
});
