/** One feed's connections against a server on loopback: which of two serves, and when. */
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { type WebSocket, WebSocketServer } from 'ws';
import { systemClock, type WallClock } from '#libs/clock/clock.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { Connection } from './connection.ts';
import { until } from './harness.test-tool.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Runs twenty times as fast as ours. */
function fastClock(): WallClock {
  const begin = Date.now();
  const now = (): number => begin + 20 * (Date.now() - begin);
  return { ...systemClock, now, nowMicros: () => 1000 * now(), sleep: (ms, signal) => systemClock.sleep(ms / 20, signal) };
}

/** A feed with its server's ends of the connections; `missing` says what the next one lacks to serve. */
async function feedOf({ rotateMs, missing }: { rotateMs?: number; missing: () => string | undefined }) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const sockets: WebSocket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  const said: string[] = [];
  const hears = (who: string) => ({
    subscription: () => [],
    connected: () => said.push(`${who} connected`),
    frame: (text: string | undefined) => said.push(`${who} ${text}`),
    alive: () => undefined,
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { url, clock: fastClock(), logger: createLogger({ level: 'silent' }), silenceMs: 10 ** 9, firstPauseMs: 1 };
  const connection = new Connection(rotateMs === undefined ? options : { ...options, rotateMs }, {
    ...hears('feed'),
    disconnected: () => said.push('feed disconnected'),
    rehearse: () => ({
      ...hears('next'),
      failure: undefined,
      missing: () => (sockets.length < 2 ? 'a socket' : missing()),
      takeOver: () => said.push('taken over'),
      giveUp: () => said.push('given up'),
    }),
  });
  const stop = new AbortController();
  const running = connection.run(stop.signal);
  closers.push(async () => {
    stop.abort();
    await running;
    server.close();
  });
  await until('the connection', () => said.length === 1);
  return { connection, said, sockets };
}

test('the next connection is heard apart until it lacks nothing; then it serves, and the one before is closed', async () => {
  let lacking: string | undefined = 'the book';
  const { connection, said, sockets } = await feedOf({ missing: () => lacking });
  connection.rotate();
  await until('the next connection', () => sockets.length === 2);
  const closed = once(sockets[0]!, 'close');
  sockets.forEach((socket, at) => socket.send(`from ${at}`));
  await until('both', () => said.includes('feed from 0') && said.includes('next from 1'));
  lacking = undefined;
  await closed;
  sockets[1]!.send('served');
  await until('the frame', () => said.includes('feed served'));
  expect(said.slice(-2)).toEqual(['taken over', 'feed served']);
  expect(said).not.toContain('feed disconnected');
});

test('a next connection that lacks something for too long is closed; the present one goes on, and one after that serves', async () => {
  let lacking: string | undefined = 'the book';
  const { said, sockets } = await feedOf({ rotateMs: 1_000, missing: () => lacking });
  await until('the next connection', () => sockets.length === 2);
  await once(sockets[1]!, 'close');
  sockets[0]!.send('still');
  await until('the frame', () => said.includes('feed still'));
  lacking = undefined;
  await until('the change', () => said.includes('taken over'));
  // In between it may have been tried in vain once more.
  expect([...new Set(said)]).toEqual(['feed connected', 'next connected', 'given up', 'feed still', 'taken over']);
});

test('a connection that ends while the next one is rehearsed is lost like any other', async () => {
  const { connection, said, sockets } = await feedOf({ missing: () => 'the book' });
  connection.rotate();
  await until('the next connection', () => said.includes('next connected'));
  sockets[0]!.close();
  await until('the new connection', () => said.filter((line) => line === 'feed connected').length === 2);
  await until('the end of the next', () => said.includes('given up'));
  expect(said).toContain('feed disconnected');
  expect(said).not.toContain('taken over');
});
