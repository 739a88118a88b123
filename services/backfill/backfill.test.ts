import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type WallClock } from '#libs/clock/clock.ts';
import { loadCandles } from '#libs/history/candles.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { sharedData } from '#libs/history/shared-data.ts';
import { streamCandles } from '#libs/store/candles.ts';
import { migrate } from '#libs/store/migrate.ts';
import { openStore } from '#libs/store/open.ts';
import { type Store } from '#libs/store/port.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { exportCandles, runBackfill, type BackfillOptions } from '#services/backfill/service.ts';

const MINUTE = 60_000;
/** The venue's time: 12:00:30. */
const NOW = Date.UTC(2026, 0, 10, 12, 0, 30);
const LAST = Math.floor(NOW / MINUTE) * MINUTE - MINUTE;

type Fault = (response: ServerResponse) => void;

/** Both venues' candles as their documents say, over one made-up market: minutes divisible by 7 had no trade. */
class Venues {
  readonly requests: string[] = [];
  /** Answers to the next requests for candles, instead of the right ones. */
  readonly faults: Fault[] = [];
  readonly krakenFaults: Fault[] = [];
  /** Rows put into every Coinbase page. */
  extra: unknown[][] = [];
  krakenAnswer: string | undefined;
  #server: Server | undefined;

  async start(): Promise<string> {
    this.#server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url!, 'http://venue');
      this.#answer(request.url!, pathname, searchParams, response);
    });
    await new Promise<void>((resolve) => this.#server!.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  #answer(url: string, path: string, query: URLSearchParams, response: ServerResponse): void {
    if (path === '/time') json(response, { iso: new Date(NOW).toISOString(), epoch: NOW / 1000 });
    else if (path === '/Time') json(response, { error: [], result: { unixtime: Math.floor(NOW / 1000) } });
    else {
      this.requests.push(url);
      const fault = (path.startsWith('/0/') ? this.krakenFaults : this.faults).shift();
      if (fault !== undefined) fault(response);
      else if (path === '/OHLC') this.#kraken(response, query);
      else if (path === '/products/BTC-USD/candles') this.#coinbase(response, query);
      else json(response, { message: 'NotFound' }, 404);
    }
  }

  #coinbase(response: ServerResponse, query: URLSearchParams): void {
    const [start, end] = [Date.parse(query.get('start') ?? ''), Date.parse(query.get('end') ?? '')];
    if (!((end - start) / MINUTE < 300)) {
      json(response, { message: 'granularity too small for the requested time range' }, 400);
      return;
    }
    const rows: unknown[][] = [];
    for (let t = end; t >= start - MINUTE; t -= MINUTE) {
      const price = priceAt(t);
      if (hasTrade(t)) rows.push([t / 1000, price - 2, price + 3, price, price + 1, 1.5]);
    }
    json(response, [...this.extra, ...rows]);
  }

  #kraken(response: ServerResponse, query: URLSearchParams): void {
    const fixed = query.get('pair') === 'XBTUSD' ? this.krakenAnswer : '{"error":["EQuery:Unknown asset pair"]}';
    if (fixed !== undefined) {
      response.end(fixed);
      return;
    }
    const rows = [];
    for (let t = LAST + MINUTE - 720 * MINUTE; t <= LAST + MINUTE; t += MINUTE) {
      const [price, is] = [String(priceAt(t)), hasTrade(t)];
      rows.push([t / 1000, price, price, price, price, is ? price : '0.0', is ? '0.25' : '0.00000000', is ? 3 : 0]);
    }
    json(response, { error: [], result: { XXBTZUSD: rows, last: LAST / 1000 } });
  }
}

const hasTrade = (t: number): boolean => (t / MINUTE) % 7 !== 0;
const priceAt = (t: number): number => 50_000 + ((t / MINUTE) % 100);
const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const raw =
  (text: string, status = 200, headers: Record<string, string> = {}): Fault =>
  (response) =>
    response.writeHead(status, headers).end(text);

/** Waiting takes no time; our own clock is ten minutes ahead of the venues'. */
let ours = NOW + 10 * MINUTE;
const clock: WallClock = {
  now: () => ours,
  nowMicros: () => ours * 1000,
  sleep: async (ms) => {
    ours += ms;
    await nextTurn();
  },
};

const folder = mkdtempSync(join(tmpdir(), 'tributary-backfill-'));
let store: Store;
let venues: Venues;
let rest: string;

