import { afterEach, describe, expect, test } from '@jest/globals';
import { json, observe, observeHistory, recordedFile, type RecordedServer, serveRecorded } from '../../testing/recorded.ts';
import { blackPrice, impliedVolatility, parseOption, surfaceAt } from './options.ts';
import { deribitSample } from './sample.ts';
import { deribit } from './source.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let server: RecordedServer | undefined;
afterEach(async () => {
  await server?.close();
});

test('the books of 14 January 2024, which have no volatilities: as an independent computation says', async () => {
  const options = recordedFile('responses/deribit/book-summary-btc-option.json');
  const futures = recordedFile('responses/deribit/book-summary-future.json');
  if (options === undefined || futures === undefined) return;
  server = await serveRecorded({
    ...deribitSample.answers,
    '/get_book_summary_by_currency?currency=BTC&kind=option': options,
    '/get_book_summary_by_currency?currency=BTC&kind=future': futures,
  });
  const { observations } = await observe(deribit, server, { now: Date.UTC(2024, 0, 14, 20, 2), assets: ['BTC'] });
  const values = new Map(observations.map(({ series, value }) => [series, value]));
  expect(values.get('put_call_oi.BTC')).toBeCloseTo(0.43987672104107706, 12);
  // Python's erfc and its own root finding, from the same prices.
  expect(values.get('atm_iv_7d.BTC')).toBeCloseTo(0.55240165, 5);
  expect(values.get('skew_25d_7d.BTC')).toBeCloseTo(0.08710526, 5);
  expect(values.get('funding_8h.BTC')).toBe(6.98e-6);
  expect(values.get('open_interest.BTC')).toBeCloseTo(11800.386152119436, 8);
  expect(values.get('basis.BTC')).toBeCloseTo(0.08872846569808857, 12);
  const times = new Map(observations.map(({ series, observedAt }) => [series, observedAt]));
  expect([times.get('atm_iv_7d.BTC'), times.get('basis.BTC')]).toEqual([1705262471074, 1705262469775]);
});

test('the last minute of DVOL that is over, puts over calls', async () => {
  server = await serveRecorded(deribitSample.answers);
  const { observations } = await observe(deribit, server, { now: deribitSample.now, assets: ['ETH', 'SOL'] });
  const values = new Map(observations.map(({ series, value }) => [series, value]));
  expect(values.get('dvol.ETH')).toBe(45.06);
  expect(values.get('put_call_volume.ETH')).toBe(60_123 / 45_678);
  expect([...values.keys()].filter((series) => series.endsWith('SOL'))).toEqual([]);
});

test('an error in place of a result', async () => {
  server = await serveRecorded(() => json({ jsonrpc: '2.0', error: { code: 10028, message: 'too_many_requests' } }));
  const refused = observe(deribit, server, { now: deribitSample.now });
  await expect(refused).rejects.toMatchObject({ code: 'TRB_CONTEXT_REFUSED', canRetry: true });
});

test('history of DVOL: closes of hours that are over, known then', async () => {
  const start = Date.UTC(2025, 0, 1);
  const candle = (hour: number) => [start + hour * HOUR, 50, 51, 49, 50 + hour];
  server = await serveRecorded({
    '/get_volatility_index_data': json({ result: { data: [0, 1, 2].map(candle), continuation: null }, usOut: 1 }),
    '/get_funding_rate_history': json({
      result: [{ timestamp: start + 2 * HOUR, interest_1h: -4.7e-7, interest_8h: -9e-5, index_price: 1, prev_index_price: 1 }],
      usOut: 1,
    }),
  });
  const range = { from: start + HOUR, to: start + 10 * HOUR };
  const { observations } = await observeHistory(deribit, server, range, { now: start + 2.5 * HOUR, assets: ['BTC'] });
  const known = observations.map(({ series, value, availableAt }) => [series, value, (availableAt! - start) / HOUR]);
  expect(known).toEqual([
    ['dvol.BTC', 50, 1],
    ['dvol.BTC', 51, 2],
    ['funding_8h.BTC', -4.7e-7 * 8, 2 + 1 / 60],
  ]);
});

describe('options', () => {
  test.each([
    ['BTC-8JUN20-8750-P', { expiry: Date.UTC(2020, 5, 8, 8), strike: 8750, isPut: true }],
    ['XRP_USDC-30JUN23-0d5-C', { expiry: Date.UTC(2023, 5, 30, 8), strike: 0.5, isPut: false }],
    ['BTC-PERPETUAL', undefined],
    ['BTC-8JXX20-8750-P', undefined],
  ])('%s', (name, option) => {
    expect(parseOption(name)).toEqual(option);
  });

  test('prices keep parity of puts and calls, and give their volatility back', () => {
    for (const moneyness of [-0.3, -0.05, 0, 0.1, 0.4]) {
      const [call, put] = [false, true].map((isPut) => blackPrice(moneyness, 0.6, 0.1, isPut));
      expect(call! - put!).toBeCloseTo(1 - Math.exp(moneyness), 12);
      const isPut = moneyness < 0;
      expect(impliedVolatility(isPut ? put! : call!, moneyness, 0.1, isPut)).toBeCloseTo(0.6, 3);
    }
    expect(impliedVolatility(0, 0.1, 0.1, false)).toBeNaN();
  });

  test('a flat smile has no skew; total variance is linear in time', () => {
    const now = Date.UTC(2026, 0, 1);
    const strikes = [70, 80, 85, 90, 95, 100, 105, 110, 115, 120, 130];
    const rows = (
      [
        [4, 0.5],
        [10, 0.6],
      ] as const
    ).flatMap(([days, volatility]) =>
      strikes.map((strike) => ({
        ...{ expiry: now + days * DAY, strike, isPut: strike <= 100, forward: 100, price: 0.01, volatility, openInterest: 1 },
      })),
    );
    const surface = surfaceAt(rows, now)!;
    expect(surface.atm).toBeCloseTo(Math.sqrt((0.5 * 0.25 * 4 + 0.5 * 0.36 * 10) / 7), 12);
    expect(surface.skew).toBeCloseTo(0, 12);
    expect(surfaceAt(rows.slice(0, 3), now)).toBeUndefined();
  });
});
