import { afterEach, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { sharedData } from '#libs/history/shared-data.ts';
import { json, observeHistory, type RecordedRequest, type RecordedServer, serveRecorded } from '../../testing/recorded.ts';
import { binanceFutures, fundingObservations, PremiumIndexes } from './source.ts';

const HOUR = 3_600_000;
let server: RecordedServer | undefined;
afterEach(async () => {
  await server?.close();
});

test('the recorded premium index of Bitcoin: eight hours where nothing else is said', () => {
  const path = sharedData('responses/exchanges/binance-funding-ccxt.json');
  if (path === undefined) return;
  const { info } = z.object({ info: z.record(z.string(), z.unknown()) }).parse(JSON.parse(readFileSync(path, 'utf8')));
  // The library that recorded it has made text of the times.
  const indexes = PremiumIndexes.parse([{ ...info, time: Number(info['time']) }]);
  const times = { observedAt: 1704491993000, publishedAt: 1704491993000 };
  expect(fundingObservations(indexes, [], ['BTC', 'ETH'])).toEqual([
    { series: 'funding_8h.BTC', value: 0.0001, ...times },
    { series: 'funding_interval.BTC', value: 8, ...times },
  ]);
});

test('another interval makes another rate for eight hours', () => {
  const indexes = PremiumIndexes.parse([{ symbol: 'ETHUSDT', lastFundingRate: '-0.0001', time: 5 }]);
  const [rate, interval] = fundingObservations(indexes, [{ symbol: 'ETHUSDT', fundingIntervalHours: 4 }], ['ETH']);
  expect([rate?.value, interval?.value]).toEqual([-0.0002, 4]);
});

test('history goes on page by page; the interval is the time since the payment before', async () => {
  const start = Date.UTC(2025, 0, 1);
  // 1200 payments every eight hours, then one after four; times jitter.
  const all = Array.from({ length: 1_201 }, (_, i) => ({
    ...{ symbol: 'BTCUSDT', fundingRate: '0.0001', markPrice: '1' },
    fundingTime: start + (i === 1_200 ? 1_199 * 8 + 4 : i * 8) * HOUR + (i % 10),
  }));
  server = await serveRecorded({
    '/fapi/v1/fundingRate': ({ query }: RecordedRequest) => {
      const from = Number(query.get('startTime'));
      return json(all.filter(({ fundingTime }) => fundingTime >= from).slice(0, 1000));
    },
  });
  const range = { from: start + HOUR, to: start + 10_000 * HOUR };
  const { observations } = await observeHistory(binanceFutures, server, range, { now: range.to, assets: ['BTC'] });
  expect(observations).toHaveLength(1_200);
  expect(new Set(observations.map(({ observedAt }) => observedAt)).size).toBe(1_200);
  expect(observations.slice(0, -1).every(({ value }) => value === 0.0001)).toBe(true);
  const last = start + (1_199 * 8 + 4) * HOUR;
  expect(observations.at(-1)).toMatchObject({ value: 0.0002, observedAt: last, availableAt: last + 60_000 });
  expect(server.requests).toHaveLength(2);
});