beforeAll(async () => {
  store = await openStore({ path: join(folder, 'store') });
  await migrate(store);
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const table of ['candles', 'candle_coverage']) await store.execute(`TRUNCATE TABLE ${table}`);
  await store.execute('ALTER TABLE candles MODIFY SETTING non_replicated_deduplication_window = 0');
  await store.execute('ALTER TABLE candle_coverage MODIFY SETTING non_replicated_deduplication_window = 0');
  venues = new Venues();
  rest = await venues.start();
});
afterEach(() => venues.stop());

function run(options: Partial<BackfillOptions> = {}) {
  return runBackfill({
    ...{ store, venues: ['coinbase', 'kraken'], instruments: ['BTC-USD'], days: 1, clock },
    ...{ endpoints: { coinbase: { rest }, kraken: { rest } }, signal: new AbortController().signal },
    logger: createLogger({ level: 'silent' }),
    ...options,
  });
}

async function stored(venue: string): Promise<CandleRow[]> {
  const rows: CandleRow[] = [];
  for await (const block of streamCandles(store, { venues: [venue] })) rows.push(...block);
  return rows;
}

const tradedMinutes = (minutes: number): number[] =>
  Array.from({ length: minutes }, (_, index) => LAST - (minutes - 1 - index) * MINUTE).filter(hasTrade);

