import { afterEach, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { sharedData } from '#libs/history/shared-data.ts';
import { json, observe, observeHistory, type RecordedServer, serveRecorded } from '../../testing/recorded.ts';
import { Funding, fundingObservations, okx } from './source.ts';

let server: RecordedServer | undefined;
afterEach(async () => {
  await server?.close();
});

test('the recorded funding of Bitcoin', () => {
  const path = sharedData('responses/exchanges/okx-funding-ccxt.json');
  if (path === undefined) return;
  const { info } = z.object({ info: Funding }).parse(JSON.parse(readFileSync(path, 'utf8')));
  const times = { observedAt: 1704491961472, publishedAt: 1704491961472 };
  expect(fundingObservations([info], 'BTC')).toEqual([
    { series: 'funding_8h.BTC', value: -0.0000578118886067, ...times },
    { series: 'funding_interval.BTC', value: 8, ...times },
  ]);
});

test.each([
  ['50011', 'Requests too frequent.', true],
  ['51001', 'Instrument ID does not exist', false],
])('code %s is an error although the status is 200', async (code, msg, canRetry) => {
  server = await serveRecorded(() => json({ code, msg, data: [] }));
  await expect(observe(okx, server, { now: 1 })).rejects.toMatchObject({ code: 'TRB_CONTEXT_REFUSED', canRetry });
});

test('history takes what was paid, not what was foretold', async () => {
  server = await serveRecorded({
    '/api/v5/public/funding-rate-history': json({
      ...{ code: '0', msg: '' },
      data: [
        { instId: 'BTC-USDT-SWAP', fundingRate: '0.0001515032', realizedRate: '0.00015', fundingTime: '1704067200000' },
        { instId: 'BTC-USDT-SWAP', fundingRate: '-0.0000236017', realizedRate: '-0.00002', fundingTime: '1704038400000' },
      ],
    }),
  });
  const range = { from: 1704038400000, to: 1704070000000 };
  const { observations } = await observeHistory(okx, server, range, { now: range.to, assets: ['BTC'] });
  const time = 1704067200000;
  expect(observations).toEqual([
    { series: 'funding_8h.BTC', value: 0.00015, observedAt: time, publishedAt: time, availableAt: time + 60_000 },
  ]);
});
