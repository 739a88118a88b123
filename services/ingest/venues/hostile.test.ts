/** What a venue's REST or socket may answer when it is broken or not the venue at all: a plain error each time, and nothing else happens. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { systemClock } from '#libs/clock/clock.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { Connection } from '../connection.ts';
import { DEFAULT_VENUES, findVenue, VENUES } from './registry.ts';

const signal = new AbortController().signal;
const servers: { close: () => unknown }[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

const DEPTH = 100_000;
const text = (body: string) => ({ headers: {}, body: Buffer.from(body) });
const ANSWERS = {
  'JSON a hundred thousand levels deep': text('['.repeat(DEPTH) + ']'.repeat(DEPTH)),
  'a poisoned prototype': text(
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"result":{"__proto__":{}}}',
  ),
  'numbers that are none': text('{"serverTime":1e999,"iso":"x","epoch":-1,"result":{"unixtime":1e999},"data":[{"ts":"1e999"}]}'),
  'half an answer': text('{"result":{"unixti'),
  nothing: text(''),
  null: text('null'),
  'a web page': text('<html><script>alert(1)</script></html>'),
};

async function serve(answer: { readonly headers: object; readonly body: Buffer }): Promise<string> {
  const server: Server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...answer.headers }).end(answer.body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.each(Object.entries(ANSWERS))('%s', (_, answer) => {
  test('from any venue is an error that says so, or a venue that does not know the instrument', async () => {
    const baseUrl = await serve(answer);
    let now = 0;
    const clock = { ...systemClock, now: () => now, sleep: (ms: number) => Promise.resolve(void (now += ms)) };
    for (const id of Object.keys(VENUES)) {
      const rest = findVenue(id).createRest({ baseUrl, clock, maxRetries: 0 });
      const book = rest.book?.('BTC-USD', signal) ?? Promise.resolve(undefined);
      const asked = [rest.time(signal), rest.listing('BTC-USD', signal), book];
      for (const outcome of await Promise.allSettled(asked)) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: expect.stringMatching(/^TRB_HTTP_/) });
        else expect(typeof outcome.value === 'number' || outcome.value === undefined).toBe(true);
      }
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

test.each(DEFAULT_VENUES)('a gzip bomb from %s is given up', async (id) => {
  const body = gzipSync(Buffer.alloc(33 * 1024 * 1024, ' '));
  const baseUrl = await serve({ headers: { 'content-encoding': 'gzip' }, body });
  const rest = findVenue(id).createRest({ baseUrl, clock: systemClock, maxRetries: 0 });
  await expect(rest.time(signal)).rejects.toMatchObject({ code: 'TRB_HTTP_TOO_LARGE' });
});

test('a frame larger than any book ends the connection, which is opened again', async () => {
  const venue = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  servers.push(venue);
  let connections = 0;
  venue.on('connection', (client) =>
    client.send(connections++ === 0 ? Buffer.alloc(33 * 1024 * 1024, 'x') : 'small', { binary: false }),
  );
  await new Promise((resolve) => venue.once('listening', resolve));
  const stop = new AbortController();
  const frames: (string | undefined)[] = [];
  const reasons: string[] = [];
  const { port } = venue.address() as AddressInfo;
  const logger = createLogger({ level: 'silent' });
  const connection = new Connection(
    { url: `ws://127.0.0.1:${port}`, clock: systemClock, logger, firstPauseMs: 1, silenceMs: 60_000 },
    {
      subscription: () => [],
      connected: () => undefined,
      frame: (frame) => {
        frames.push(frame);
        stop.abort();
      },
      alive: () => undefined,
      disconnected: (reason) => reasons.push(reason),
      rehearse: () => {
        throw new Error('no other connection is wanted');
      },
    },
  );
  await connection.run(stop.signal);
  expect(reasons).toEqual([expect.stringMatching(/payload/i)]);
  expect(frames).toEqual(['small']);
});