describe('backfill', () => {
  test('brings each traded minute once, up to the last closed one by the venue’s own clock, in the right columns', async () => {
    const progress: [number, number][] = [];
    const report = await run({ onProgress: (done, total) => progress.push([done, total]) });
    expect(report).toMatchObject({
      absurd: 0,
      pages: 6,
      failures: [],
      candles: tradedMinutes(1440).length + tradedMinutes(720).length,
    });
    const coinbase = await stored('coinbase');
    expect(coinbase.map(({ start }) => start)).toEqual(tradedMinutes(1440));
    const price = priceAt(coinbase[0]!.start);
    expect(coinbase[0]).toMatchObject({
      open: price,
      high: price + 3,
      low: price - 2,
      close: price + 1,
      volume: 1.5,
      trades: -1,
    });
    const kraken = await stored('kraken');
    expect(kraken.map(({ start }) => start)).toEqual(tradedMinutes(720));
    expect(kraken[0]).toMatchObject({ volume: 0.25, trades: 3 });
    expect(progress[0]).toEqual([0, 6]);
    expect(progress.at(-1)).toEqual([6, 6]);
  });

  test('asks only for what is missing', async () => {
    await run({ days: 0.5 });
    const first = venues.requests.length;
    expect(await run({ days: 0.5 })).toMatchObject({ candles: 0, pages: 0 });
    expect(venues.requests.length).toBe(first);
    await run({ days: 1, venues: ['coinbase'] });
    expect(venues.requests.slice(first).map((url) => new URL(url, rest).searchParams.get('end'))).toEqual(
      expect.arrayContaining([new Date(LAST - 720 * MINUTE).toISOString()]),
    );
    expect((await stored('coinbase')).map(({ start }) => start)).toEqual(tradedMinutes(1440));
  });

  test('brings what lies between two times, and of it what is closed and kept', async () => {
    const from = LAST - 100 * MINUTE;
    await run({ from, to: LAST - 50 * MINUTE });
    const between = tradedMinutes(101).filter((t) => t < LAST - 50 * MINUTE);
    expect((await stored('coinbase')).map(({ start }) => start)).toEqual(between);
    // Later than the venue's last closed minute there is nothing; before what Kraken keeps neither.
    await run({ from, to: LAST + 60 * MINUTE });
    expect((await stored('coinbase')).map(({ start }) => start)).toEqual(tradedMinutes(101));
    const { length } = await stored('kraken');
    expect(await run({ from: LAST - 3000 * MINUTE, to: LAST - 2000 * MINUTE, venues: ['kraken'] })).toMatchObject({ pages: 0 });
    expect(await stored('kraken')).toHaveLength(length);
  });

  test('gets over 429 with Retry-After, 500, a web page, cut JSON and a cut connection', async () => {
    venues.faults.push(
      raw('{"message":"Public rate limit exceeded"}', 429, { 'retry-after': '1' }),
      raw('oops', 500),
      raw('<html>maintenance</html>', 200, { 'content-type': 'text/html' }),
      raw('[[1700000000,1,'),
      (response) => response.destroy(),
    );
    venues.krakenFaults.push(raw('{"error":["EGeneral:Too many requests"]}'), raw('{"error":[],"result":{"XXBTZUSD":[[17'));
    const report = await run();
    expect(report.failures).toEqual([]);
    expect((await stored('coinbase')).map(({ start }) => start)).toEqual(tradedMinutes(1440));
    expect((await stored('kraken')).map(({ start }) => start)).toEqual(tradedMinutes(720));
  });

  test('a venue that stays down, and what it does not list, cost their own history only; the next run goes on', async () => {
    venues.krakenAnswer = '{"error":["EService:Unavailable"]}';
    const report = await run({ instruments: ['BTC-USD', 'NOPE-USD'] });
    expect(report.failures.map(({ venue, instrument, error }) => `${venue} ${instrument} ${error.code}`).sort()).toEqual([
      'coinbase NOPE-USD TRB_UNKNOWN_SYMBOL',
      'kraken BTC-USD TRB_HTTP_RATE_LIMITED',
      'kraken NOPE-USD TRB_UNKNOWN_SYMBOL',
    ]);
    expect((await stored('coinbase')).length).toBe(tradedMinutes(1440).length);
    venues.krakenAnswer = undefined;
    expect(await run()).toMatchObject({ candles: tradedMinutes(720).length, failures: [] });
  });

  test('fetches the rates that convert what is not in dollars, where the venue quotes them', async () => {
    const report = await run({ venues: ['coinbase'], instruments: ['BTC-USD', 'BTC-EUR'], days: 0.1 });
    expect(report.failures.map(({ instrument }) => instrument)).toEqual(['BTC-EUR']);
    const asked = venues.requests.map((url) => url.split('/')[2]);
    expect([...new Set(asked)].sort()).toEqual(['BTC-EUR', 'BTC-USD', 'USDC-USD', 'USDT-EUR', 'USDT-USD']);
  });

  test('leaves out what no market can have made, and counts it', async () => {
    const t = (LAST - 5 * MINUTE) / 1000;
    const quiet = (Math.floor(LAST / MINUTE / 7) * 7 * MINUTE) / 1000;
    venues.extra = [
      [t, 0, 1, 1, 1, 1],
      [t, -5, 1, 1, 1, 1],
      [t, 50_000, 1e12, 50_000, 50_000, 1],
      [t, 60_000, 50_000, 55_000, 55_000, 1],
      [quiet, 500_000_000, 500_000_001, 500_000_000, 500_000_000, 1],
      [t, null, 'x', 1, 1, 1],
      [t + 1, 50_000, 50_000, 50_000, 50_000, 1],
      ['soon'],
    ];
    const report = await run({ venues: ['coinbase'], days: 0.1 });
    expect(report.absurd).toBe(8);
    expect(report.candles).toBe(tradedMinutes(144).length);
  });

  test('stops when told to', async () => {
    const stop = new AbortController();
    venues.faults.push(() => stop.abort());
    expect(await run({ signal: stop.signal, venues: ['coinbase'] })).toMatchObject({ candles: 0 });
  });

  test('an unknown venue is an error', async () => {
    await expect(run({ venues: ['mtgox'] })).rejects.toMatchObject({ code: 'TRB_UNKNOWN_VENUE' });
  });

  test('reads what Kraken really answered', async () => {
    const sample = sharedData('../sources/samples/kraken-rest-ohlc-1m-recorded-2025-11.json');
    if (sample === undefined) return;
    const text = readFileSync(sample, 'utf8');
    const rows = (JSON.parse(text) as { result: { XBTUSDT: [number, ...unknown[]][] } }).result.XBTUSDT;
    const end = rows.at(-1)![0] * 1000;
    const { krakenCandles } = await import('#services/backfill/venues/kraken.ts');
    venues.krakenAnswer = text;
    const page = await krakenCandles({ baseUrl: rest, clock }).page(
      'BTC-USD',
      { from: end - 720 * MINUTE, to: end },
      new AbortController().signal,
    );
    expect(rows.length).toBe(721);
    expect(page.absurd).toBe(0);
    // 216 of the 721 rows are minutes without a trade; the last row still runs.
    expect(page.candles.length).toBe(rows.slice(0, -1).filter((row) => row[7] !== 0).length);
    expect(page.candles.every(({ trades, volume }) => trades > 0 && volume > 0)).toBe(true);
  });

  test('writes a history file that reads back the same', async () => {
    await run({ days: 0.2 });
    const file = join(folder, 'history.csv.gz');
    const written = await exportCandles(store, file);
    const { rows } = await loadCandles(file);
    expect(rows.length).toBe(written);
    expect(rows.filter(({ venue }) => venue === 'kraken')).toEqual(await stored('kraken'));
    expect(rows.filter(({ venue }) => venue === 'coinbase')).toEqual(await stored('coinbase'));
  });
});
