/** Ingest against scripted venues on loopback: what the simulator cannot be made to do. */
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import { afterEach, expect, test } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { GapKind, Side, TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { type Harness, openHarness, until } from './harness.test-tool.ts';
import { gather } from './recording.test-tool.ts';
import { probeVenue } from './venues/registry.ts';

/** Of one ask at 101.0 and one bid at 100.0, size 1 each. */
const CHECKSUM = crc32('1010100000000' + '1000100000000');

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A Kraken of two symbols whose books are right, until told otherwise. */
async function krakenOnLoopback() {
  const heard: { method: string; params: { channel: string; symbol?: string[] } }[] = [];
  const pairs = { BTC: 'XBT', ETH: 'ETH' };
  const server = createServer((request, response) => {
    const result = request.url!.startsWith('/AssetPairs')
      ? Object.fromEntries(
          Object.values(pairs).map((base) => [
            base,
            { altname: `${base}USD`, wsname: `${base}/USD`, pair_decimals: 1, lot_decimals: 8 },
          ]),
        )
      : { unixtime: Math.floor(Date.now() / 1000) };
    response.end(JSON.stringify({ error: [], result }));
  });
  const sockets = new WebSocketServer({ server });
  const say = (frame: unknown) =>
    sockets.clients.forEach((client) => client.send(typeof frame === 'string' ? frame : JSON.stringify(frame)));
  const book = (symbol: string, checksum = CHECKSUM, type = 'snapshot') =>
    say({ channel: 'book', type, data: [{ symbol, bids: [{ price: 100, qty: 1 }], asks: [{ price: 101, qty: 1 }], checksum }] });
  sockets.on('connection', (client) =>
    client.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as (typeof heard)[number];
      heard.push(message);
      if (message.method === 'subscribe' && message.params.channel === 'book')
        message.params.symbol!.forEach((symbol) => book(symbol));
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    sockets.clients.forEach((client) => client.terminate());
    server.closeAllConnections();
    server.close();
  });
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { heard, say, book, endpoints: { ws: `ws://${at}`, rest: `http://${at}` } };
}

async function harnessOf(): Promise<Harness> {
  const harness = await openHarness(1);
  closers.push(() => harness.close());
  return harness;
}

test('a bad checksum resyncs the one symbol it belongs to; hostile frames are counted and harm nothing', async () => {
  const venue = await krakenOnLoopback();
  const harness = await harnessOf();
  harness.start({ venue: 'kraken', instruments: ['BTC-USD', 'ETH-USD'], endpoints: venue.endpoints });
  await until('both books', () => harness.of('quote').length === 2);
  for (const frame of [
    '{',
    '[]',
    '"',
    '{"channel":"trade","data":[{"symbol":"BTC/USD","price":1e999}]}',
    Buffer.alloc(3).toString('latin1'),
  ])
    venue.say(frame);
  const before = venue.heard.length;
  venue.book('ETH/USD', 1, 'update');
  await until('the new book', () => harness.of('quote', 'ETH-USD').length === 2);
  expect(venue.heard.slice(before)).toMatchObject([
    { method: 'unsubscribe', params: { channel: 'book', symbol: ['ETH/USD'] } },
    { method: 'subscribe', params: { channel: 'book', symbol: ['ETH/USD'] } },
  ]);
  expect(harness.gaps('BTC-USD')).not.toContain('CHECKSUM');
  await until('the gap', () => harness.gaps('ETH-USD').includes('CHECKSUM') && harness.gaps('BTC-USD').includes('MALFORMED'));
  const text = await harness.metrics.metrics();
  expect(text).toContain('tributary_ingest_checksum_failures_total{venue="kraken"} 1');
  expect(text).toContain('tributary_ingest_malformed_total{venue="kraken",reason="not-json"}');
});

test('says which symbol the venue does not have, and which venue there is not', async () => {
  const venue = await krakenOnLoopback();
  const harness = await harnessOf();
  const { endpoints } = venue;
  await expect(harness.start({ venue: 'kraken', instruments: ['BTC-USD', 'FOO-USD'], endpoints }).running).rejects.toMatchObject({
    code: 'TRB_UNKNOWN_SYMBOL',
    message: expect.stringContaining('FOO-USD'),
  });
  await expect(harness.start({ venue: 'mtgox', instruments: ['BTC-USD'], endpoints }).running).rejects.toMatchObject({
    code: 'TRB_UNKNOWN_VENUE',
  });
  expect(await probeVenue('kraken', { endpoints, timeoutMs: 2_000 })).toBe('answers');
  expect(await probeVenue('kraken', { endpoints: { ...endpoints, rest: 'http://127.0.0.1:1' }, timeoutMs: 2_000 })).toBe(
    'silent',
  );
});

