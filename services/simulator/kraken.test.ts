import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { sharedData } from '#libs/history/shared-data.ts';
import { ClientBook, documentedChecksum, type BookData } from './client-book.ts';
import { FrameCollector, shapeOf, type Frame } from './frame-collector.ts';
import { ManualClock } from './manual-clock.ts';
import { startSimulator, type Simulator } from './simulator.ts';

const FRAMES = sharedData('../sources/samples/kraken-ws-v2-recorded-2026-08-12.jsonl');
const CANDLES = sharedData('../sources/samples/kraken-rest-ohlc-1m-recorded-2025-11.json');
const TRADES = sharedData('../sources/samples/kraken-rest-trades-recorded-2025-11.json');
const START = Date.UTC(2026, 0, 15, 13, 20, 10);

describe('kraken', () => {
  const clock = new ManualClock(START);
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ clock, historyDays: 0.6, rateLimits: false });
  });
  afterAll(() => simulator.stop());

  const rest = async <T>(path: string): Promise<{ error: string[]; result?: Record<string, T> }> => {
    const response = await fetch(`${simulator.urls.krakenRest}${path}`);
    expect(response.status).toBe(200);
    return (await response.json()) as { error: string[]; result?: Record<string, T> };
  };

  if (FRAMES !== undefined) {
    test('speaks frames of the recorded shapes', async () => {
      const recorded = readFileSync(FRAMES, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Frame);
      const client = await FrameCollector.connect(simulator.urls.krakenWs);
      await client.send(
        '{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD","ETH/USD"],"event_trigger":"trades","snapshot":true},"req_id":1}',
        '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":10,"snapshot":true},"req_id":3}',
        '{"method":"subscribe","params":{"channel":"ohlc","symbol":["BTC/USD"],"interval":1,"snapshot":true},"req_id":1}',
      );
      await clock.advance(5_000);
      await client.settle();
      const ours = client.frames;
      for (const theirs of recorded.filter(({ channel }) => channel !== 'heartbeat' && channel !== 'status')) {
        const result = theirs['result'] as Frame | undefined;
        const same = ours.filter(
          (frame) =>
            frame['channel'] === theirs['channel'] &&
            frame['type'] === theirs['type'] &&
            (frame['result'] as Frame | undefined)?.['channel'] === result?.['channel'],
        );
        expect(same.map((frame) => JSON.stringify(shapeOf(frame)))).toContain(JSON.stringify(shapeOf(theirs)));
      }
      // Since October 2026 the status also carries these two.
      const { upcoming_maintenance, emergency, ...status } = (client.where({ channel: 'status' })[0]!['data'] as Frame[])[0]!;
      expect([upcoming_maintenance, emergency]).toEqual([[], []]);
      expect(shapeOf([status])).toEqual(shapeOf(recorded[0]!['data']));
      client.close();
    });
  }

  test('names every asset of its pairs', async () => {
    const pairs = (await rest<Record<'base' | 'quote', string>>('/AssetPairs')).result!;
    const assets = (await rest<Record<'altname', string>>('/Assets')).result!;
    expect(new Set(Object.keys(assets))).toEqual(new Set(Object.values(pairs).flatMap(({ base, quote }) => [base, quote])));
    expect([assets['XXBT']!.altname, assets['ZUSD']!.altname]).toEqual(['XBT', 'USD']);
  });

  test.each([10, 25, 100, 500, 1000])('at depth %d every checksum verifies and the book is what REST says', async (depth) => {
    const client = await FrameCollector.connect(simulator.urls.krakenWs);
    await client.send({ method: 'subscribe', params: { channel: 'book', symbol: ['BTC/USD'], depth } });
    await clock.advance(5_000);
    await client.settle();
    const book = new ClientBook(depth);
    const frames = client.where({ channel: 'book' });
    expect(frames.length).toBeGreaterThan(80);
    for (const frame of frames) {
      const [data] = frame['data'] as [BookData];
      book.apply(data);
      expect(documentedChecksum(book.asks, book.bids, 1)).toBe(data.checksum);
    }
    expect([book.bids.length, book.asks.length]).toEqual([depth, depth]);
    expect(book.bids[0]!.price).toBeLessThan(book.asks[0]!.price);
    const audit = (await rest<Record<'asks' | 'bids', string[][]>>('/Depth?pair=XBTUSD&count=500')).result!['XXBTZUSD']!;
    const prices = (side: string[][]): number[] => side.slice(0, depth).map(([price]) => Number(price));
    expect(book.bids.slice(0, 500).map(({ price }) => price)).toEqual(prices(audit.bids));
    expect(book.asks.slice(0, 500).map(({ price }) => price)).toEqual(prices(audit.asks));
    client.close();
  });

  test('trades: the last 50, then each one of the ledger once', async () => {
    const client = await FrameCollector.connect(simulator.urls.krakenWs);
    await client.send('{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"],"snapshot":true},"req_id":2}');
    await clock.advance(30_000);
    await client.settle();
    const told = client.where({ channel: 'trade' }).map((frame) => frame['data'] as Frame[]);
    expect(told[0]).toHaveLength(50);
    const all = told.flat();
    const first = told[1]![0]!['trade_id'] as number;
    expect(all.map((trade) => trade['trade_id'])).toEqual(all.map((_, i) => first - 50 + i));
    expect(
      told
        .slice(1)
        .flat()
        .map((trade) => [trade['trade_id'], trade['price'], trade['qty'], trade['side']]),
    ).toEqual(
      simulator.ledger
        .trades({ venue: 'kraken', instrument: 'BTC-USD', fromId: first })
        .map((trade) => [trade.tradeId, Number(trade.price), Number(trade.size), trade.aggressor]),
    );
    client.close();
  });

  test('acknowledges each symbol apart, answers pings, beats when there is nothing to say', async () => {
    const client = await FrameCollector.connect(simulator.urls.krakenWs);
    await client.send(
      { method: 'subscribe', params: { channel: 'book', symbol: ['USDC/USD', 'FOO/BAR'], depth: 10 }, req_id: 3 },
      { method: 'subscribe', params: { channel: 'book', symbol: ['USDC/USD'], depth: 10 }, req_id: 4 },
      { method: 'subscribe', params: { channel: 'book', symbol: ['USDC/USD'], depth: 11 }, req_id: 5 },
      { method: 'ping', req_id: 42 },
    );
    expect(client.where({ method: 'subscribe' }).map((frame) => [frame['req_id'], frame['success'], frame['error']])).toEqual([
      [3, true, undefined],
      [3, false, 'Currency pair not supported FOO/BAR'],
      [4, false, 'Already subscribed'],
      [5, false, 'Subscription depth not supported'],
    ]);
    expect(shapeOf(client.where({ method: 'pong' }))).toEqual([
      { method: 'text', req_id: 'number', time_in: 'time in µs', time_out: 'time in µs' },
    ]);
    await client.send({ method: 'unsubscribe', params: { channel: 'book', symbol: ['USDC/USD'], depth: 10 } });
    await client.send({ method: 'subscribe', params: { channel: 'instrument' } });
    await clock.advance(4_000);
    await client.settle();
    expect(client.where({ channel: 'heartbeat' })).toHaveLength(4);
    const { pairs } = client.where({ channel: 'instrument' })[0]!['data'] as { pairs: Frame[] };
    expect(pairs.map((pair) => [pair['symbol'], pair['price_precision'], pair['qty_precision'], pair['status']])).toEqual([
      ['BTC/USD', 1, 8, 'online'],
      ['ETH/USD', 2, 8, 'online'],
      ['USDT/USD', 5, 8, 'online'],
      ['USDC/USD', 4, 8, 'online'],
    ]);
    client.close();
  });

  test('OHLC: 720 closed minutes and the running one; a minute without trades is flat with vwap 0', async () => {
    const { result } = await rest<unknown[][]>('/OHLC?pair=USDCUSD&interval=1');
    const rows = result!['USDCUSD']!;
    expect(rows).toHaveLength(721);
    expect(rows.map(([time]) => time)).toEqual(rows.map((_, i) => (rows[0]![0] as number) + 60 * i));
    expect(result!['last']).toBe(rows[719]![0]);
    const empty = rows.filter((row) => row[7] === 0);
    expect(empty.length).toBeGreaterThan(5);
    for (const [, open, high, low, close, vwap, volume] of empty) {
      expect([high, low, close, vwap, volume]).toEqual([open, open, open, '0.0000', '0.00000000']);
    }
    if (CANDLES === undefined) return;
    const recorded = (JSON.parse(readFileSync(CANDLES, 'utf8')) as { result: Record<string, unknown[][]> }).result['XBTUSDT']!;
    const traded = (of: unknown[][]): unknown[] => of.find((row) => (row[7] as number) > 1)!;
    const ours = (await rest<unknown[][]>('/OHLC?pair=XBTUSD&interval=1')).result!['XXBTZUSD']!;
    expect(traded(ours).map((cell) => shapeOf(cell))).toEqual(traded(recorded).map((cell) => shapeOf(cell)));
    expect(digits(traded(ours).slice(1, 7))).toEqual(digits(traded(recorded).slice(1, 7)));
  });

  test('Trades page forward by ns id from history into live trading without a hole', async () => {
    const ids: number[] = [];
    let since = String(BigInt(START - 300_000) * 1_000_000n);
    let last: unknown[] = [];
    for (let page = 0; page < 60; page++) {
      const { result } = await rest<unknown[][] | string>(`/Trades?pair=XBTUSD&since=${since}&count=50`);
      const rows = result!['XXBTZUSD'] as unknown[][];
      if (rows.length === 0) break;
      ids.push(...rows.map((row) => row[6] as number));
      since = result!['last'] as string;
      last = rows.at(-1)!;
    }
    expect(ids.length).toBeGreaterThan(200);
    expect(ids).toEqual(ids.map((_, i) => ids[0]! + i));
    expect(ids.at(-1)).toBe(simulator.ledger.trades({ venue: 'kraken', instrument: 'BTC-USD' }).at(-1)!.tradeId);
    if (TRADES === undefined) return;
    const recorded = (JSON.parse(readFileSync(TRADES, 'utf8')) as { result: Record<string, unknown[][]> }).result['XBTUSDT']![0]!;
    expect(last.map((cell) => shapeOf(cell))).toEqual(recorded.map((cell) => shapeOf(cell)));
    expect(digits(last.slice(0, 2))).toEqual(digits(recorded.slice(0, 2)));
  });

  test('errors come with HTTP 200', async () => {
    expect(await rest('/OHLC?pair=NOPE')).toEqual({ error: ['EQuery:Unknown asset pair'] });
    expect(await rest('/Nothing')).toEqual({ error: ['EGeneral:Unknown method'] });
    const limited = await startSimulator({ clock, symbols: ['BTC-USD'], historyDays: 0.1 });
    const answers: string[] = [];
    for (let i = 0; i < 16; i++) answers.push(await (await fetch(`${limited.urls.krakenRest}/SystemStatus`)).text());
    expect(answers.at(-2)).toContain('"status":"online"');
    expect(answers.at(-1)).toBe('{"error":["EGeneral:Too many requests"]}');
    await limited.stop();
  });
});

/** How many digits follow the point in each text. */
function digits(cells: readonly unknown[]): number[] {
  return cells.map((cell) => String(cell).split('.')[1]?.length ?? 0);
}
