import { expect, test } from '@jest/globals';
import { alternativeMe } from '#services/context/sources/alternative-me/source.ts';
import { coingecko } from '#services/context/sources/coingecko/source.ts';
import { contextTicks } from './context-recording.ts';

test('answers come again at their pace, in order, and what an answer leaves out stays away', async () => {
  const ticks = await contextTicks([alternativeMe, coingecko(undefined)]);
  const times = ticks.map(({ event, exchangeTime }) => (event?.$case === 'clock' ? event.value.t : exchangeTime / 1000));
  expect(times).toEqual([...times].sort((a, b) => a - b));
  const counts = new Map<string, number>();
  for (const { event } of ticks) {
    if (event?.$case !== 'reference') continue;
    const key = `${event.value.source}:${event.value.series}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  // 40 days: an answer an hour that tells of two days, one every ten minutes, one every twelve hours, one that is null.
  expect(counts.get('alternative-me:fear_greed')).toBe(2 * 40 * 24);
  expect(counts.get('coingecko:market_cap.BTC')).toBe(40 * 144);
  expect(counts.get('coingecko:sentiment_up_pct.BTC')).toBe(40 * 2);
  expect(counts.get('coingecko:telegram_users.BTC')).toBeUndefined();
});
