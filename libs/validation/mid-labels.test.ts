import { expect, test } from '@jest/globals';
import { DOWN, FLAT, UP, VOID } from './labels.ts';
import { labelMids, type MidSeries } from './mid-labels.ts';

const series: MidSeries = {
  venue: 'okx',
  instrument: 'BTC-USDT',
  t: Float64Array.from([0, 1000, 1400, 3000]),
  mid: Float64Array.from([100, 101, 99, 99]),
  heard: Float64Array.from([0, 900, 1000, 1400, 3000]),
};

function labels(times: readonly number[], stalls: readonly number[] = [], move = { horizon: 1000, delay: 0 }, end = 4000) {
  return [...labelMids(series, move, Float64Array.from(times), stalls, end).y];
}

test('the last mid by t + horizon against the last by t', () => {
  expect(labels([0, 400, 500, 1000])).toEqual([UP, DOWN, DOWN, DOWN]);
  const { logReturn } = labelMids(series, { horizon: 1000, delay: 0 }, Float64Array.from([0, 1500]), [], 4000);
  expect(logReturn[0]).toBeCloseTo(Math.log(1.01), 12);
  expect(logReturn[1]).toBeNaN();
});

test('a venue that said something and did not move is flat; one that said nothing is void', () => {
  expect(labels([1500, 2000, 2500])).toEqual([VOID, FLAT, FLAT]);
});

test('void where the recorder stalled at the end of the horizon, or the recording ends before it, or there is no mid yet', () => {
  expect(labels([0, 400, 2500], [1100, 2600])).toEqual([UP, VOID, FLAT]);
  expect(labels([2500, 3500])).toEqual([FLAT, VOID]);
  expect(labels([-2000, -500])).toEqual([VOID, VOID]);
});

test('with a delay the move begins later and ends where it did', () => {
  expect(labels([500, 900], [], { horizon: 1000, delay: 500 })).toEqual([DOWN, FLAT]);
});
