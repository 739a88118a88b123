import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { sharedData } from '#libs/history/shared-data.ts';
import { FrameCollector, shapeOf, type Frame } from './frame-collector.ts';
import { ManualClock } from './manual-clock.ts';
import { startSimulator, type Simulator } from './simulator.ts';

const RECORDED = sharedData('frames/coinbase.ws.28.0.gz');
const START = Date.UTC(2026, 0, 15, 12, 40, 10);

describe('coinbase', () => {
  const clock = new ManualClock(START);
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ clock, historyDays: 0.3, rateLimits: false });
  });
  afterAll(() => simulator.stop());

  const rest = async (path: string): Promise<{ status: number; headers: Headers; body: unknown }> => {
    const response = await fetch(simulator.urls.coinbaseRest + path);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };

  if (RECORDED !== undefined) {
    test('answers a recorded session with frames of the recorded shapes', async () => {
      const lines = gunzipSync(readFileSync(RECORDED)).toString().split('\n');
      const sent = lines.flatMap((line) => /^\S+ <- [\d.]+: (.*)$/.exec(line)?.[1] ?? []);
      const received = lines.flatMap((line) => {
        const json = /^[\d.]+: (.*)$/.exec(line)?.[1];
        return json === undefined ? [] : [JSON.parse(json) as Frame];
      });
      const symbols = (JSON.parse(sent[0]!) as { product_ids: string[] }).product_ids;
      const venue = await startSimulator({ clock, symbols, historyDays: 0.1, rateLimits: false, tradeRate: 5 });
      const client = await FrameCollector.connect(venue.urls.coinbaseWs);
      await client.send(...sent);
      await client.send(sent[0]!.replace('"level2"', '"level2_batch"'));
      await clock.advance(5_000);
      await client.settle();
      // Since August 2023 level2 wants a key; the same books come from level2_batch.
      expect(client.where({ type: 'error' })).toEqual([
        {
          type: 'error',
          message: 'Failed to subscribe',
          reason: expect.stringContaining('level2, level3, and full channels now require authentication') as unknown,
        },
      ]);
      // Best sizes were added to the ticker in 2022.
      const ticker = Object.entries(client.where({ type: 'ticker' })[0]!);
      const since2021 = Object.fromEntries(ticker.filter(([key]) => key !== 'best_bid_size' && key !== 'best_ask_size'));
      for (const type of ['subscriptions', 'last_match', 'match', 'snapshot', 'l2update', 'ticker']) {
        const theirs = received.find((frame) => frame['type'] === type)!;
        const ours = type === 'ticker' ? since2021 : client.where({ type })[0]!;
        expect([type, shapeOf(ours), Object.keys(ours)]).toEqual([type, shapeOf(theirs), Object.keys(theirs)]);
      }
      client.close();
      await venue.stop();
    });
  }

  test('every trade of the ledger is told once, with dense ids, the maker side in matches and the taker side in tickers', async () => {
    const client = await FrameCollector.connect(simulator.urls.coinbaseWs);
    await client.send({ type: 'subscribe', product_ids: ['BTC-USD'], channels: ['ticker', 'matches', 'heartbeat'] });
    await clock.advance(30_000);
    await client.settle();
    const matches = client.where({ type: 'match' });
    const tickers = client.where({ type: 'ticker' }).slice(1);
    const joined = client.where({ type: 'last_match' })[0]!['trade_id'] as number;
    const made = simulator.ledger.trades({ venue: 'coinbase', instrument: 'BTC-USD', fromId: joined + 1 });
    expect(matches.length).toBeGreaterThan(10);
    expect(matches.map((frame) => [frame['trade_id'], Number(frame['price']), Number(frame['size']), frame['side']])).toEqual(
      made.map((trade) => [trade.tradeId, Number(trade.price), Number(trade.size), trade.aggressor === 'buy' ? 'sell' : 'buy']),
    );
    expect(matches.map((frame) => frame['trade_id'])).toEqual(matches.map((_, i) => joined + 1 + i));
    expect(tickers.map((frame) => [frame['trade_id'], frame['side'], frame['sequence']])).toEqual(
      matches.map((frame) => [frame['trade_id'], frame['side'] === 'buy' ? 'sell' : 'buy', frame['sequence']]),
    );
    const beats = client.where({ type: 'heartbeat', product_id: 'BTC-USD' });
    expect(beats.length).toBeGreaterThanOrEqual(29);
    expect(beats.at(-1)!['last_trade_id']).toBeLessThanOrEqual(made.at(-1)!.tradeId);
    const sequences = client.frames.flatMap((frame) => (frame['type'] === 'match' ? [frame['sequence'] as number] : []));
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    client.close();
  });

  test('the batched book, kept by its rules, is the REST book: never crossed, no delete of an absent level', async () => {
    const client = await FrameCollector.connect(simulator.urls.coinbaseWs);
    await client.send({ type: 'subscribe', channels: [{ name: 'level2_batch', product_ids: ['ETH-USD'] }] });
    await clock.advance(10_000);
    await client.settle();
    const snapshot = client.where({ type: 'snapshot' })[0]!;
    const book = {
      buy: new Map(snapshot['bids'] as [string, string][]),
      sell: new Map(snapshot['asks'] as [string, string][]),
    };
    let [absent, crossed] = [0, 0];
    const updates = client.where({ type: 'l2update' });
    for (const update of updates) {
      for (const [side, price, size] of update['changes'] as ['buy' | 'sell', string, string][]) {
        if (Number(size) > 0) book[side].set(price, size);
        else if (!book[side].delete(price)) absent++;
      }
      if (Math.max(...[...book.buy.keys()].map(Number)) >= Math.min(...[...book.sell.keys()].map(Number))) crossed++;
    }
    expect([updates.length > 150, absent, crossed]).toEqual([true, 0, 0]);
    const audit = (await rest('/products/ETH-USD/book?level=2')).body as { bids: string[][]; asks: string[][] };
    const sorted = (side: Map<string, string>, away: number): string[][] =>
      [...side].sort(([a], [b]) => (Number(a) - Number(b)) * away);
    expect(JSON.stringify(sorted(book.buy, -1))).toBe(JSON.stringify(audit.bids.map((level) => level.slice(0, 2))));
    expect(JSON.stringify(sorted(book.sell, 1))).toBe(JSON.stringify(audit.asks.map((level) => level.slice(0, 2))));
    client.close();
  });

  test('refuses what the venue refuses, and closes who does not subscribe', async () => {
    const client = await FrameCollector.connect(simulator.urls.coinbaseWs);
    await client.send({ type: 'subscribe', product_ids: ['NO-USD'], channels: ['ticker'] }, '{"type":', {
      type: 'subscribe',
      product_ids: ['BTC-USD', 'USDC-USD'],
      channels: ['matches'],
    });
    expect(client.frames.map((frame) => [frame['type'], frame['reason'] ?? frame['message']])).toEqual([
      ['error', 'NO-USD is not a valid product'],
      ['error', 'Malformed JSON'],
      ['error', 'USDC-USD is not a valid product'],
    ]);
    const closed = once(client.socket, 'close');
    await clock.advance(6_000);
    await closed;
  });

  test('unsubscribing ends a channel; status lists the products', async () => {
    const client = await FrameCollector.connect(simulator.urls.coinbaseWs);
    await client.send({
      type: 'subscribe',
      channels: [{ name: 'status' }, { name: 'heartbeat', product_ids: ['BTC-USD', 'ETH-USD'] }],
    });
    await client.send({ type: 'unsubscribe', product_ids: ['BTC-USD'], channels: ['heartbeat'] });
    expect(client.where({ type: 'subscriptions' }).at(-1)!['channels']).toEqual([
      { name: 'heartbeat', product_ids: ['ETH-USD'] },
      { name: 'status', product_ids: [] },
    ]);
    const before = client.texts.length;
    await clock.advance(3_000);
    await client.settle();
    const beats = client.frames.slice(before);
    expect(beats.length).toBeGreaterThanOrEqual(2);
    expect(new Set(beats.map((frame) => frame['product_id']))).toEqual(new Set(['ETH-USD']));
    const { products } = client.where({ type: 'status' })[0]! as { products?: { id: string; status: string }[] };
    expect(products!.map(({ id, status }) => [id, status])).toEqual([
      ['BTC-USD', 'online'],
      ['ETH-USD', 'online'],
      ['USDT-USD', 'online'],
    ]);
    client.close();
  });

  test('candles: newest first, at most 300, equal to the trades they come from', async () => {
    const now = Math.floor(clock.now() / 1000);
    const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();
    const page = (start: number, end: number, granularity = 60) =>
      rest(`/products/BTC-USD/candles?granularity=${granularity}&start=${iso(start)}&end=${iso(end)}`);
    const rows = (await page(now - 300 * 60, now)).body as number[][];
    expect(rows.length).toBeGreaterThan(295);
    expect(rows.length).toBeLessThanOrEqual(300);
    expect(rows.map(([time]) => time!)).toEqual(rows.map(([time]) => time!).sort((a, b) => b - a));
    const refused = await page(now - 301 * 60, now);
    expect([refused.status, refused.body]).toEqual([
      400,
      { message: 'granularity too small for the requested time range. Count of aggregations requested exceeds 300' },
    ]);
    const [time, low, high, open, close, volume] = rows[40]!;
    const trades = ((await rest('/products/BTC-USD/trades?limit=1000')).body as { time: string; price: string; size: string }[])
      .concat()
      .reverse();
    const older: typeof trades = [];
    let cursor = (await rest('/products/BTC-USD/trades?limit=1000')).headers.get('cb-after')!;
    for (let i = 0; i < 5; i++) {
      const next = await rest(`/products/BTC-USD/trades?limit=1000&after=${cursor}`);
      older.unshift(...(next.body as typeof trades).concat().reverse());
      cursor = next.headers.get('cb-after')!;
    }
    const inMinute = [...older, ...trades].filter((trade) => Math.floor(Date.parse(trade.time) / 60_000) * 60 === time);
    const prices = inMinute.map((trade) => Number(trade.price));
    expect([low, high, open, close]).toEqual([Math.min(...prices), Math.max(...prices), prices[0], prices.at(-1)]);
    expect(volume).toBeCloseTo(
      inMinute.reduce((sum, trade) => sum + Number(trade.size), 0),
      6,
    );
    const five = (await page(now - 3000, now, 300)).body as number[][];
    expect(five[1]!.slice(1, 3)).toEqual([
      Math.min(...rows.filter((row) => Math.floor(row[0]! / 300) * 300 === five[1]![0]).map((row) => row[1]!)),
      Math.max(...rows.filter((row) => Math.floor(row[0]! / 300) * 300 === five[1]![0]).map((row) => row[2]!)),
    ]);
  });

  test('trades page back by id through live trading into history without a hole', async () => {
    const ids: number[] = [];
    let path = '/products/BTC-USD/trades?limit=100';
    for (let i = 0; i < 4; i++) {
      const page = await rest(path);
      ids.push(...(page.body as { trade_id: number }[]).map((trade) => trade.trade_id));
      path = `/products/BTC-USD/trades?limit=100&after=${page.headers.get('cb-after')!}`;
    }
    const newest = simulator.ledger.trades({ venue: 'coinbase', instrument: 'BTC-USD' }).at(-1)!.tradeId;
    expect(ids).toEqual(Array.from({ length: 400 }, (_, i) => newest - i));
    const sample = (await rest('/products/BTC-USD/trades?limit=1')).body;
    expect(shapeOf(sample)).toEqual([
      { trade_id: 'number', side: 'text', size: 'decimal', price: 'decimal', time: 'time in µs' },
    ]);
  });

  test('a restarted simulator has as history what was live before, trade ids included', async () => {
    await clock.advance(120_000);
    const restarted = await startSimulator({ clock, historyDays: 0.2, rateLimits: false });
    const both = async (path: string): Promise<unknown[][]> =>
      Promise.all(
        [simulator, restarted].map(async ({ urls }) => (await (await fetch(urls.coinbaseRest + path)).json()) as unknown[]),
      );
    const [before, after] = await both('/products/ETH-USD/candles?granularity=60');
    // The first row is the running minute: the restarted one counts its current second anew.
    expect(after!.slice(1, 250)).toEqual(before!.slice(1, 250));
    const [known, again] = await both('/products/ETH-USD/trades?limit=20');
    expect(again![5]).toEqual(known!.find((trade) => (trade as Frame)['trade_id'] === (again![5] as Frame)['trade_id']));
    await restarted.stop();
  });

  test('wants a user agent, and allows 15 requests at once, then 10 a second', async () => {
    const anonymous = await new Promise<number>((resolve) => {
      get(`${simulator.urls.coinbaseRest}/time`, (response) => resolve(response.resume().statusCode!));
    });
    expect(anonymous).toBe(400);
    expect((await rest('/products/NO-USD')).body).toEqual({ message: 'NotFound' });
    const limited = await startSimulator({ clock, symbols: ['BTC-USD'], historyDays: 0.1 });
    const burst = async (): Promise<number[]> => {
      const statuses: number[] = [];
      for (let i = 0; i < 17; i++) statuses.push((await fetch(`${limited.urls.coinbaseRest}/time`)).status);
      return statuses;
    };
    expect((await burst()).filter((status) => status === 429)).toHaveLength(2);
    await clock.advance(1_000);
    expect((await burst()).filter((status) => status === 429)).toHaveLength(7);
    await limited.stop();
  });
});
