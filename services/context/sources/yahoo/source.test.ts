import { afterEach, expect, test } from '@jest/globals';
import { json, observe, observeHistory, type RecordedServer, serveRecorded } from '../../testing/recorded.ts';
import { yahooSample } from './sample.ts';
import { yahoo } from './source.ts';

let server: RecordedServer | undefined;
afterEach(async () => {
  await server?.close();
});

test('closes of days that are over; the bar under way and empty days are left out', async () => {
  server = await serveRecorded(yahooSample.answers);
  const { observations } = await observe(yahoo, server, { now: yahooSample.now });
  expect(observations.filter(({ series }) => series === 'gold')).toEqual(
    [
      [16, 10.5],
      [17, 11.25],
      [19, 12.75],
    ].map(([day, value]) => ({ series: 'gold', value, observedAt: Date.UTC(2026, 10, day, 21) })),
  );
});

test('a yield that is quoted times ten is divided', async () => {
  const quote = { close: [42.5] };
  const chart = { result: [{ timestamp: [Date.UTC(2026, 10, 17, 14, 30) / 1000], indicators: { quote: [quote] } }], error: null };
  server = await serveRecorded(() => json({ chart }));
  const range = { from: Date.UTC(2026, 10, 17), to: Date.UTC(2026, 10, 19) };
  const { observations } = await observeHistory(yahoo, server, range, { now: range.to });
  const values = new Map(observations.map(({ series, value }) => [series, value]));
  expect([values.get('us10y'), values.get('vix')]).toEqual([4.25, 42.5]);
  expect(observations[0]?.availableAt).toBe(Date.UTC(2026, 10, 18, 12));
});

test('no data is an error', async () => {
  server = await serveRecorded(() =>
    json({ chart: { result: null, error: { code: 'Not Found', description: 'No data found' } } }),
  );
  await expect(observe(yahoo, server, { now: yahooSample.now })).rejects.toMatchObject({ code: 'TRB_CONTEXT_REFUSED' });
});
