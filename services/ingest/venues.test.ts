/** Ingest of the opt-in venues against scripted ones on loopback: books by REST, repair, keep-alive, and venues that do not serve us. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { systemClock } from '#libs/clock/clock.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { type Harness, openHarness, until } from './harness.test-tool.ts';
import { LISTING_PAUSE_MS, watchListings } from './listing-watch.ts';
import { gather } from './recording.test-tool.ts';
import { runEach } from './several.ts';
import { binance } from './venues/binance/feed.ts';
import { type VenueRest } from './venues/venue.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Respond = (url: URL, response: ServerResponse) => void;

/** A server of both protocols. `upgrade`: the HTTP status that the WebSocket is refused with; undefined = it is let in. */
async function venueOnLoopback(
  respond: Respond,
  hear: (text: string, say: (frame: unknown) => void) => void,
  upgrade?: () => number | undefined,
) {
  const server = createServer((request: IncomingMessage, response) => respond(new URL(request.url!, 'http://venue'), response));
  const sockets = new WebSocketServer({ noServer: true });
  let upgrades = 0;
  server.on('upgrade', (request, socket, head) => {
    upgrades++;
    const status = upgrade?.();
    if (status === undefined)
      sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request));
    else socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  });
  let pings = 0;
  const text = (frame: unknown) => (typeof frame === 'string' ? frame : JSON.stringify(frame));
  sockets.on('connection', (client) => {
    client.on('ping', () => pings++);
    client.on('message', (data: Buffer) => hear(data.toString(), (frame) => client.send(text(frame))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    sockets.clients.forEach((client) => client.terminate());
    server.closeAllConnections();
    server.close();
  });
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    say: (frame: unknown) => sockets.clients.forEach((client) => client.send(text(frame))),
    endpoints: { ws: `ws://${at}`, rest: `http://${at}` },
    cut: () => sockets.clients.forEach((client) => client.terminate()),
    pings: () => pings,
    upgrades: () => upgrades,
  };
}

async function harnessOf(): Promise<Harness> {
  const harness = await openHarness(1);
  closers.push(() => harness.close());
  return harness;
}

const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const filters = [
  { filterType: 'PRICE_FILTER', tickSize: '0.01' },
  { filterType: 'LOT_SIZE', stepSize: '0.00001' },
];

/** A Binance of one symbol. */
async function binanceOnLoopback(upgrade?: () => number | undefined) {
  let books = 0;
  const respond: Respond = ({ pathname, searchParams }, response) => {
    if (pathname === '/api/v3/exchangeInfo' && searchParams.get('symbol') !== 'BTCUSDT')
      json(response, { code: -1121, msg: 'Invalid symbol.' }, 400);
    else if (pathname === '/api/v3/exchangeInfo')
      json(response, { symbols: [{ symbol: 'BTCUSDT', status: 'TRADING', filters }] });
    else if (pathname === '/api/v3/time') json(response, { serverTime: Date.now() });
    else if (pathname === '/api/v3/depth')
      json(response, { lastUpdateId: ++books * 100, bids: [['100', '1']], asks: [['110', '1']] });
    else
      json(
        response,
        [2, 3].map((a) => ({ a, p: '105', q: '1', f: a, l: a, T: Date.now(), m: false, M: true })),
      );
  };
  const hear = (heard: string, say: (frame: unknown) => void): void => {
    const { method, params } = JSON.parse(heard) as { method: string; params: string[] };
    if (method === 'SUBSCRIBE' && params.includes('btcusdt@depth@100ms')) say({ result: null, id: 1 });
  };
  const venue = await venueOnLoopback(respond, hear, upgrade);
  const depth = (U: number, u: number, b: string[][]) =>
    venue.say({ stream: 'btcusdt@depth@100ms', data: { e: 'depthUpdate', E: Date.now(), s: 'BTCUSDT', U, u, b, a: [] } });
  const trade = (a: number) =>
    venue.say({ stream: 'btcusdt@aggTrade', data: { e: 'aggTrade', s: 'BTCUSDT', a, p: '105', q: '1', T: Date.now(), m: true } });
  return { ...venue, depth, trade, books: () => books };
}

test('a book of changes and a snapshot by REST; a hole in the sequence brings a new one; missed trades are fetched', async () => {
  const venue = await binanceOnLoopback();
  const harness = await harnessOf();
  harness.start({ venue: 'binance', instruments: ['BTC-USDT'], endpoints: venue.endpoints });
  await until('the subscription', () => harness.gaps('BTC-USDT').length > 0);
  venue.depth(90, 101, [['104', '2']]);
  await until('the book', () => harness.of('quote').length === 1);
  expect(harness.of('quote')).toEqual([{ bid: 104, bidSize: 2, ask: 110, askSize: 1 }]);
  venue.depth(103, 104, [['105', '2']]);
  await until('the gap', () => harness.gaps('BTC-USDT').includes('CHECKSUM'));
  expect(venue.books()).toBe(1);
  venue.depth(195, 201, [['106', '3']]);
  await until('the new book', () => harness.of('quote').length === 2);
  expect(harness.of('quote')[1]).toMatchObject({ bid: 106, bidSize: 3 });
  venue.trade(1);
  venue.trade(4);
  await until('the trades between', () => harness.of('trade').length === 4);
  expect(
    harness
      .of('trade')
      .map(({ tradeId, repaired }) => [tradeId, repaired])
      .sort(),
  ).toEqual([
    [1, false],
    [2, true],
    [3, true],
    [4, false],
  ]);
});

