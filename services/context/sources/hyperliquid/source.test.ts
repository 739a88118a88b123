import { afterEach, expect, test } from '@jest/globals';
import { json, observe, observeHistory, type RecordedServer, serveRecorded } from '../../testing/recorded.ts';
import { hyperliquidSample } from './sample.ts';
import { hyperliquid } from './source.ts';

const HOUR = 3_600_000;
const { now } = hyperliquidSample;
let server: RecordedServer | undefined;
afterEach(async () => {
  await server?.close();
});

test('names and numbers stand at the same index, a delisted coin keeps its place', async () => {
  server = await serveRecorded(hyperliquidSample.answers);
  const { observations } = await observe(hyperliquid, server, { now, assets: ['ETH', 'MATIC'] });
  expect(observations).toEqual([
    { series: 'funding_8h.ETH', value: -0.0000031 * 8, observedAt: now },
    { series: 'open_interest.ETH', value: 512345.6, observedAt: now },
  ]);
  expect(JSON.parse(server.requests[0]!.body)).toEqual({ type: 'metaAndAssetCtxs' });
});

test('history goes on after the last of a full page', async () => {
  const start = Date.UTC(2025, 0, 1);
  const all = Array.from({ length: 700 }, (_, i) => ({
    coin: 'BTC',
    fundingRate: '0.0000125',
    time: start + i * HOUR + (i % 60),
  }));
  server = await serveRecorded({
    '/info': ({ body }) => {
      const { startTime } = JSON.parse(body) as { startTime: number };
      return json(all.filter(({ time }) => time >= startTime).slice(0, 500));
    },
  });
  const range = { from: start, to: start + 700 * HOUR };
  const { observations } = await observeHistory(hyperliquid, server, range, { now: range.to, assets: ['BTC'] });
  expect(observations.map(({ observedAt }) => observedAt)).toEqual(all.map((_, i) => start + i * HOUR));
  expect(observations.every(({ value }) => value === 0.0001)).toBe(true);
  expect(server.requests).toHaveLength(2);
});
