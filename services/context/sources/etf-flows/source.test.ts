import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { sharedData } from '#libs/history/shared-data.ts';
import { flowObservations } from './source.ts';

test('a file of two years: days of the exchange alone, summary lines passed over, known at noon of the next day', () => {
  const path = sharedData('daily/btc_etf_flows.csv');
  if (path === undefined) return;
  const flows = flowObservations(readFileSync(path, 'utf8'), 'BTC', path);
  expect(flows[0]).toEqual({
    ...{ series: 'net_flow.BTC', value: 655.3, observedAt: Date.UTC(2024, 0, 11, 21) },
    ...{ publishedAt: Date.UTC(2024, 0, 12, 12), availableAt: Date.UTC(2024, 0, 12, 12) },
  });
  // The total of the file's own summary.
  expect(flows.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(56_594.2, 6);
  expect(Math.min(...flows.map(({ value }) => value))).toBe(-1_113.7);
  // Martin Luther King's day stands in it as 0.
  expect(flows.some(({ observedAt }) => new Date(observedAt).toISOString().startsWith('2024-01-15'))).toBe(false);
});

test('ISO dates, brackets for a minus, more columns, days without a number yet', () => {
  const text = 'Date,IBIT,Total\n2026-01-06,"1,000.5","(1,200.0)"\n2026-01-05,5,7\n2026-01-07,-,-\n';
  expect(flowObservations(text, 'ETH', 'flows.csv').map(({ series, value }) => [series, value])).toEqual([
    ['net_flow.ETH', 7],
    ['net_flow.ETH', -1200],
  ]);
});

test.each(['', 'Date,Flow\n2026-01-05,7\n', 'Date,Total\nTotal,7\n'])('a file without flows is an error: %j', (text) => {
  expect(() => flowObservations(text, 'BTC', 'flows.csv')).toThrow(expect.objectContaining({ code: 'TRB_CONTEXT_FILE' }));
});
