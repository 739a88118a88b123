/** Each venue's REST against a local server that answers in the documented form: listings, time, what is unknown, what is throttled. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '#libs/clock/clock.ts';
import { TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { findVenue, instrumentsAt, probeVenue } from './registry.ts';
import { type TradeEvent } from './venue.ts';

const ONLINE = TradingStatus.TRADING_STATUS_ONLINE;
const NOW = 1_700_000_000_123;
const signal = new AbortController().signal;
const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

interface Answer {
  readonly status?: number;
  readonly body: unknown;
}

/** Answers by path and query; what is not there is 404. */
async function serve(answers: Readonly<Record<string, Answer | readonly Answer[]>>): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url!;
    const times = asked.filter((before) => before === url).length;
    asked.push(url);
    const found = answers[url] ?? { status: 404, body: 'no' };
    const { status = 200, body } = Array.isArray(found) ? (found as Answer[])[times]! : (found as Answer);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const restOf = (id: string, baseUrl: string) => findVenue(id).createRest({ baseUrl, clock: systemClock, maxRetries: 1 });

interface Case {
  readonly venue: string;
  readonly instrument: string;
  readonly answers: Readonly<Record<string, Answer>>;
  readonly listing: object;
  readonly unknown: string;
  readonly time: Readonly<Record<string, Answer>>;
}

const binanceInfo = {
  symbols: [
    {
      symbol: 'BTCUSDT',
      status: 'TRADING',
      filters: [
        { filterType: 'PRICE_FILTER', minPrice: '0.01000000', tickSize: '0.01000000' },
        { filterType: 'LOT_SIZE', minQty: '0.00001000', stepSize: '0.00001000' },
      ],
    },
  ],
};
const okx = (data: unknown[], code = '0') => ({ body: { code, msg: '', data } });
const bybit = (result: unknown, retCode = 0) => ({ body: { retCode, retMsg: 'OK', result, retExtInfo: {}, time: NOW } });

const CASES: readonly Case[] = [
  ...(['binance', 'binanceus'] as const).map((venue) => ({
    venue,
    instrument: 'BTC-USDT',
    answers: {
      '/api/v3/exchangeInfo?symbol=BTCUSDT': { body: binanceInfo },
      '/api/v3/exchangeInfo?symbol=NOPEUSDT': { status: 400, body: { code: -1121, msg: 'Invalid symbol.' } },
    },
    listing: { tickSize: 0.01, priceDecimals: 2, sizeDecimals: 5 },
    unknown: 'NOPE-USDT',
    time: { '/api/v3/time': { body: { serverTime: NOW } } },
  })),
  {
    venue: 'okx',
    instrument: 'BTC-USDT',
    answers: {
      '/api/v5/public/instruments?instType=SPOT&instId=BTC-USDT': okx([
        { instId: 'BTC-USDT', tickSz: '0.1', lotSz: '0.00000001', state: 'live' },
      ]),
      '/api/v5/public/instruments?instType=SPOT&instId=NOPE-USDT': okx([], '51001'),
    },
    listing: { tickSize: 0.1, priceDecimals: 1, sizeDecimals: 8 },
    unknown: 'NOPE-USDT',
    time: { '/api/v5/public/time': okx([{ ts: String(NOW) }]) },
  },
  {
    venue: 'bybit',
    instrument: 'BTC-USDT',
    answers: {
      '/v5/market/instruments-info?category=spot&symbol=BTCUSDT': bybit({
        list: [
          {
            symbol: 'BTCUSDT',
            status: 'Trading',
            priceFilter: { tickSize: '0.01' },
            lotSizeFilter: { basePrecision: '0.000001' },
          },
        ],
      }),
      '/v5/market/instruments-info?category=spot&symbol=NOPEUSDT': bybit({ list: [] }),
    },
    listing: { tickSize: 0.01, priceDecimals: 2, sizeDecimals: 6 },
    unknown: 'NOPE-USDT',
    time: { '/v5/market/time': bybit({ timeSecond: '1700000000', timeNano: `${NOW}000000` }) },
  },
  {
    venue: 'bitstamp',
    instrument: 'BTC-USD',
    answers: {
      '/api/v2/trading-pairs-info/': {
        body: [
          {
            name: 'BTC/USD',
            url_symbol: 'btcusd',
            base_decimals: 8,
            counter_decimals: 0,
            trading: 'Enabled',
            minimum_order: '10 USD',
          },
        ],
      },
    },
    listing: { tickSize: 1, priceDecimals: 0, sizeDecimals: 8 },
    unknown: 'NOPE-USD',
    time: { '/api/v2/ticker/btcusd/': { body: {} } },
  },
  {
    venue: 'gemini',
    instrument: 'BTC-USD',
    answers: {
      '/v1/symbols/details/btcusd': {
        body: { symbol: 'BTCUSD', tick_size: 1e-8, quote_increment: 0.01, min_order_size: '0.00001', status: 'open' },
      },
      '/v1/symbols/details/nopeusd': { status: 400, body: { result: 'error', reason: 'InvalidSymbol', message: 'no' } },
    },
    listing: { tickSize: 0.01, priceDecimals: 2, sizeDecimals: 8 },
    unknown: 'NOPE-USD',
    time: { '/v1/symbols': { body: [] } },
  },
];

