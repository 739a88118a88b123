import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { ClientBook, documentedChecksum, type BookData } from './client-book.ts';
import { FrameCollector, type Frame } from './frame-collector.ts';
import { ManualClock } from './manual-clock.ts';
import { startSimulator, type Simulator } from './simulator.ts';

const START = Date.UTC(2026, 0, 15, 12, 20, 10);
const COINBASE = {
  type: 'subscribe',
  product_ids: ['BTC-USD'],
  channels: ['matches', 'ticker', 'level2_batch', 'heartbeat', 'status'],
};
const KRAKEN = ['trade', 'book', 'instrument'].map((channel) => ({
  method: 'subscribe',
  params: channel === 'instrument' ? { channel } : { channel, symbol: ['BTC/USD'] },
}));

describe('faults', () => {
  let clock: ManualClock;
  let simulator: Simulator;
  let coinbase: FrameCollector;
  let kraken: FrameCollector;
  beforeEach(async () => {
    clock = new ManualClock(START);
    simulator = await startSimulator({ clock, symbols: ['BTC-USD'], historyDays: 0.1, rateLimits: false, tradeRate: 10 });
    coinbase = await FrameCollector.connect(simulator.urls.coinbaseWs);
    kraken = await FrameCollector.connect(simulator.urls.krakenWs);
    await coinbase.send(COINBASE);
    await kraken.send(...KRAKEN);
  });
  afterEach(() => simulator.stop());

  const pass = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await Promise.all([coinbase.settle(), kraken.settle()]);
  };
  const krakenTrades = (): Frame[] =>
    kraken.where({ channel: 'trade', type: 'update' }).flatMap((frame) => frame['data'] as Frame[]);
  const holes = (ids: readonly number[]): number => ids.filter((id, i) => i > 0 && id !== ids[i - 1]! + 1).length;
  const ids = (rows: readonly Frame[]): number[] => rows.map((row) => row['trade_id'] as number);

  /** The Kraken book as a client has it, and how many frames' checksums agree with it. */
  const verified = (): { book: ClientBook; right: number; wrong: number } => {
    const book = new ClientBook(10);
    let [right, wrong] = [0, 0];
    for (const frame of kraken.where({ channel: 'book' })) {
      const [data] = frame['data'] as [BookData];
      book.apply(data);
      if (documentedChecksum(book.asks, book.bids, 1) === data.checksum) right++;
      else wrong++;
    }
    return { book, right, wrong };
  };

  test('cut ends the connections of one venue; refuse keeps new ones out for a while', async () => {
    simulator.fault('coinbase', 'refuse', { seconds: 2 });
    simulator.fault('coinbase', 'cut');
    await once(coinbase.socket, 'close');
    const [error] = (await once(new WebSocket(simulator.urls.coinbaseWs), 'error')) as [Error];
    expect(error.message).toContain('503');
    await kraken.settle();
    await clock.advance(2_000);
    const again = await FrameCollector.connect(simulator.urls.coinbaseWs);
    await again.send(COINBASE);
    expect(again.where({ type: 'snapshot' })).toHaveLength(1);
  });

  test('stall: silence, then everything late and in order; slow: everything late', async () => {
    simulator.fault('kraken', 'stall', { seconds: 3 });
    const before = kraken.texts.length;
    await pass(2_900);
    expect(kraken.texts.length).toBe(before);
    await pass(1_000);
    const after = krakenTrades();
    expect(after.length).toBeGreaterThan(15);
    expect(ids(after)).toEqual(simulator.ledger.trades({ venue: 'kraken', instrument: 'BTC-USD' }).map(({ tradeId }) => tradeId));
    simulator.fault('kraken', 'slow', { seconds: 60, offsetMs: 1_000 });
    await pass(3_000);
    const newest = simulator.ledger.trades({ venue: 'kraken', instrument: 'BTC-USD' }).at(-1)!.time / 1000;
    const told = Date.parse(krakenTrades().at(-1)!['timestamp'] as string);
    expect(newest - told).toBeGreaterThan(500);
  });

  test('gap loses trades of the feed, which REST still has', async () => {
    await pass(1_000);
    simulator.fault('kraken', 'gap', { count: 3 });
    simulator.fault('coinbase', 'gap', { count: 3 });
    await pass(4_000);
    const matches = ids(coinbase.where({ type: 'match' }));
    expect([holes(ids(krakenTrades())), holes(matches)]).toEqual([1, 1]);
    const page = (await (await fetch(`${simulator.urls.coinbaseRest}/products/BTC-USD/trades?limit=1000`)).json()) as Frame[];
    const served = new Set(ids(page));
    expect(
      simulator.ledger.trades({ venue: 'coinbase', instrument: 'BTC-USD' }).every(({ tradeId }) => served.has(tradeId)),
    ).toBe(true);
    expect(served.size - matches.filter((id) => served.has(id)).length).toBeGreaterThanOrEqual(3);
  });

  test('badChecksum touches as many frames as asked for, and none at Coinbase', async () => {
    simulator.fault('kraken', 'badChecksum', { count: 2 });
    await pass(2_000);
    const { right, wrong } = verified();
    expect([wrong, right > 20]).toEqual([2, true]);
    expect(() => simulator.fault('coinbase', 'badChecksum')).toThrow(expect.objectContaining({ code: 'TRB_SIMULATOR_FAULT' }));
  });

  test('malformed frames come besides the real ones', async () => {
    simulator.fault('coinbase', 'malformed', { count: 2 });
    await pass(2_000);
    expect(coinbase.texts.length - coinbase.frames.length).toBe(2);
    expect(holes(ids(coinbase.where({ type: 'match' })))).toBe(0);
  });

  test('absurd prices: zero, negative, 1e12', async () => {
    simulator.fault('coinbase', 'absurd', { count: 3 });
    simulator.fault('kraken', 'absurd', { count: 3 });
    await pass(4_000);
    const absurd = (prices: unknown[]): number[] => prices.map(Number).filter((price) => price <= 0 || price > 1e9);
    expect(absurd(coinbase.where({ type: 'match' }).map((frame) => frame['price']))).toEqual([0, -1, 1e12]);
    expect([...new Set(absurd(krakenTrades().map((trade) => trade['price'])))]).toEqual([0, -1, 1e12]);
    expect(simulator.ledger.trades().every(({ price }) => Number(price) > 0)).toBe(true);
  });

  test('tenfold: the next prices times ten, on the feed only', async () => {
    simulator.fault('coinbase', 'tenfold', { count: 3 });
    simulator.fault('kraken', 'tenfold', { count: 3 });
    await pass(4_000);
    const lied = (venue: 'coinbase' | 'kraken', told: readonly Frame[]): number =>
      told.filter((row) => {
        const [made] = simulator.ledger.trades({ venue, instrument: 'BTC-USD', fromId: row['trade_id'] as number });
        return Math.abs(Number(row['price']) / Number(made!.price) - 10) < 0.01;
      }).length;
    expect(lied('coinbase', coinbase.where({ type: 'match' }))).toBe(3);
    expect(lied('kraken', krakenTrades())).toBeGreaterThanOrEqual(3);
  });

  test('crossed leaves a bid above the best ask, under a checksum that holds until the next frame', async () => {
    simulator.fault('kraken', 'crossed');
    simulator.fault('coinbase', 'crossed');
    await pass(100);
    const { book, right, wrong } = verified();
    expect(book.bids[0]!.price).toBeGreaterThan(book.asks[0]!.price);
    expect([right, wrong]).toEqual([2, 1]);
    const [snapshot] = coinbase.where({ type: 'snapshot' });
    const bids = new Map(snapshot!['bids'] as [string, string][]);
    const asks = new Map(snapshot!['asks'] as [string, string][]);
    for (const frame of coinbase.where({ type: 'l2update' })) {
      for (const [side, price, size] of frame['changes'] as [string, string, string][])
        (side === 'buy' ? bids : asks).set(price, size);
    }
    const standing = (side: Map<string, string>): number[] =>
      [...side].flatMap(([price, size]) => (Number(size) > 0 ? [Number(price)] : []));
    expect(Math.max(...standing(bids))).toBeGreaterThan(Math.min(...standing(asks)));
  });

  test('429, in each venue its way', async () => {
    simulator.fault('coinbase', '429', { seconds: 1 });
    simulator.fault('kraken', '429', { seconds: 1 });
    const ask = async (): Promise<[number, string]> => [
      (await fetch(`${simulator.urls.coinbaseRest}/time`)).status,
      await (await fetch(`${simulator.urls.krakenRest}/SystemStatus`)).text(),
    ];
    expect(await ask()).toEqual([429, '{"error":["EGeneral:Too many requests"]}']);
    await clock.advance(1_000);
    expect((await ask())[0]).toBe(200);
  });

  test('clockSkew moves every time the venue tells', async () => {
    simulator.fault('coinbase', 'clockSkew', { seconds: 60, offsetMs: 600_000 });
    await pass(1_500);
    const beat = coinbase.where({ type: 'heartbeat' }).at(-1)!;
    expect(Date.parse(beat['time'] as string) - clock.now()).toBeGreaterThan(598_000);
    const { epoch } = (await (await fetch(`${simulator.urls.coinbaseRest}/time`)).json()) as { epoch: number };
    expect(epoch * 1000 - clock.now()).toBeCloseTo(600_000, 0);
  });

  test('halt stops trading and says so; trading goes on with the next id', async () => {
    await pass(1_000);
    simulator.fault('kraken', 'halt', { seconds: 2 });
    simulator.fault('coinbase', 'halt', { seconds: 2 });
    await pass(100);
    const before = krakenTrades().length;
    await pass(1_800);
    expect(krakenTrades().length).toBe(before);
    await pass(3_000);
    const statuses = kraken
      .where({ channel: 'instrument', type: 'update' })
      .map((frame) => (frame['data'] as { pairs: Frame[] }).pairs);
    expect([...new Set(statuses.map((pairs) => pairs[0]!['status']))]).toEqual(['cancel_only', 'online']);
    const paused = coinbase.where({ type: 'status' }).map((frame) => (frame['products'] as Frame[])[0]!['cancel_only']);
    expect([paused[0], paused.includes(true), paused.at(-1)]).toEqual([false, true, false]);
    expect(krakenTrades().length).toBeGreaterThan(before + 5);
    expect(holes(ids(krakenTrades()))).toBe(0);
  });

  test('a client that does not read is cut off, the others go on', async () => {
    await simulator.stop();
    simulator = await startSimulator({ clock, historyDays: 0.1, rateLimits: false, maxBufferedBytes: 65_536 });
    coinbase = await FrameCollector.connect(simulator.urls.coinbaseWs);
    kraken = await FrameCollector.connect(simulator.urls.krakenWs);
    await coinbase.send(COINBASE);
    const closed = once(kraken.socket, 'close');
    kraken.socket.pause();
    // Full snapshots of four books, over and over: more than the sockets' own buffers take.
    const params = { channel: 'book', symbol: ['BTC/USD', 'ETH/USD', 'USDT/USD', 'USDC/USD'], depth: 1000 };
    for (let i = 0; i < 100; i++) {
      kraken.socket.send(JSON.stringify({ method: 'subscribe', params }));
      kraken.socket.send(JSON.stringify({ method: 'unsubscribe', params }));
      await clock.advance(50);
    }
    kraken.socket.resume();
    await closed;
    await coinbase.settle();
    expect(coinbase.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('a load is what was asked for', async () => {
    await simulator.stop();
    simulator = await startSimulator({
      clock,
      symbols: ['BTC-USD'],
      historyDays: 0.1,
      rateLimits: false,
      messagesPerSecond: 2_000,
    });
    kraken = await FrameCollector.connect(simulator.urls.krakenWs);
    coinbase = await FrameCollector.connect(simulator.urls.coinbaseWs);
    await kraken.send({ method: 'subscribe', params: { channel: 'book', symbol: ['BTC/USD', 'USDT/USD', 'USDC/USD'] } });
    await coinbase.send({ type: 'subscribe', product_ids: ['BTC-USD', 'USDT-USD'], channels: ['level2_batch'] });
    for (let i = 0; i < 5; i++) await pass(1_000);
    const books = kraken.where({ channel: 'book', type: 'update' }).length + coinbase.where({ type: 'l2update' }).length;
    const made = books + simulator.ledger.trades().length;
    expect(made).toBeGreaterThan(8_000);
    expect(made).toBeLessThan(12_000);
  });

  test('a connection that is too old is ended, where the venue has a limit', async () => {
    await simulator.stop();
    simulator = await startSimulator({ clock, historyDays: 0.1, rateLimits: false, maxConnectionMs: 2_000 });
    coinbase = await FrameCollector.connect(simulator.urls.coinbaseWs);
    kraken = await FrameCollector.connect(simulator.urls.krakenWs);
    const ended = Promise.all([coinbase, kraken].map(({ socket }) => once(socket, 'close') as Promise<[number]>));
    await coinbase.send(COINBASE);
    await kraken.send(...KRAKEN);
    await pass(1_900);
    expect([coinbase.socket.readyState, kraken.socket.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN]);
    await clock.advance(200);
    expect((await ended).map(([code]) => code)).toEqual([1001, 1001]);
  });

  test('another process does the same over HTTP', async () => {
    const post = (body: unknown): Promise<Response> =>
      fetch(`${simulator.urls.control}/fault`, { method: 'POST', body: JSON.stringify(body) });
    expect((await post({ venue: 'coinbase', kind: '429', seconds: 30 })).status).toBe(200);
    expect((await fetch(`${simulator.urls.coinbaseRest}/time`)).status).toBe(429);
    const wrong = await post({ venue: 'coinbase', kind: 'earthquake' });
    expect([wrong.status, ((await wrong.json()) as { error: string }).error]).toEqual([400, expect.stringContaining('kind')]);
    await pass(2_000);
    const rows = await (await fetch(`${simulator.urls.control}/ledger?venue=kraken&instrument=BTC-USD&limit=5`)).json();
    expect(rows).toEqual(simulator.ledger.trades({ venue: 'kraken', instrument: 'BTC-USD', limit: 5 }));
  });
});
