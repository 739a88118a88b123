/** The checks on a user's history: they pass where nothing is wrong, on gaps too, and fail where something is. */
import { describe, expect, test } from '@jest/globals';
import { type Tick } from '../../wire/tributary/v1/market.ts';
import { checkHistory, lastMinutes } from './history.ts';
import { FEW_LISTINGS, generateMarket } from './market.ts';
import { foldAll } from './lane.ts';
import { checkWrittenOut } from './written-out.ts';

const MINUTE = 60_000;
const START = Date.UTC(2024, 2, 1);
const listings = FEW_LISTINGS.slice(0, 1);
const market = generateMarket({ start: START, candleMinutes: 1_560, liveMinutes: 0, listings, seed: 31 });

/** Half an hour without a candle, as an outage leaves it. */
const broken = market.filter(
  ({ event }) =>
    event?.$case !== 'candle' || event.value.start < START + 1_500 * MINUTE || event.value.start >= START + 1_530 * MINUTE,
);

describe('on candles with an outage', () => {
  const results = [...checkHistory(broken)];

  test('the four checks pass and judge something', () => {
    expect(results.map(({ name, problems }) => ({ name, problems }))).toEqual(
      ['oracle', 'future-overwrite', 'warm-up', 'parity over partitions', 'parity after restore'].map((name) => ({
        name,
        problems: [],
      })),
    );
    for (const { columns } of results) expect(columns).toBeGreaterThan(15);
  });

  test('the oracle sees one wrong candle', () => {
    const vectors = foldAll(broken);
    const wrong = broken.map((tick): Tick => {
      if (tick.event?.$case !== 'candle' || tick.event.value.start !== START + 1_450 * MINUTE) return tick;
      const { value } = tick.event;
      return { ...tick, event: { $case: 'candle', value: { ...value, high: value.high * 1.01, volume: value.volume + 10 } } };
    });
    expect(checkWrittenOut(broken, vectors).problems).toEqual([]);
    expect(checkWrittenOut(wrong, vectors).problems.length).toBeGreaterThan(1);
  });
});

test('what the recorder had before t is no future, whatever the venue stamped on it', () => {
  const live = generateMarket({ start: START, candleMinutes: 2, liveMinutes: 12, listings, seed: 32 });
  const ahead = live.map((tick) =>
    tick.event?.$case === 'trade' ? { ...tick, exchangeTime: tick.exchangeTime + 750_000 } : tick,
  );
  const future = [...checkHistory(ahead)].find(({ name }) => name === 'future-overwrite');
  expect(future?.problems).toEqual([]);
});

test('the last minutes begin after a clock and hold what was asked', () => {
  const kept = lastMinutes(market, 100);
  expect(kept.filter(({ event }) => event?.$case === 'clock')).toHaveLength(100);
  expect(kept.at(-1)).toBe(market.at(-1));
  expect(kept[0]!.event?.$case).not.toBe('clock');
  expect(lastMinutes(market, 10_000)).toHaveLength(market.length);
});
