/** The opt-in venues' candles against a local server that answers in the documented form: a page of five minutes, newest or oldest first. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '#libs/clock/clock.ts';
import { CANDLE_SOURCES } from './registry.ts';
import { MINUTE } from './source.ts';

const FROM = Date.UTC(2026, 0, 10, 12);
/** Minutes 0 to 4, the third without a trade, and one on each side that was not asked for. */
const MINUTES = [-1, 0, 1, 2, 3, 4, 5];
const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));
const signal = new AbortController().signal;

interface Minute {
  readonly t: number;
  readonly price: string;
  readonly volume: string;
}
const market: readonly Minute[] = MINUTES.map((minute) => ({
  t: FROM + minute * MINUTE,
  price: String(50_000 + minute),
  volume: minute === 2 ? '0.00000000' : '1.5',
}));
const newestFirst = market.toReversed();

interface Case {
  readonly venue: string;
  readonly instrument: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly unknown: { readonly status?: number; readonly body: unknown };
  readonly time: { readonly path: string; readonly body: unknown };
  readonly trades?: number;
}

const seconds = (t: number): string => String(t / 1000);
const bybitRows = newestFirst.map(({ t, price, volume }) => [String(t), price, price, price, price, volume, '75000']);
const okxRows = newestFirst.map(({ t, price, volume }) => [String(t), price, price, price, price, volume, '75000', '75000', '1']);
const binanceRows = market.map(({ t, price, volume }) => [
  t,
  price,
  price,
  price,
  price,
  volume,
  t + 59_999,
  '75000',
  12,
  '1',
  '1',
  '0',
]);

const CASES: readonly Case[] = [
  ...['binance', 'binanceus'].map((venue) => ({
    venue,
    instrument: 'BTC-USDT',
    path: '/api/v3/klines',
    query: { symbol: 'BTCUSDT', interval: '1m', startTime: String(FROM), endTime: String(FROM + 5 * MINUTE - 1), limit: '1000' },
    body: binanceRows,
    unknown: { status: 400, body: { code: -1121, msg: 'Invalid symbol.' } },
    time: { path: '/api/v3/time', body: { serverTime: FROM } },
    trades: 12,
  })),
  {
    venue: 'okx',
    instrument: 'BTC-USDT',
    path: '/api/v5/market/history-candles',
    query: { instId: 'BTC-USDT', bar: '1m', before: String(FROM - MINUTE), after: String(FROM + 5 * MINUTE), limit: '100' },
    body: { code: '0', msg: '', data: okxRows },
    unknown: { body: { code: '51001', msg: 'Instrument ID does not exist', data: [] } },
    time: { path: '/api/v5/public/time', body: { code: '0', msg: '', data: [{ ts: String(FROM) }] } },
  },
  {
    venue: 'bybit',
    instrument: 'BTC-USDT',
    path: '/v5/market/kline',
    query: {
      category: 'spot',
      symbol: 'BTCUSDT',
      interval: '1',
      start: String(FROM),
      end: String(FROM + 4 * MINUTE),
      limit: '1000',
    },
    body: { retCode: 0, retMsg: 'OK', result: { category: 'spot', symbol: 'BTCUSDT', list: bybitRows } },
    unknown: { body: { retCode: 10001, retMsg: 'Not supported symbols', result: {} } },
    time: {
      path: '/v5/market/time',
      body: { retCode: 0, retMsg: 'OK', result: { timeSecond: seconds(FROM), timeNano: `${FROM}000000` } },
    },
  },
  {
    venue: 'bitstamp',
    instrument: 'BTC-USD',
    path: '/api/v2/ohlc/btcusd/',
    query: { step: '60', limit: '1000', start: seconds(FROM), end: seconds(FROM + 4 * MINUTE) },
    body: {
      data: {
        pair: 'BTC/USD',
        ohlc: market.map(({ t, price, volume }) => ({
          timestamp: seconds(t),
          open: price,
          high: price,
          low: price,
          close: price,
          volume,
        })),
      },
    },
    unknown: { status: 404, body: 'no' },
    time: { path: '/api/v2/ticker/btcusd/', body: {} },
  },
  {
    venue: 'gemini',
    instrument: 'BTC-USD',
    path: '/v2/candles/btcusd/1m',
    query: {},
    body: newestFirst.map(({ t, price, volume }) => [
      t,
      Number(price),
      Number(price),
      Number(price),
      Number(price),
      Number(volume),
    ]),
    unknown: {
      status: 400,
      body: { result: 'error', reason: 'Bad Request', message: "Supplied value 'nope' is not a valid symbol" },
    },
    time: { path: '/v1/symbols', body: [] },
  },
];

async function sourceOf({ venue, path, body, unknown, time }: Case) {
  const asked: URL[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://venue');
    const isTime = url.pathname === time.path;
    if (!isTime) asked.push(url);
    const isKnown = url.pathname === path && !/nope/i.test(url.href);
    const answer = isTime ? { body: time.body } : isKnown ? { body } : unknown;
    response
      .writeHead(('status' in answer && answer.status) || 200, { 'content-type': 'application/json' })
      .end(JSON.stringify(answer.body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { source: CANDLE_SOURCES[venue]!({ baseUrl, clock: systemClock }), asked };
}

describe.each(CASES)('$venue', (given) => {
  test('gives the minutes of a page that had a trade, oldest first', async () => {
    const { source, asked } = await sourceOf(given);
    const page = await source.page(given.instrument, { from: FROM, to: FROM + 5 * MINUTE }, signal);
    const wanted = [0, 1, 3, 4].map((minute) => {
      const price = 50_000 + minute;
      return { start: FROM + minute * MINUTE, open: price, high: price, low: price, close: price, volume: 1.5 };
    });
    const { venue, instrument, trades = -1 } = given;
    expect(page).toEqual({ absurd: 0, candles: wanted.map((candle) => ({ venue, instrument, ...candle, trades })) });
    expect(Object.fromEntries(asked[0]!.searchParams)).toEqual(given.query);
  });

  test('tells the time, and which symbol it does not list', async () => {
    const { source } = await sourceOf(given);
    const told = await source.now(signal);
    expect(told === FROM || Math.abs(told - Date.now()) < 60_000).toBe(true);
    const nope = given.instrument.replace('BTC', 'NOPE');
    const page = source.page(nope, { from: FROM, to: FROM + 5 * MINUTE }, signal);
    await expect(page).rejects.toMatchObject({ code: 'TRB_UNKNOWN_SYMBOL', message: expect.stringContaining(nope) });
  });
});
