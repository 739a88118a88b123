import { afterEach, expect, test } from '@jest/globals';
import {
  type Answers,
  json,
  observe,
  observeHistory,
  type RecordedRequest,
  recordedFile,
  type RecordedServer,
  type Reply,
  serveRecorded,
} from '../../testing/recorded.ts';
import { barObservations } from './mapping.ts';
import { cryptocompareSample } from './sample.ts';
import { BarsOrRefusal, CoinOrRefusal } from './schema.ts';
import { cryptocompare } from './source.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const KEY = 'a-key';

const servers: RecordedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
async function serve(answers: Answers): Promise<RecordedServer> {
  const server = await serveRecorded(answers);
  servers.push(server);
  return server;
}

/** Recorded files hold an answer under `body`. */
function recordedBody(name: string): unknown {
  const file = recordedFile(`responses/cryptocompare/${name}.json`);
  if (file === undefined) return undefined;
  const { body } = JSON.parse(file.body) as { readonly body: unknown };
  return body;
}

test('the recorded price of September 2017 is the index, as old as it says', async () => {
  const body = recordedBody('btc-to-usd-full');
  if (body === undefined) return;
  const answers = { ...cryptocompareSample.answers, '/data/pricemultifull': json(body) };
  const { observations } = await observe(cryptocompare, await serve(answers), {
    now: Date.UTC(2017, 8, 7),
    assets: ['BTC'],
    key: KEY,
  });
  expect(observations[0]).toEqual({
    series: 'cccagg.BTC',
    value: 4563.88,
    observedAt: 1_504_754_372_000,
    publishedAt: 1_504_754_372_000,
  });
});

test('the recorded snapshot of November 2021 tells the number of a coin', () => {
  const body = recordedBody('btc-to-usd-coin-snapshot');
  if (body === undefined) return;
  expect(CoinOrRefusal.parse(body)).toMatchObject({ Data: { CoinInfo: { Id: '1182', Name: 'BTC' } } });
});

test('recorded hours of August 2017 are known a minute after their end', () => {
  const body = recordedBody('btc-to-usd-histo-hour');
  if (body === undefined) return;
  // The answer of that year has the bars one level higher.
  const { Data } = body as { readonly Data: readonly unknown[] };
  const bars = BarsOrRefusal.parse({ Response: 'Success', Data: { TimeFrom: 1_501_876_800, Data } });
  if (!('Data' in bars)) throw new Error('refused');
  expect(barObservations('BTC', bars, HOUR)[0]).toEqual({
    series: 'cccagg.BTC',
    value: 2858.86,
    observedAt: 1_501_880_400_000,
    publishedAt: 1_501_880_460_000,
    availableAt: 1_501_880_460_000,
  });
});

test.each([
  ['You are over your rate limit please upgrade your account!', true],
  ['API key required', false],
])('an answer with status 200 that says "%s" is an error', async (message, canRetry) => {
  const refused = json({ Response: 'Error', Message: message, HasWarning: false, Type: 99, RateLimit: {}, Data: {} });
  const server = await serve({ '/data/pricemultifull': refused });
  await expect(observe(cryptocompare, server, { now: 0, assets: ['BTC'], key: KEY })).rejects.toMatchObject({
    code: 'TRB_CONTEXT_REFUSED',
    message: `CryptoCompare refuses: ${message}`,
    canRetry,
  });
});

test('history pages backwards: hours, then the minutes of the last week, oldest first, each once, none before the listing', async () => {
  const now = Date.UTC(2026, 10, 20, 12);
  const listed = now - 100 * DAY;
  const bars =
    (barMs: number) =>
    ({ query }: RecordedRequest): Reply => {
      const last = Math.floor((Number(query.get('toTs')) * 1000) / barMs) * barMs;
      const times = Array.from({ length: 2001 }, (_, index) => last - (2000 - index) * barMs);
      const rows = times.map((time) => ({ time: time / 1000, close: time < listed ? 0 : 70_000 + ((time / barMs) % 7) }));
      return json({ Response: 'Success', Data: { TimeFrom: rows[0]!.time, TimeTo: rows.at(-1)!.time, Data: rows } });
    };
  const server = await serve({ '/data/v2/histohour': bars(HOUR), '/data/v2/histominute': bars(60_000) });
  const range = { from: now - 1000 * DAY, to: now };
  const { observations } = await observeHistory(cryptocompare, server, range, { now, assets: ['BTC'], key: KEY });
  const times = observations.map(({ observedAt }) => observedAt);
  expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
  expect(times[0]).toBe(listed + HOUR);
  expect(observations.every(({ observedAt, availableAt = NaN }) => availableAt > observedAt && availableAt < now)).toBe(true);
  // 92 days and 23 hours or so of hours, then minutes to the end.
  expect(times.length).toBeGreaterThan(93 * 24 + 6 * 1440);
  expect(times.at(-1)).toBe(now - 2 * 60_000);
  expect(server.requests.filter(({ path }) => path.endsWith('hour')).length).toBeLessThanOrEqual(3);
});
