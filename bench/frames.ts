/**
 * Frames through the mappers, against parsing their JSON and no more: of Coinbase and Kraken as the simulator sends them, of the other
 * venues made here in their documented shape, nine book updates of ten levels to one trade.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { mapBinanceFrame } from '#services/ingest/venues/binance/mapper.ts';
import { mapBitstampFrame } from '#services/ingest/venues/bitstamp/mapper.ts';
import { mapBybitFrame } from '#services/ingest/venues/bybit/mapper.ts';
import { mapCoinbaseFrame } from '#services/ingest/venues/coinbase/mapper.ts';
import { mapGeminiFrame } from '#services/ingest/venues/gemini/mapper.ts';
import { mapKrakenFrame } from '#services/ingest/venues/kraken/mapper.ts';
import { mapOkxFrame } from '#services/ingest/venues/okx/mapper.ts';
import { startSimulator } from '#services/simulator/simulator.ts';
import { type Figure, paired, rate } from './measure.ts';

const FRAMES = 4_000;

const SUBSCRIBE = {
  coinbase: [
    { type: 'subscribe', product_ids: ['BTC-USD', 'ETH-USD'], channels: ['ticker', 'matches', 'level2_batch', 'heartbeat'] },
  ],
  kraken: [
    { method: 'subscribe', params: { channel: 'trade', symbol: ['BTC/USD', 'ETH/USD'], snapshot: true } },
    { method: 'subscribe', params: { channel: 'book', symbol: ['BTC/USD', 'ETH/USD'], depth: 1000, snapshot: true } },
  ],
};

export async function benchFrames(): Promise<Figure[]> {
  const simulator = await startSimulator({ messagesPerSecond: 4_000, historyDays: 0.1 });
  try {
    const coinbase = await collect(simulator.urls.coinbaseWs, SUBSCRIBE.coinbase);
    const kraken = await collect(simulator.urls.krakenWs, SUBSCRIBE.kraken);
    const figures = [
      ...(await measure('coinbase', coinbase, mapCoinbaseFrame)),
      ...(await measure('kraken', kraken, mapKrakenFrame)),
    ];
    for (const { venue, map, trade, book } of MADE) figures.push(...(await measure(venue, make(trade, book), map)));
    return figures;
  } finally {
    await simulator.stop();
  }
}

type Level = readonly [price: string, size: string];

interface Made {
  readonly venue: string;
  readonly map: (text: string) => unknown;
  readonly trade: (id: number, price: string) => object;
  readonly book: (id: number, bids: readonly Level[], asks: readonly Level[]) => object;
}

const MADE: readonly Made[] = [
  {
    venue: 'binance',
    map: mapBinanceFrame,
    trade: (a, p) => ({
      stream: 'btcusdt@aggTrade',
      data: {
        e: 'aggTrade',
        E: 1_700_000_000_000,
        s: 'BTCUSDT',
        a,
        p,
        q: '0.01',
        f: a,
        l: a,
        T: 1_700_000_000_000,
        m: true,
        M: true,
      },
    }),
    book: (U, b, a) => ({
      stream: 'btcusdt@depth@100ms',
      data: { e: 'depthUpdate', E: 1_700_000_000_000, s: 'BTCUSDT', U, u: U, b, a },
    }),
  },
  {
    venue: 'okx',
    map: mapOkxFrame,
    trade: (id, px) => ({
      arg: { channel: 'trades', instId: 'BTC-USDT' },
      data: [{ instId: 'BTC-USDT', tradeId: String(id), px, sz: '0.01', side: 'buy', ts: '1700000000000', count: '1' }],
    }),
    book: (seqId, bids, asks) => ({
      arg: { channel: 'books', instId: 'BTC-USDT' },
      action: 'update',
      data: [
        {
          bids: bids.map((level) => [...level, '0', '1']),
          asks: asks.map((level) => [...level, '0', '1']),
          ...{ ts: '1700000000000', checksum: 0, seqId, prevSeqId: seqId - 1 },
        },
      ],
    }),
  },
  {
    venue: 'bybit',
    map: mapBybitFrame,
    trade: (id, p) => ({
      ...{ topic: 'publicTrade.BTCUSDT', type: 'snapshot', ts: 1_700_000_000_000 },
      data: [{ T: 1_700_000_000_000, s: 'BTCUSDT', S: 'Buy', v: '0.01', p, L: 'PlusTick', i: String(id), BT: false }],
    }),
    book: (u, b, a) => ({
      ...{ topic: 'orderbook.200.BTCUSDT', type: 'delta', ts: 1_700_000_000_000 },
      ...{ data: { s: 'BTCUSDT', b, a, u, seq: u }, cts: 1_700_000_000_000 },
    }),
  },
  {
    venue: 'bitstamp',
    map: mapBitstampFrame,
    trade: (id, price) => ({
      ...{ event: 'trade', channel: 'live_trades_btcusd' },
      data: {
        ...{ id, timestamp: '1700000000', amount: 0.01, amount_str: '0.01000000', price: Number(price), price_str: price },
        ...{ type: 0, microtimestamp: '1700000000000000', buy_order_id: 1, sell_order_id: 2 },
      },
    }),
    book: (id, bids, asks) => ({
      ...{ event: 'data', channel: 'diff_order_book_btcusd' },
      data: { timestamp: '1700000000', microtimestamp: String(1_700_000_000_000_000 + id), bids, asks },
    }),
  },
  {
    venue: 'gemini',
    map: mapGeminiFrame,
    trade: (id, price) => ({
      ...{ type: 'trade', symbol: 'BTCUSD', event_id: id, timestamp: 1_700_000_000_000, price, quantity: '0.01', side: 'buy' },
    }),
    book: (_id, bids, asks) => ({
      ...{ type: 'l2_updates', symbol: 'BTCUSD' },
      changes: [...bids.map((level) => ['buy', ...level]), ...asks.map((level) => ['sell', ...level])],
    }),
  },
];

function make(trade: Made['trade'], book: Made['book']): string[] {
  const levels = (sign: number, id: number): Level[] =>
    Array.from({ length: 5 }, (_, level) => [(60_000 + sign * (0.5 + level) + (id % 50)).toFixed(2), `0.${1000 + id}`]);
  return Array.from({ length: FRAMES }, (_, at) => {
    const id = at + 1;
    return JSON.stringify(at % 10 === 0 ? trade(id, (60_000 + (at % 50)).toFixed(2)) : book(id, levels(-1, id), levels(1, id)));
  });
}

async function collect(url: string, messages: readonly object[]): Promise<string[]> {
  const socket = new WebSocket(url);
  const frames: string[] = [];
  const full = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      frames.push(data.toString());
      if (frames.length === FRAMES) resolve();
    });
  });
  await once(socket, 'open');
  for (const message of messages) socket.send(JSON.stringify(message));
  await full;
  socket.terminate();
  return frames;
}

async function measure(venue: string, frames: readonly string[], map: (text: string) => unknown): Promise<Figure[]> {
  const json = await rate(`${venue}: JSON.parse`, 'frames/s', frames.length, () => {
    for (const frame of frames) JSON.parse(frame);
  });
  const mapped = await rate(`${venue}: frame to events`, 'frames/s', frames.length, () => {
    for (const frame of frames) map(frame);
  });
  return [json, paired(mapped, json)];
}
