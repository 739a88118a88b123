import { expect, test } from '@jest/globals';
import { basisOf, paidRates } from './derivative-series.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

test('a rate is for the time since the payment before; after a hole for eight hours', () => {
  const rows = [0, 8, 12, 13, 40].map((hour) => ({ time: hour * HOUR + 7, rate: 0.0001 }));
  expect(paidRates(rows.toReversed())).toEqual([
    { time: 8 * HOUR, rate: 0.0001 },
    { time: 12 * HOUR, rate: 0.0002 },
    { time: 13 * HOUR, rate: 0.0008 },
    { time: 40 * HOUR, rate: 0.0001 },
  ]);
});

test('no basis of futures that end too soon or too late', () => {
  const future = (days: number) => ({ expiry: days * DAY, mark: 101, index: 100 });
  expect(basisOf([future(7), future(180)], 0)).toBeUndefined();
  expect(basisOf([future(30), future(73), future(100)], 0)).toBeCloseTo(Math.log(1.01) * 5, 12);
});