test('a quiet venue is asked whether it is there, and its answer counts as life', async () => {
  const venue = await binanceOnLoopback();
  const harness = await harnessOf();
  harness.start({ venue: 'binance', instruments: ['BTC-USDT'], endpoints: venue.endpoints, silenceMs: 3_000 });
  await until('the second ping, later than the silence that is borne', () => venue.pings() >= 2);
  expect(harness.gaps('BTC-USDT')).toEqual(['DISCONNECT']);
  expect(venue.upgrades()).toBe(1);
});

test.each([403, 451])(
  'a venue that answers %i to REST and to the socket switches itself off with one notice; the others run on',
  async (status) => {
    const blocked = await venueOnLoopback(
      (_url, response) => json(response, { msg: 'restricted location' }, status),
      () => undefined,
      () => status,
    );
    // REST is let through, the socket is not.
    const half = await venueOnLoopback(
      ({ pathname }, response) =>
        pathname === '/v5/market/time'
          ? json(response, { retCode: 0, result: { timeNano: `${Date.now()}000000` } })
          : json(response, {
              retCode: 0,
              result: {
                list: [{ status: 'Trading', priceFilter: { tickSize: '0.01' }, lotSizeFilter: { basePrecision: '0.001' } }],
              },
            }),
      () => undefined,
      () => status,
    );
    const binance = await binanceOnLoopback();
    const harness = await harnessOf();
    const notices: string[] = [];
    const silent = createLogger({ level: 'silent' });
    const logger = Object.assign(Object.create(silent) as typeof silent, {
      warn: (message: unknown) => notices.push(String(message)),
    });
    const stop = new AbortController();
    const health = new Health();
    const context = { log: harness.log, clock: systemClock, logger, metrics: harness.metrics, health, source: 'live' as const };
    const endpoints = { okx: blocked.endpoints, bybit: half.endpoints, binance: binance.endpoints };
    const running = runEach(context, { venues: ['okx', 'bybit', 'binance'], symbols: ['BTC-USD'], endpoints }, stop.signal);
    await until('both notices', () => notices.length === 2);
    await until('the subscription', () => harness.gaps('BTC-USDT').length > 0);
    binance.depth(90, 101, [['104', '2']]);
    await until('the third venue’s quotes', () => harness.of('quote', 'BTC-USDT').length > 0);
    stop.abort();
    await running;
    expect(notices.sort()).toEqual([
      expect.stringContaining('bybit is switched off: 127.0.0.1'),
      expect.stringContaining('okx is switched off: 127.0.0.1'),
    ]);
    for (const notice of notices) expect(notice).toContain(`HTTP ${status}`);
    expect([blocked.upgrades(), half.upgrades()]).toEqual([0, 1]);
    expect(health.parts()['ingest okx']).toMatchObject({ ready: true, detail: 'does not serve this address' });
  },
);

test('a venue whose feed does not tell is asked now and then: a halt, an answer that fails, a delisting', async () => {
  const { stream, of } = gather('BTC-USDT', binance);
  const listing = {
    instrument: 'BTC-USDT',
    status: TradingStatus.TRADING_STATUS_ONLINE,
    tickSize: 0.01,
    priceDecimals: 2,
    sizeDecimals: 5,
  };
  const stop = new AbortController();
  const answers = [
    () => ({ ...listing, status: TradingStatus.TRADING_STATUS_HALTED }),
    () => {
      throw new Error('no');
    },
    () => undefined,
  ];
  const rest: VenueRest = {
    timeResolution: 1,
    time: () => Promise.resolve(0),
    listing: () => {
      const answer = answers.shift()!;
      if (answers.length === 0) stop.abort();
      return Promise.resolve().then(answer);
    },
  };
  const slept: number[] = [];
  const clock = { ...systemClock, sleep: (ms: number) => Promise.resolve(void slept.push(ms)) };
  stream.onListing(listing, 1);
  await watchListings({ rest, streams: [stream], clock, logger: createLogger({ level: 'silent' }) }, stop.signal);
  expect(of('status').map(({ status }) => status)).toEqual([
    TradingStatus.TRADING_STATUS_ONLINE,
    TradingStatus.TRADING_STATUS_HALTED,
    TradingStatus.TRADING_STATUS_DELISTED,
  ]);
  expect(slept).toEqual([LISTING_PAUSE_MS, LISTING_PAUSE_MS, LISTING_PAUSE_MS]);
});

test('a 403 after the venue had let us in is a passing fault, a 451 is not', async () => {
  const statuses: (number | undefined)[] = [undefined, 403, undefined, 451];
  const venue = await binanceOnLoopback(() => statuses.shift());
  const harness = await harnessOf();
  const { running } = harness.start({ venue: 'binance', instruments: ['BTC-USDT'], endpoints: venue.endpoints });
  const connections = () => harness.of('heartbeat', 'BTC-USDT').at(-1)?.reconnects;
  await until('the first connection', () => connections() === 0);
  venue.cut();
  await until('the second, after one refusal', () => connections() === 1);
  expect(venue.upgrades()).toBe(3);
  venue.cut();
  await expect(running).rejects.toMatchObject({ code: 'TRB_VENUE_BLOCKED', message: expect.stringContaining('HTTP 451') });
});

test('where no venue serves us, that is the error', async () => {
  const blocked = await venueOnLoopback(
    (_url, response) => json(response, {}, 451),
    () => undefined,
  );
  const harness = await harnessOf();
  const logger = createLogger({ level: 'silent' });
  const context = {
    log: harness.log,
    clock: systemClock,
    logger,
    metrics: harness.metrics,
    health: harness.health,
    source: 'live' as const,
  };
  const options = { venues: ['okx'], symbols: ['BTC-USD'], endpoints: { okx: blocked.endpoints } };
  await expect(runEach(context, options, new AbortController().signal)).rejects.toMatchObject({
    code: 'TRB_HTTP_FORBIDDEN',
    canRetry: false,
  });
});
