/** What the client does beyond asking: conditions, keys, forms of answers, refusals, a host that fails again and again. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { createHttpClient, type HttpClientOptions } from '#libs/http/client.ts';
import { createCircuitBreaker } from './circuit-breaker.ts';

interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

async function client(reply: (asked: Asked, count: number) => Reply, options: Partial<HttpClientOptions> = {}) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      asked.push({ method, url, headers, body });
      const { status = 200, headers: given, body: answer = '' } = reply(asked.at(-1)!, asked.length);
      response.writeHead(status, given).end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const slept: number[] = [];
  let time = Date.UTC(2026, 10, 20);
  const sleep = (ms: number): Promise<void> => {
    slept.push(ms);
    time += ms;
    return Promise.resolve();
  };
  const clock = { now: () => time, nowMicros: () => time * 1000, sleep };
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http = createHttpClient({ baseUrl, ratePerSecond: 1e6, burst: 1e6, clock, random: () => 0, maxRetries: 0, ...options });
  return { http, asked, slept, leap: (ms: number) => (time += ms) };
}

const Value = z.object({ value: z.number() });
const value = (number: number, headers: Readonly<Record<string, string>> = {}): Reply => ({
  headers,
  body: JSON.stringify({ value: number }),
});
const failing = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

describe('conditional requests', () => {
  test.each([
    ['etag', '"v1"', 'if-none-match'],
    ['last-modified', 'Fri, 20 Nov 2026 00:00:00 GMT', 'if-modified-since'],
  ])('%s is sent back, and a 304 stands for the answer that is kept', async (given, validator, sent) => {
    const { http, asked } = await client(
      ({ headers }) => (headers[sent] === validator ? { status: 304 } : value(7, { [given]: validator })),
      { isConditional: true },
    );
    for (let i = 0; i < 3; i++) expect((await http.getJson('/a', { q: 1 }, Value)).value).toBe(7);
    expect(asked.map(({ headers }) => headers[sent])).toEqual([undefined, validator, validator]);
    await http.getJson('/a', { q: 2 }, Value);
    expect(asked.at(-1)!.headers[sent]).toBeUndefined();
  });

  test('a changed answer takes the place of the kept one', async () => {
    const { http, asked } = await client((_asked, count) => value(count, { etag: `"${count}"` }), { isConditional: true });
    for (const expected of [1, 2, 3]) expect((await http.getJson('/a', {}, Value)).value).toBe(expected);
    expect(asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"', '"2"']);
  });

  test('without the option nothing is kept', async () => {
    const { http, asked } = await client(() => value(1, { etag: '"1"' }));
    for (let i = 0; i < 2; i++) await http.getJson('/a', {}, Value);
    expect(asked[1]!.headers['if-none-match']).toBeUndefined();
  });
});

describe('forms', () => {
  test('a text is given as it is; a web page in its place is an error', async () => {
    const { http } = await client(({ url }) => ({
      body: url === '/csv' ? 'date,rate\n2026-11-19,4.1\n' : ' <!DOCTYPE html><html>',
    }));
    expect(await http.getText('/csv', {})).toBe('date,rate\n2026-11-19,4.1\n');
    await expect(http.getText('/page', {})).rejects.toMatchObject({ code: 'TRB_HTTP_NOT_TEXT', canRetry: true });
  });

  test('a body is posted as JSON', async () => {
    const { http, asked } = await client(() => value(2));
    expect((await http.postJson('/info', { type: 'meta' }, Value)).value).toBe(2);
    expect(asked[0]).toMatchObject({ method: 'POST', url: '/info', body: '{"type":"meta"}' });
    expect(asked[0]!.headers['content-type']).toBe('application/json');
  });
});

describe('refusals', () => {
  test.each([401, 403, 451])('%i is forbidden, and not asked again', async (status) => {
    const { http, asked } = await client(() => ({ status, body: 'no' }), { maxRetries: 3 });
    await expect(http.getJson('/a', {}, Value)).rejects.toMatchObject({ code: 'TRB_HTTP_FORBIDDEN', canRetry: false });
    expect(asked).toHaveLength(1);
  });

  test('403 for want of requests left is a matter of waiting until the reset', async () => {
    const reset = String(Date.UTC(2026, 10, 20) / 1000 + 30);
    const spent = { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset } };
    const { http, slept } = await client((_asked, count) => (count === 1 ? spent : value(1)), { maxRetries: 1 });
    expect((await http.getJson('/a', {}, Value)).value).toBe(1);
    expect(slept).toEqual([30_000]);
  });

  test('a key is in the header; what the server repeats of it is not in the error', async () => {
    const key = 's3cret-of-the-test';
    const { http, asked } = await client(({ headers }) => ({ status: 403, body: `no such key: ${String(headers['x-key'])}` }), {
      headers: { 'x-key': key },
    });
    const error = (await failing(http.getJson('/a', {}, Value))) as Error;
    expect(asked[0]!.headers['x-key']).toBe(key);
    expect(error.message).toContain('no such key: (key)');
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(key);
  });

  test('a key that no header can carry is not in the error either', async () => {
    const key = 's3cret\nof-the-test';
    const { http } = await client(() => value(1), { headers: { 'x-key': key } });
    const error = (await failing(http.getJson('/a', {}, Value))) as Error;
    expect(error).toMatchObject({ code: 'TRB_HTTP_UNAVAILABLE' });
    expect(`${error.message} ${String(error.cause)}`).not.toContain('of-the-test');
  });

  test('every attempt is told, with how it ended', async () => {
    const codes: (string | undefined)[] = [];
    const replies: Reply[] = [{ status: 500 }, { status: 429 }, { body: '{' }, value(1)];
    const { http } = await client((_asked, count) => replies[count - 1]!, {
      maxRetries: 3,
      onAttempt: (code) => codes.push(code),
    });
    await http.getJson('/a', {}, Value);
    expect(codes).toEqual(['TRB_HTTP_UNAVAILABLE', 'TRB_HTTP_RATE_LIMITED', 'TRB_HTTP_NOT_JSON', undefined]);
  });
});

describe('a host that fails again and again', () => {
  test('is left alone, then one request may try, and its success lets all through', async () => {
    let isWell = false;
    const { http, asked, leap } = await client(() => (isWell ? value(1) : { status: 500 }));
    const code = async (): Promise<unknown> => {
      const error = await failing(http.getJson('/a', {}, Value));
      return 'code' in (error as object) ? (error as { code: string }).code : 'ok';
    };
    for (let i = 0; i < 6; i++) expect(await code()).toBe('TRB_HTTP_UNAVAILABLE');
    expect(await code()).toBe('TRB_HTTP_CIRCUIT_OPEN');
    expect(asked).toHaveLength(6);
    leap(30_000);
    // Half open: of two at once one goes; it fails, and the wait doubles.
    expect((await Promise.all([code(), code()])).sort()).toEqual(['TRB_HTTP_CIRCUIT_OPEN', 'TRB_HTTP_UNAVAILABLE']);
    leap(59_999);
    expect(await code()).toBe('TRB_HTTP_CIRCUIT_OPEN');
    isWell = true;
    leap(1);
    expect(await code()).toBe('ok');
    expect(await Promise.all([code(), code()])).toEqual(['ok', 'ok']);
  });

  test('a success in between begins the count anew, and what was under way does not lengthen the wait', () => {
    let time = 0;
    const breaker = createCircuitBreaker({ now: () => time });
    const fail = (): void => breaker.enter('host').failed();
    for (let i = 0; i < 5; i++) fail();
    breaker.enter('host').succeeded();
    for (let i = 0; i < 5; i++) fail();
    const [first, second] = [breaker.enter('host'), breaker.enter('host')];
    first.failed();
    expect(breaker.state).toBe('open');
    time = 20_000;
    second.failed();
    time = 30_000;
    expect(breaker.state).toBe('half-open');
    breaker.enter('host').succeeded();
    expect(breaker.state).toBe('closed');
  });
});
