import { describe, expect, test } from '@jest/globals';
import { type FeatureVector } from '../wire/tributary/v1/features.ts';
import { Tick } from '../wire/tributary/v1/market.ts';
import { createFold, foldTick } from './fold.ts';
import { QUALITY } from './quality.ts';

const T = Date.UTC(2024, 2, 1);
const MINUTE = 60_000;

const market = { asset: 'BTC', venue: 'kraken', instrument: 'BTC-USD' };

function clock(t: number, writerEpoch = 1): Tick {
  return Tick.fromPartial({ event: { $case: 'clock', value: { t, writerEpoch } } });
}

function trade(tradeId: number, t: number, price: number, size = 1): Tick {
  return Tick.fromPartial({ ...market, exchangeTime: t * 1000, event: { $case: 'trade', value: { tradeId, price, size } } });
}

function candle(start: number, close: number, volume = 1): Tick {
  const value = { start, open: close, high: close, low: close, close, volume, trades: 1 };
  return Tick.fromPartial({ ...market, exchangeTime: (start + MINUTE) * 1000, event: { $case: 'candle', value } });
}

function heartbeat(sequence: number): Tick {
  return Tick.fromPartial({ ...market, sequence, event: { $case: 'heartbeat', value: { healthy: true } } });
}

function fold(ticks: readonly Tick[]) {
  const state = createFold();
  const vectors: FeatureVector[] = [];
  ticks.forEach((tick, offset) => foldTick(state, tick, offset, (vector) => vectors.push(vector)));
  return { state, vectors, minute: state.assets.get('BTC')?.venues.get('kraken')?.get('BTC-USD')?.minute };
}

describe('the fold', () => {
  test('takes a trade once, and one that a gap event named missing when it is repaired, at its place in the log', () => {
    const gap = Tick.fromPartial({ ...market, sequence: 1, event: { $case: 'gap', value: { fromTradeId: 2, toTradeId: 3 } } });
    const trades = [trade(1, T, 100), trade(4, T + 10, 101), gap, trade(2, T + 5, 90), trade(2, T + 5, 90), trade(1, T, 100)];
    const { state, minute } = fold([clock(T), ...trades, clock(T + MINUTE)]);
    expect(state.counts.repeats).toBe(2);
    // The repaired trade brings its volume; its price is older than the newest.
    expect(minute).toMatchObject({ open: 100, close: 101, low: 100, volume: 3, trades: 3 });
  });

  test('counts a late trade into the next bar', () => {
    const { vectors, minute } = fold([
      clock(T),
      trade(1, T + 1, 100),
      clock(T + MINUTE),
      trade(2, T + 2, 100),
      clock(T + 2 * MINUTE),
    ]);
    expect(vectors.map(({ t, lateEvents }) => [t, lateEvents])).toEqual([
      [T + MINUTE, 0],
      [T + 2 * MINUTE, 1],
    ]);
    expect(minute).toMatchObject({ volume: 1, empty: false });
    expect(vectors[1]!.quality & QUALITY.LATE_EVENTS).not.toBe(0);
  });

  test('never goes back, and drops the clock of a fenced writer', () => {
    const clocks = [clock(T, 1), clock(T + MINUTE, 2), clock(T + 2 * MINUTE, 1), clock(T, 2), clock(T + MINUTE, 3)];
    const { state, vectors } = fold([trade(1, T - 1, 100), ...clocks]);
    expect(state.counts.clocksDropped).toBe(3);
    expect(vectors.map(({ t }) => t)).toEqual([T, T + MINUTE]);
  });

  test('makes the vectors of skipped minutes from what stands before the clock that skipped them', () => {
    const { vectors } = fold([clock(T), trade(1, T + 1, 100), clock(T + 3 * MINUTE)]);
    expect(vectors.map(({ t, quality }) => [(t - T) / MINUTE, (quality & QUALITY.CLOCK_HOLE) !== 0])).toEqual([
      [1, true],
      [2, true],
      [3, false],
    ]);
  });

  test('masks an instrument without heartbeats for 3 s, but not one that never had any', () => {
    const history = fold([trade(1, T, 100), clock(T + MINUTE)]).vectors;
    expect(history[0]!.quality & QUALITY.STALE_FEED).toBe(0);
    const beats = [clock(T), trade(1, T, 100), heartbeat(1), clock(T + 57_000), heartbeat(2), clock(T + MINUTE)];
    expect(fold(beats).vectors.at(-1)!.quality & QUALITY.STALE_FEED).toBe(0);
    const silent = fold([...beats, clock(T + 2 * MINUTE)]).vectors.at(-1)!;
    expect(silent.quality & QUALITY.STALE_FEED).not.toBe(0);
  });

  test('enters a minute once where history gives its candle and the feed its trades', () => {
    const { minute, state } = fold([
      candle(T, 100, 5),
      clock(T + MINUTE, 0),
      trade(7, T + 59_000, 101, 2),
      clock(T + 50_000),
      trade(8, T + MINUTE + 1, 102, 1),
      clock(T + 2 * MINUTE),
    ]);
    expect(minute).toMatchObject({ start: T + MINUTE, close: 102, volume: 1 });
    expect(state.counts.clocksDropped).toBe(1);
  });

  test('counts impossible prices and goes on', () => {
    const bad = [0, -1, 1e12, NaN].map((price, index) => trade(index + 1, T, price));
    const { state, vectors } = fold([clock(T), ...bad, trade(9, T, 100), clock(T + MINUTE)]);
    expect(state.counts.malformed).toBe(4);
    expect(vectors[0]!.lastPrice).toBe(100);
  });
});
