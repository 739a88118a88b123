import { afterEach, expect, test } from '@jest/globals';
import {
  json,
  observe,
  observeHistory,
  recordedFile,
  type RecordedRequest,
  type RecordedServer,
  serveRecorded,
} from '../../testing/recorded.ts';
import { bybitSample } from './sample.ts';
import { bybit } from './source.ts';

const HOUR = 3_600_000;
let server: RecordedServer | undefined;
afterEach(async () => {
  await server?.close();
});

test('the tickers as recorded on 14 January 2024', async () => {
  const tickers = recordedFile('responses/exchanges/bybit-tickers-linear.json');
  if (tickers === undefined) return;
  server = await serveRecorded({ ...bybitSample.answers, '/v5/market/tickers': tickers });
  const { observations } = await observe(bybit, server, { now: 1705262463557 });
  expect(Object.fromEntries(observations.map(({ series, value }) => [series, value]))).toEqual({
    ...{ 'funding_8h.BTC': 0.0001, 'funding_interval.BTC': 8, 'open_interest.BTC': 61755.251 },
    // The interval is the sample's: four hours.
    ...{ 'funding_8h.ETH': 0.0002, 'funding_interval.ETH': 4, 'open_interest.ETH': 516483.06 },
  });
  expect(new Set(observations.map(({ observedAt }) => observedAt))).toEqual(new Set([1705262463557]));
});

test.each([
  [10006, 'Too many visits!', true],
  [10001, 'params error', false],
])('retCode %i is an error although the status is 200', async (retCode, retMsg, canRetry) => {
  server = await serveRecorded(() => json({ retCode, retMsg, result: {}, time: 1 }));
  await expect(observe(bybit, server, { now: 1 })).rejects.toMatchObject({ code: 'TRB_CONTEXT_REFUSED', canRetry });
});

test('history goes back page by page', async () => {
  const start = Date.UTC(2025, 0, 1);
  const all = Array.from({ length: 300 }, (_, i) => start + i * 8 * HOUR);
  server = await serveRecorded({
    '/v5/market/funding/history': ({ query }: RecordedRequest) => {
      const [from, to] = [Number(query.get('startTime')), Number(query.get('endTime'))];
      const rows = all.filter((time) => time >= from && time <= to).slice(-200);
      const list = rows.map((time) => ({ symbol: 'BTCUSDT', fundingRate: '0.0001', fundingRateTimestamp: String(time) }));
      return json({ retCode: 0, retMsg: 'OK', result: { category: 'linear', list: list.reverse() }, time: to });
    },
  });
  const range = { from: start + 24 * HOUR, to: start + 300 * 8 * HOUR };
  const { observations } = await observeHistory(bybit, server, range, { now: range.to, assets: ['BTC'] });
  expect(observations.map(({ observedAt }) => observedAt)).toEqual(all.filter((time) => time >= range.from));
  expect(observations.every(({ value, observedAt, availableAt }) => value === 0.0001 && availableAt! > observedAt)).toBe(true);
});
