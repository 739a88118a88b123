import { afterEach, expect, test } from '@jest/globals';
import { json, observe, observeHistory, type RecordedServer, serveRecorded } from '../../testing/recorded.ts';
import { alternativeMe, Index, indexObservations } from './source.ts';

const HOUR = 3_600_000;
let server: RecordedServer | undefined;
afterEach(async () => {
  await server?.close();
});

/** As answered on 8 November 2025. */
const RECORDED = {
  name: 'Fear and Greed Index',
  data: [{ value: '20', value_classification: 'Extreme Fear', timestamp: '1762560000', time_until_update: '30392' }],
  metadata: { error: null },
};

test('a day is of the day before, and known an hour after it began at the latest', () => {
  expect(indexObservations(Index.parse(RECORDED))).toEqual([
    {
      series: 'fear_greed',
      value: 20,
      observedAt: Date.UTC(2025, 10, 8),
      publishedAt: Date.UTC(2025, 10, 8),
      availableAt: Date.UTC(2025, 10, 8, 1),
    },
  ]);
});

test('history leaves out what the range does not hold, oldest first', async () => {
  const day = (date: number, value: string) => ({ value, timestamp: String(Date.UTC(2025, 10, date) / 1000) });
  server = await serveRecorded({
    '/fng/': json({ ...RECORDED, data: [day(8, '20'), day(7, '24'), day(6, '27'), day(5, '23')] }),
  });
  const range = { from: Date.UTC(2025, 10, 6), to: Date.UTC(2025, 10, 8, 1) };
  const { observations } = await observeHistory(alternativeMe, server, range, { now: range.to });
  expect(observations.map(({ value, availableAt }) => [value, availableAt])).toEqual([
    [27, Date.UTC(2025, 10, 6) + HOUR],
    [24, Date.UTC(2025, 10, 7) + HOUR],
  ]);
  expect(server.requests[0]?.query.get('limit')).toBe('0');
});

test('an error in an answer with status 200 is one', async () => {
  server = await serveRecorded({ '/fng/': json({ name: '', data: [], metadata: { error: 'Too many requests' } }) });
  await expect(observe(alternativeMe, server, { now: Date.UTC(2025, 10, 8) })).rejects.toMatchObject({
    code: 'TRB_CONTEXT_REFUSED',
    canRetry: true,
  });
});
