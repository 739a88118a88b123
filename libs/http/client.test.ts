import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { systemClock } from '#libs/clock/clock.ts';
import { createHttpClient, type HttpClientOptions } from '#libs/http/client.ts';

/** Answers in turn; the last one again and again. */
type Reply = (response: ServerResponse) => void;
const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

async function client(replies: Reply[], options: Partial<HttpClientOptions> = {}) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const reply = replies[Math.min(requests.length, replies.length - 1)]!;
    requests.push(request.url!);
    reply(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const slept: number[] = [];
  let time = 1_000_000;
  const clock = {
    now: () => time,
    nowMicros: () => time * 1000,
    sleep: (ms: number) => {
      slept.push(ms);
      time += ms;
      return Promise.resolve();
    },
  };
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const http = createHttpClient({ baseUrl, ratePerSecond: 1000, burst: 10, clock, random: () => 0, ...options });
  return { http, requests, slept };
}

const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Reply =>
  (response) =>
    response.writeHead(status, headers).end(JSON.stringify(body));
const raw =
  (text: string, status = 200): Reply =>
  (response) =>
    response.writeHead(status).end(text);
const Value = z.object({ value: z.number() });

describe('getJson', () => {
  test('gives the checked answer and leaves undefined parameters out', async () => {
    const { http, requests } = await client([json({ value: 1, more: true })]);
    expect((await http.getJson('/a', { after: 7, limit: undefined }, Value)).value).toBe(1);
    expect(requests).toEqual(['/v1/a?after=7']);
  });

  test('waits as long as a 429 asks, as long as its own back-off after a 5xx or a cut, then succeeds', async () => {
    const { http, slept } = await client([
      json({}, 429, { 'retry-after': '3' }),
      json({}, 503),
      (response) => response.destroy(),
      json({ value: 2 }),
    ]);
    expect((await http.getJson('/a', {}, Value)).value).toBe(2);
    expect(slept).toEqual([3000, 500, 1000]);
  });

  test('does not wait longer than maxWaitMs', async () => {
    const { http } = await client([json({}, 429, { 'retry-after': '3600' })]);
    await expect(http.getJson('/a', {}, Value)).rejects.toMatchObject({ code: 'TRB_HTTP_RATE_LIMITED', canRetry: true });
  });

  test('knows a throttled answer with status 200', async () => {
    const { http, slept } = await client([json({ error: ['EGeneral:Too many requests'] }), json({ value: 3 })], {
      isThrottled: (body) => JSON.stringify(body).includes('Too many'),
    });
    expect((await http.getJson('/a', {}, Value)).value).toBe(3);
    expect(slept).toEqual([2000]);
  });

  test.each([
    ['a web page', [raw('<html>blocked</html>')], 'TRB_HTTP_NOT_JSON'],
    ['truncated JSON', [raw('{"value":')], 'TRB_HTTP_NOT_JSON'],
    ['another shape', [json({ value: 'x' })], 'TRB_HTTP_SHAPE'],
    ['404', [json({ message: 'NotFound' }, 404)], 'TRB_HTTP_NOT_FOUND'],
    ['400', [json({ message: 'bad' }, 400)], 'TRB_HTTP_REFUSED'],
    ['a redirect', [json({}, 302, { location: 'http://127.0.0.1:1/' })], 'TRB_HTTP_REFUSED'],
    ['too much', [raw(`[${'1,'.repeat(600)}1]`)], 'TRB_HTTP_TOO_LARGE'],
    ['500 for ever', [raw('oops', 500)], 'TRB_HTTP_UNAVAILABLE'],
  ])('%s is an error with its own code', async (_name, replies, code) => {
    const { http, requests } = await client(replies, { maxRetries: 1, maxBodyBytes: 1000 });
    await expect(http.getJson('/a', {}, Value)).rejects.toMatchObject({ code });
    expect(requests.length).toBe(code === 'TRB_HTTP_NOT_JSON' || code === 'TRB_HTTP_UNAVAILABLE' ? 2 : 1);
  });

  test('gives up on a server that never answers, and at once when told to stop', async () => {
    const silent: Reply = () => undefined;
    const { http } = await client([silent], { timeoutMs: 20, maxRetries: 0 });
    await expect(http.getJson('/a', {}, Value)).rejects.toMatchObject({ code: 'TRB_HTTP_UNAVAILABLE' });
    const { http: patient } = await client([silent], { clock: systemClock });
    const stop = new AbortController();
    const answer = patient.getJson('/a', {}, Value, { signal: stop.signal });
    stop.abort();
    await expect(answer).rejects.toMatchObject({ code: 'TRB_HTTP_ABORTED' });
  });

  test('keeps to its rate after the burst', async () => {
    const { http, slept } = await client([json({ value: 1 })], { ratePerSecond: 10, burst: 2 });
    for (let request = 0; request < 4; request++) await http.getJson('/a', {}, Value);
    expect(slept).toEqual([100, 100]);
  });
});
