import { expect, test } from '@jest/globals';
import { json, observeHistory, serveRecorded } from '../../testing/recorded.ts';
import { blockchainCharts, Chart, chartObservations } from './source.ts';

const DAY = 86_400_000;

/** The shape of an answer of February 2026. */
const RECORDED = {
  status: 'ok',
  name: 'Confirmed Transactions Per Day',
  unit: 'Transactions',
  period: 'day',
  values: [
    { x: 1_768_780_800, y: 402_310 },
    { x: 1_768_867_200, y: 388_420 },
    { x: 1_768_953_600, y: 0 },
  ],
};

test('a day that is over is known two days later; today, and a day without a value, are left out', () => {
  const days = chartObservations('transactions', Chart.parse(RECORDED), 1_768_953_600_000 + DAY);
  expect(
    days.map(({ series, value, observedAt, availableAt }) => [series, value, observedAt, availableAt! - observedAt]),
  ).toEqual([
    ['transactions.BTC', 402_310, 1_768_867_200_000, 2 * DAY],
    ['transactions.BTC', 388_420, 1_768_953_600_000, 2 * DAY],
  ]);
  expect(chartObservations('transactions', Chart.parse(RECORDED), 1_768_953_600_000 - 1)).toHaveLength(1);
});

test('a status that is not ok is an error', () => {
  expect(() => chartObservations('transactions', { status: 'not-found' }, 0)).toThrow(
    expect.objectContaining({ code: 'TRB_CONTEXT_REFUSED' }),
  );
});

test('history is of Bitcoin alone, unsampled, each chart once', async () => {
  const server = await serveRecorded(() => json(RECORDED));
  try {
    const now = 1_768_953_600_000 + 10 * DAY;
    const range = { from: now - 20 * DAY, to: now };
    expect((await observeHistory(blockchainCharts, server, range, { now, assets: ['ETH'] })).observations).toEqual([]);
    const { observations } = await observeHistory(blockchainCharts, server, range, { now });
    expect(observations.map(({ series }) => series)).toEqual([
      'unique_addresses.BTC',
      'unique_addresses.BTC',
      'transactions.BTC',
      'transactions.BTC',
      'transaction_value.BTC',
      'transaction_value.BTC',
    ]);
    expect(server.requests.map(({ query }) => [query.get('timespan'), query.get('sampled')])).toEqual(
      Array.from({ length: 3 }, () => ['24days', 'false']),
    );
  } finally {
    await server.close();
  }
});