describe.each(CASES)('$venue', ({ venue, instrument, answers, listing, unknown, time }) => {
  test('says what it lists, and what not', async () => {
    const { url } = await serve(answers);
    const rest = restOf(venue, url);
    expect(await rest.listing(instrument, signal)).toEqual({ instrument, status: ONLINE, ...listing });
    expect(await rest.listing(unknown, signal)).toBeUndefined();
  });

  test('tells the time, or that it does not serve this address', async () => {
    const { url } = await serve(time);
    const rest = restOf(venue, url);
    const told = await rest.time(signal);
    const wanted = rest.timeResolution < 1_000_000 ? NOW * 1000 : Date.now() * 1000;
    expect(Math.abs(told - wanted)).toBeLessThanOrEqual(rest.timeResolution === 1_000_000 ? 60e6 : 0);
    const endpoints = { ws: '', rest: url };
    expect(await probeVenue(venue, { endpoints, timeoutMs: 5_000 })).toBe('answers');
    for (const status of [403, 451]) {
      const blocked = await serve(Object.fromEntries(Object.keys(time).map((path) => [path, { status, body: {} }])));
      expect(await probeVenue(venue, { endpoints: { ws: '', rest: blocked.url }, timeoutMs: 5_000 })).toBe('blocked');
    }
  });
});

test.each([
  ['okx', '/api/v5/public/time', okx([], '50011'), okx([{ ts: String(NOW) }])],
  ['bybit', '/v5/market/time', bybit({}, 10006), bybit({ timeSecond: '1', timeNano: `${NOW}000000` })],
] as const)('%s that throttles with status 200 is asked again', async (venue, path, throttled, answer) => {
  const { url, asked } = await serve({ [path]: [throttled, answer] });
  let now = Date.now();
  const clock = { ...systemClock, now: () => now, sleep: (ms: number) => Promise.resolve(void (now += ms)) };
  expect(await findVenue(venue).createRest({ baseUrl: url, clock, maxRetries: 1 }).time(signal)).toBe(NOW * 1000);
  expect(asked.length).toBe(2);
});

test.each([
  [
    'binance',
    'BTC-USDT',
    '/api/v3/depth?symbol=BTCUSDT&limit=5000',
    { lastUpdateId: 77, bids: [['100', '1']], asks: [['101', '2']] },
  ],
  [
    'bitstamp',
    'BTC-USD',
    '/api/v2/order_book/btcusd/',
    { timestamp: '1', microtimestamp: '77', bids: [['100', '1']], asks: [['101', '2']] },
  ],
])('%s gives the whole book', async (venue, instrument, path, body) => {
  const { url } = await serve({ [path]: { body } });
  expect(await restOf(venue, url).book!(instrument, signal)).toMatchObject({
    ...{ kind: 'book', instrument, isSnapshot: true, bids: [100, 1], asks: [101, 2] },
    sequence: { previous: undefined, last: 77 },
  });
});

test('binance fills a hole page by page, and leaves out what it does not have any more', async () => {
  const row = (a: number) => ({ a, p: '100', q: '1', f: a, l: a, T: 5, m: true, M: true });
  const page = (from: number) => `/api/v3/aggTrades?symbol=BTCUSDT&fromId=${from}&limit=1000`;
  const { url, asked } = await serve({
    [page(3)]: { body: [row(3), row(4)] },
    [page(5)]: { body: [row(6), row(7), row(8)] },
  });
  const trades: TradeEvent[] = [];
  const hole = { instrument: 'BTC-USDT', from: 3, to: 7, after: 0 };
  for await (const some of restOf('binance', url).trades!(hole, signal)) trades.push(...some);
  expect(trades.map(({ tradeId, isLate }) => [tradeId, isLate])).toEqual([3, 4, 6, 7].map((id) => [id, true]));
  expect(asked).toEqual([page(3), page(5)]);
});

test('bitstamp’s one list serves a round of questions, not the next round', async () => {
  const pair = { name: 'BTC/USD', base_decimals: 8, counter_decimals: 0, trading: 'Enabled' };
  const path = '/api/v2/trading-pairs-info/';
  const { url, asked } = await serve({ [path]: [{ body: [pair] }, { body: [{ ...pair, trading: 'Disabled' }] }] });
  let now = 0;
  const rest = findVenue('bitstamp').createRest({ baseUrl: url, clock: { ...systemClock, now: () => now } });
  expect(await rest.listing('BTC-USD', signal)).toMatchObject({ status: ONLINE });
  expect(await rest.listing('ETH-USD', signal)).toBeUndefined();
  now = 300_000;
  expect(await rest.listing('BTC-USD', signal)).toMatchObject({ status: TradingStatus.TRADING_STATUS_HALTED });
  expect(asked.length).toBe(2);
});

test('what is asked for in dollars is subscribed in what takes their place', () => {
  expect(instrumentsAt('binance', ['BTC-USD', 'BTC-USDT', 'ETH-EUR', 'USDT-USD'])).toEqual(['BTC-USDT', 'ETH-EUR', 'USDT-USD']);
  expect(instrumentsAt('bitstamp', ['BTC-USD', 'BTC-EUR'])).toEqual(['BTC-USD', 'BTC-EUR']);
});