test('trades that find the queue full become an overflow gap and a repair, and the log is not called complete beyond them', () => {
  const { stream, of, asked, queue } = gather('BTC-USD');
  const trade = (tradeId: number) => ({
    kind: 'trade' as const,
    instrument: 'BTC-USD',
    tradeId,
    price: 100,
    size: 1,
    aggressor: Side.SIDE_BUY,
    exchangeTime: tradeId,
    isLate: false,
  });
  stream.connected(1);
  stream.onTrade(trade(1), 1);
  queue.isFull = queue.isBusy = true;
  for (const id of [2, 3, 4]) stream.onTrade(trade(id), 2);
  stream.everySecond(3, 0);
  expect(of('heartbeat').at(-1)!.completeThroughTradeId).toBe(1);
  queue.isFull = queue.isBusy = false;
  stream.flush(4);
  expect(of('gap').at(-1)).toMatchObject({ kind: GapKind.GAP_KIND_OVERFLOW, fromTradeId: 2, toTradeId: 4 });
  const [hole] = asked.repairs;
  expect(stream.onRepair(hole!, [2, 3, 4].map(trade), 5)).toBe(3);
  stream.closeHole(hole!, 6);
  stream.everySecond(7, 0);
  expect(of('trade').map(({ tradeId, repaired }) => [tradeId, repaired])).toEqual([
    [1, false],
    [2, true],
    [3, true],
    [4, true],
  ]);
  expect(of('heartbeat').at(-1)!.completeThroughTradeId).toBe(4);
});

test('REST is asked for what came after a trade from our time on where the venue’s clock was ahead', () => {
  const { stream, asked } = gather('BTC-USD');
  const trade = (tradeId: number, exchangeTime: number) => ({ ...priced(100, tradeId - 1), exchangeTime });
  stream.connected(1);
  stream.onTrade(trade(1, 600_000_001), 1_000);
  stream.onTrade(trade(5, 2_000), 2_001);
  expect(asked.repairs).toEqual([{ from: 2, to: 4, after: 1_000 }]);
});

test('and for trades that found the queue full there', () => {
  const { stream, asked, queue } = gather('BTC-USD');
  stream.connected(1);
  queue.isFull = queue.isBusy = true;
  stream.onTrade({ ...priced(100, 0), exchangeTime: 600_000_001 }, 1_000);
  queue.isFull = queue.isBusy = false;
  stream.flush(1_001);
  expect(asked.repairs).toEqual([{ from: 1, to: 1, after: 1_000 }]);
});

const priced = (price: number, at: number) => ({
  kind: 'trade' as const,
  instrument: 'BTC-USD',
  tradeId: at + 1,
  price,
  size: 1,
  aggressor: Side.SIDE_SELL,
  exchangeTime: 0,
  isLate: false,
});

test('a price far off is not believed until it is confirmed; what was not believed is asked for by REST', () => {
  const { stream, of, asked } = gather('BTC-USD');
  stream.connected(1);
  [100, 101, 1000, 102].forEach((price, at) => stream.onTrade(priced(price, at), at + 2));
  expect(stream.onRepair(asked.repairs[0]!, [priced(101.5, 2)], 6)).toBe(1);
  [300, 301, 302].forEach((price, at) => stream.onTrade(priced(price, at + 4), at + 7));
  expect(of('trade').map(({ tradeId, price, repaired }) => [tradeId, price, repaired])).toEqual([
    [1, 100, false],
    [2, 101, false],
    [4, 102, false],
    [3, 101.5, true],
    [7, 302, false],
  ]);
  expect(asked.malformed).toEqual(['absurd-price', 'absurd-price', 'absurd-price']);
  expect(asked.repairs.map(({ to }) => to)).toEqual([3, 6]);
});

test('a price that the book contradicts is not believed however often it is told', () => {
  const { stream, of, asked } = gather('BTC-USD');
  stream.onListing(
    {
      instrument: 'BTC-USD',
      status: TradingStatus.TRADING_STATUS_ONLINE,
      tickSize: 1,
      priceDecimals: 0,
      sizeDecimals: 2,
    },
    1,
  );
  stream.connected(1);
  const sides = { bids: [99, 1], asks: [101, 1] };
  stream.onBook({ kind: 'book', instrument: 'BTC-USD', isSnapshot: true, ...sides, checksum: undefined, exchangeTime: 1 }, 1);
  [100, 1000, 1000, 1000, 1000, 1000, 100].forEach((price, at) => stream.onTrade(priced(price, at), at + 2));
  expect(of('trade').map(({ tradeId, price }) => [tradeId, price])).toEqual([
    [1, 100],
    [7, 100],
  ]);
  expect(asked.repairs.map(({ from, to }) => [from, to])).toEqual([[2, 6]]);
  // Nor for a minute after the book is gone.
  stream.disconnected(10, GapKind.GAP_KIND_DISCONNECT, 'cut');
  stream.connected(11);
  [1000, 1000, 1000, 1000].forEach((price, at) => stream.onTrade(priced(price, at + 7), at + 12));
  expect(of('trade')).toHaveLength(2);
  stream.onTrade(priced(1000, 11), 60_000_100);
  expect(of('trade')).toHaveLength(2);
  [1000, 1000].forEach((price, at) => stream.onTrade(priced(price, at + 12), 60_000_101));
  expect(of('trade').at(-1)).toMatchObject({ tradeId: 14, price: 1000 });
});
