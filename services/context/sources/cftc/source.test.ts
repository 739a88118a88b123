import { expect, test } from '@jest/globals';
import { parseDay } from '#libs/calendar/dates.ts';
import { newYorkTime } from '#libs/calendar/zones.ts';
import { isLate, publicationOf, reportObservations, Reports } from './source.ts';

const REPORT = {
  cftc_contract_market_code: '133741',
  report_date_as_yyyy_mm_dd: '2026-11-17T00:00:00.000',
  open_interest_all: '30000',
  asset_mgr_positions_long: '9000',
  asset_mgr_positions_short: '3000',
  lev_money_positions_long_all: '2000',
  lev_money_positions_short_all: '17000',
};

test('net positions over open interest, as of Tuesday, known on Friday afternoon; whatever the suffix of a column', () => {
  const published = Date.UTC(2026, 10, 20, 21);
  const times = { observedAt: Date.UTC(2026, 10, 17, 22), publishedAt: published, availableAt: published };
  expect(reportObservations(Reports.parse([REPORT]), ['BTC', 'ETH'])).toEqual([
    { series: 'asset_manager_net.BTC', value: 0.2, ...times },
    { series: 'leveraged_net.BTC', value: -0.5, ...times },
  ]);
});

test.each([
  // Thanksgiving on the Thursday between.
  ['2026-11-24', '2026-11-30'],
  ['2026-06-16', '2026-06-22'],
  ['2026-06-09', '2026-06-12'],
])('the report of %s comes on %s', (tuesday, day) => {
  expect(publicationOf(parseDay(tuesday))).toBe(newYorkTime(parseDay(day), 16));
});

test('reports that came weeks late are no part of history', () => {
  expect(['2025-10-07', '2023-02-07', '2024-05-07'].map((day) => isLate(newYorkTime(parseDay(day), 17)))).toEqual([
    true,
    true,
    false,
  ]);
});

test('a column that is gone is an error', () => {
  const rest = Object.fromEntries(Object.entries(REPORT).filter(([name]) => name !== 'lev_money_positions_long_all'));
  expect(() => reportObservations(Reports.parse([rest]), ['BTC'])).toThrow(expect.objectContaining({ code: 'TRB_HTTP_SHAPE' }));
});
