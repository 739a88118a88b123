import { expect, test } from '@jest/globals';
import { observeHistory, json, serveRecorded } from '../../testing/recorded.ts';
import { viewObservations, Views, wikipedia } from './source.ts';

/** As answered for 1 September 2026. */
const RECORDED = {
  items: [
    {
      project: 'en.wikipedia',
      article: 'Bitcoin',
      granularity: 'daily',
      timestamp: '2026090100',
      access: 'all-access',
      agent: 'user',
      views: 7421,
    },
  ],
};

test('a day is known at noon of the next', () => {
  const availableAt = Date.UTC(2026, 8, 2, 12);
  expect(viewObservations('BTC', Views.parse(RECORDED))).toEqual([
    { series: 'page_views.BTC', value: 7421, observedAt: Date.UTC(2026, 8, 2), publishedAt: availableAt, availableAt },
  ]);
});

test('history asks for the days that became known in the range, and says whom to write to', async () => {
  const server = await serveRecorded(() => json(RECORDED));
  try {
    const range = { from: Date.UTC(2026, 8, 2, 12), to: Date.UTC(2026, 8, 3) };
    const options = { now: Date.UTC(2026, 8, 10), assets: ['BTC', 'NOSUCHCOIN'], key: 'someone@example.com' };
    const { observations } = await observeHistory(wikipedia, server, range, options);
    expect(observations.map(({ value }) => value)).toEqual([7421]);
    expect(server.requests.map(({ path }) => path)).toEqual(['/Bitcoin/daily/20260831/20260903']);
    expect(server.requests[0]?.headers['user-agent']).toBe('tributary/0.1 (someone@example.com)');
    const earlier = { from: range.from - 1, to: range.from };
    expect((await observeHistory(wikipedia, server, earlier, options)).observations).toEqual([]);
  } finally {
    await server.close();
  }
});
