import { afterEach, expect, jest, test } from '@jest/globals';
import { systemClock } from './clock.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

test('microseconds are of the millisecond that the same clock says', () => {
  for (let round = 0; round < 10_000; round++) {
    const before = systemClock.now();
    const micros = systemClock.nowMicros();
    expect(Math.floor(micros / 1000)).toBeGreaterThanOrEqual(before);
    expect(Math.floor(micros / 1000)).toBeLessThanOrEqual(systemClock.now());
  }
});

test.each([3_600_000, -3_600_000, 30, -30])('they follow when the wall clock is set by %d ms', (step) => {
  const to = Date.now() + step;
  systemClock.nowMicros();
  const wall = jest.spyOn(Date, 'now').mockReturnValue(to);
  expect(Math.floor(systemClock.nowMicros() / 1000)).toBe(to);
  wall.mockRestore();
  expect(Math.abs(systemClock.nowMicros() / 1000 - systemClock.now())).toBeLessThanOrEqual(1);
});
