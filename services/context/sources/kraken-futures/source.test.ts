import { afterEach, expect, test } from '@jest/globals';
import { json, observeHistory, type RecordedServer, serveRecorded } from '../../testing/recorded.ts';
import { krakenFutures, tickerObservations, Tickers } from './source.ts';

const HOUR = 3_600_000;
let server: RecordedServer | undefined;
afterEach(async () => {
  await server?.close();
});

/** As answered on 17 November 2025, other fields left out; the Ether perpetual as in Kraken's documents. */
const RECORDED = {
  result: 'success',
  serverTime: '2025-11-17T00:34:37.524Z',
  tickers: [
    {
      ...{ symbol: 'PI_XBTUSD', markPrice: 91506.6009839176, indexPrice: 91468.38, openInterest: 21279580 },
      ...{ fundingRate: -3.995839963e-9, suspended: false },
    },
    {
      ...{ symbol: 'PF_ETHUSD', markPrice: 3205.25, indexPrice: 3202.75, openInterest: 1000000 },
      ...{ fundingRate: 0.000015, suspended: false },
    },
  ],
};

test('funding is an absolute amount: over the mark it is the rate of an hour; inverse contracts are not meant', () => {
  const time = Date.UTC(2025, 10, 17, 0, 34, 37, 524);
  expect(tickerObservations(Tickers.parse(RECORDED), ['BTC', 'ETH'])).toEqual([
    { series: 'funding_8h.ETH', value: (8 * 0.000015) / 3205.25, observedAt: time, publishedAt: time },
    { series: 'open_interest.ETH', value: 1000000, observedAt: time, publishedAt: time },
  ]);
});

test('a market that is all zeros, or suspended, says nothing', () => {
  const [, ether] = RECORDED.tickers;
  for (const change of [{ markPrice: 0, openInterest: 0, fundingRate: 0 }, { suspended: true }]) {
    const tickers = Tickers.parse({ ...RECORDED, tickers: [{ ...ether, ...change }] });
    expect(tickerObservations(tickers, ['ETH'])).toEqual([]);
  }
});

test('basis of the dated future that ends nearest 60 days from now', () => {
  const future = (symbol: string, markPrice: number) => ({ symbol, markPrice, indexPrice: 91_000 });
  const tickers = Tickers.parse({
    ...RECORDED,
    tickers: [future('FF_XBTUSD_251128', 91_100), future('FF_XBTUSD_251226', 91_500), future('FF_XBTUSD_260327', 95_000)],
  });
  const days = (Date.UTC(2025, 11, 26, 8) - tickers.serverTime) / (24 * HOUR);
  const [basis, ...others] = tickerObservations(tickers, ['BTC']);
  expect(others).toEqual([]);
  expect(basis).toMatchObject({ series: 'basis.BTC', value: (Math.log(91_500 / 91_000) * 365) / days });
});

test('history takes the relative rate, known when its hour is over', async () => {
  server = await serveRecorded({
    '/historical-funding-rates': json({
      result: 'success',
      rates: [
        { timestamp: '2025-07-11T08:00:00.000Z', relativeFundingRate: 0.0001, fundingRate: 0.00005 },
        { timestamp: '2025-07-11T00:00:00.000Z', relativeFundingRate: -0.00005, fundingRate: -0.000025 },
      ],
    }),
  });
  const range = { from: Date.UTC(2025, 6, 11), to: Date.UTC(2025, 6, 11, 9) };
  const { observations } = await observeHistory(krakenFutures, server, range, { now: range.to, assets: ['BTC'] });
  const first = Date.UTC(2025, 6, 11, 1);
  expect(observations).toEqual([
    { series: 'funding_8h.BTC', value: -0.0004, observedAt: first, publishedAt: first, availableAt: first },
  ]);
  expect(server.requests[0]?.query.get('symbol')).toBe('PF_XBTUSD');
});
