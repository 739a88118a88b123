import { expect, test } from '@jest/globals';
import { json, observe, observeHistory, serveRecorded } from '../../testing/recorded.ts';
import { coinMetrics, metricObservations, Page } from './source.ts';

const DAY = 86_400_000;

/** As answered on 18 February 2026. */
const RECORDED = {
  data: [{ asset: 'btc', time: '2026-02-17T00:00:00.000000000Z', AdrActCnt: '595445', BlkCnt: '165', TxCnt: '661420' }],
};
const FORBIDDEN = {
  error: {
    type: 'forbidden',
    message: "Requested metric 'DiffMean' with frequency '1d' for asset 'btc' is not available with supplied credentials.",
  },
};

test('a day is known at noon of the next, and not before it is over', () => {
  const observedAt = Date.UTC(2026, 1, 18);
  const availableAt = observedAt + DAY / 2;
  expect(metricObservations('AdrActCnt', 'active_addresses', Page.parse(RECORDED), observedAt)).toEqual([
    { series: 'active_addresses.BTC', value: 595_445, observedAt, publishedAt: availableAt, availableAt },
  ]);
  expect(metricObservations('AdrActCnt', 'active_addresses', Page.parse(RECORDED), observedAt - 1)).toEqual([]);
  expect(metricObservations('CapMVRVCur', 'mvrv', Page.parse(RECORDED), observedAt)).toEqual([]);
});

test('a metric that the community may not have is an error, whatever the status', async () => {
  const server = await serveRecorded(() => json(FORBIDDEN));
  try {
    await expect(observe(coinMetrics, server, { now: Date.UTC(2026, 1, 18) })).rejects.toMatchObject({
      code: 'TRB_CONTEXT_REFUSED',
      canRetry: false,
    });
  } finally {
    await server.close();
  }
});

test('history turns the pages, oldest first', async () => {
  const server = await serveRecorded(({ query }) => {
    const metric = query.get('metrics')!;
    const page = Number(query.get('next_page_token') ?? 0);
    const rows = [{ asset: 'btc', time: `2026-02-1${page + 5}T00:00:00.000000000Z`, [metric]: String(1000 + page) }];
    return json({ data: rows, ...(page < 2 && { next_page_token: String(page + 1) }) });
  });
  try {
    const now = Date.UTC(2026, 1, 20);
    const { observations } = await observeHistory(
      coinMetrics,
      server,
      { from: now - 30 * DAY, to: now },
      { now, assets: ['BTC'] },
    );
    expect(observations.map(({ series, value }) => `${series} ${value}`)).toEqual([
      'active_addresses.BTC 1000',
      'active_addresses.BTC 1001',
      'active_addresses.BTC 1002',
      'transactions.BTC 1000',
      'transactions.BTC 1001',
      'transactions.BTC 1002',
    ]);
  } finally {
    await server.close();
  }
});
