import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterAll, describe, expect, test } from '@jest/globals';
import { queryAsync } from 'chdb';

import { TributaryError } from '../errors/errors.ts';
import { type Tick } from '../wire/tributary/v1/market.ts';
import { candlesToTicks } from './candle-events.ts';
import { loadCandles, readCandles } from './candles.ts';
import { detectHistory } from './detect.ts';
import { sharedData } from './shared-data.ts';
import { tickFileToTicks } from './tick-events.ts';
import { loadTicks } from './ticks.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-history-'));
afterAll(() => rmSync(folder, { recursive: true }));

const HEADER = 'ts,venue,symbol,open,high,low,close,volume,trades';
const GOOD = [
  '2024-01-01T00:00:00Z,kraken,BTC-USD,100,101,99,100.5,2.5,7',
  '2024-01-01T00:00:00Z,kraken,USDT-USD,1.0001,1.0002,1,1.0001,10,',
  '2024-01-01T00:02:00Z,kraken,BTC-USD,100.5,100.5,100.5,100.5,0,0',
];

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function failure(work: Promise<unknown>): Promise<TributaryError> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof TributaryError)) throw new Error(`expected a TributaryError, got ${String(thrown)}`);
  expect(thrown.hint).toBeTruthy();
  return thrown;
}

const summary = ({ venue, instrument, event }: Tick) => {
  if (event?.$case === 'clock') return `clock ${event.value.t}`;
  if (event?.$case === 'reference') return `${event.value.series}=${event.value.value} at ${event.value.effectiveT}`;
  return `${venue} ${instrument} ${event?.$case}`;
};

describe('candle files', () => {
  test('CSV, gzip, byte order mark, carriage returns, quotes and other ways to write a time give the same rows', async () => {
    const text = [HEADER, ...GOOD].join('\n');
    const plain = await loadCandles(write('plain.csv', `${text}\n`));
    expect(plain.rows).toHaveLength(3);
    expect(plain.rows[0]).toEqual({
      venue: 'kraken',
      instrument: 'BTC-USD',
      start: Date.UTC(2024, 0, 1),
      open: 100,
      high: 101,
      low: 99,
      close: 100.5,
      volume: 2.5,
      trades: 7,
    });
    expect(plain.rows[1]!.trades).toBe(-1);
    const others = {
      'a.csv.gz': gzipSync(text),
      'b.csv': `\uFEFF${text.replaceAll('\n', '\r\n')}\r\n\r\n`,
      'c.csv': text.replaceAll('kraken', '"Kraken"'),
      'd.csv': text.replaceAll('T00:', ' 00:').replaceAll('Z,', ','),
      'e.csv': text.replaceAll('2024-01-01T00:00:00Z', '1704067200').replaceAll('2024-01-01T00:02:00Z', '1704067320000'),
      'f.csv': [HEADER, GOOD[2], GOOD[0], GOOD[1]].join('\n'),
    };
    for (const [name, content] of Object.entries(others)) {
      expect((await loadCandles(write(name, content))).rows).toEqual(plain.rows);
    }
  });

  test('Parquet with typed columns gives the same rows as CSV', async () => {
    const csv = write('typed.csv', [HEADER, ...GOOD].join('\n'));
    const types = 'ts DateTime64(3), venue String, symbol String, open Float64, high Float64, low Float64, close Float64';
    const structure = `${types}, volume Float64, trades Nullable(Int32)`;
    for (const codec of ['zstd', 'snappy', 'none']) {
      const sql = `SELECT * FROM file('${csv}', CSVWithNames, '${structure}') SETTINGS output_format_parquet_compression_method = '${codec}'`;
      const parquet = await queryAsync(sql, { format: 'Parquet' });
      const path = write(`typed-${codec}.parquet`, parquet.bytes());
      expect(await detectHistory(path)).toBe('candles');
      expect((await loadCandles(path)).rows).toEqual((await loadCandles(csv)).rows);
      const damaged = write('damaged.parquet', parquet.bytes().subarray(0, 300));
      expect((await failure(loadCandles(damaged))).code).toBe('TRB_HISTORY_FORMAT');
    }
  });

  const bad: [what: string, line: string, message: RegExp][] = [
    ['text for a price', '2024-01-01T00:03:00Z,kraken,BTC-USD,abc,1,1,1,1,1', /line 5: open is "abc"/],
    ['an empty price', '2024-01-01T00:03:00Z,kraken,BTC-USD,1,1,1,,1,1', /line 5: close is ""/],
    ['a negative price', '2024-01-01T00:03:00Z,kraken,BTC-USD,1,1,-1,1,1,1', /line 5: low is "-1"/],
    ['a zero price', '2024-01-01T00:03:00Z,kraken,BTC-USD,1,1,0,1,1,1', /line 5: low is "0"/],
    ['an absurd price', '2024-01-01T00:03:00Z,kraken,BTC-USD,1,1e12,1,1,1,1', /line 5: high is "1e12"/],
    ['an infinite volume', '2024-01-01T00:03:00Z,kraken,BTC-USD,1,1,1,1,Infinity,1', /line 5: volume is "Infinity"/],
    ['a negative volume', '2024-01-01T00:03:00Z,kraken,BTC-USD,1,1,1,1,-1,1', /line 5: volume is "-1"/],
    ['a part of a trade', '2024-01-01T00:03:00Z,kraken,BTC-USD,1,1,1,1,1,1.5', /line 5: trades is "1.5"/],
    ['high below low', '2024-01-01T00:03:00Z,kraken,BTC-USD,1,1,2,1,1,1', /line 5: high 1 is below low 2/],
    ['a line cut short', '2024-01-01T00:03:00Z,kraken,BTC-USD,1,1', /line 5: 5 fields where the header has 9/],
    ['a time within a minute', '2024-01-01T00:03:07Z,kraken,BTC-USD,1,1,1,1,1,1', /line 5: ts is .* start of a minute/],
    ['no time', 'yesterday,kraken,BTC-USD,1,1,1,1,1,1', /line 5: ts is "yesterday"/],
    ['a symbol of another style', '2024-01-01T00:03:00Z,kraken,XBT/USD,1,1,1,1,1,1', /line 5: symbol is "XBT\/USD"/],
    ['a formula for a venue', '2024-01-01T00:03:00Z,=1+1,BTC-USD,1,1,1,1,1,1', /line 5: venue is "=1\+1"/],
    ['a formula for a symbol', '2024-01-01T00:03:00Z,kraken,@SUM(A1)-USD,1,1,1,1,1,1', /line 5: symbol is "@SUM\(A1\)-USD"/],
    ['a path for a venue', '2024-01-01T00:03:00Z,../kraken,BTC-USD,1,1,1,1,1,1', /line 5: venue is "\.\.\/kraken"/],
    ['an empty line', '\n2024-01-01T00:03:00Z,kraken,BTC-USD,1,1,1,1,1,1', /line 5: the line is empty/],
    ['a line without end', 'x'.repeat(100_000), /line 5: longer than/],
    [
      'a second, different candle of a minute',
      GOOD[0]!.replace(',7', ',8'),
      /Two different candles of kraken BTC-USD at 2024-01-01T00:00/,
    ],
  ];
  test.each(bad)('%s is an error that says where', async (_what, line, message) => {
    const text = [HEADER, ...GOOD, line, ''].join('\n');
    for (const path of [write('bad.csv', text), write('bad.csv.gz', gzipSync(text))]) {
      const error = await failure(loadCandles(path));
      expect(error.code).toBe('TRB_HISTORY_FORMAT');
      expect(error.message).toMatch(message);
    }
  });

  test('identical repeats are dropped and counted', async () => {
    const { rows, duplicates } = await loadCandles(write('twice.csv', [HEADER, ...GOOD, ...GOOD].join('\n')));
    expect([rows.length, duplicates]).toEqual([3, 3]);
  });

  test('a file that is absent, empty, cut short, damaged, foreign or a zip bomb is an error', async () => {
    const lines = Array.from(
      { length: 5000 },
      (_, i) => `${1704067200 + i * 60},kraken,BTC-USD,${i + 1},${i + 2},1,1,${Math.sin(i) + 1},1`,
    );
    const packed = gzipSync([HEADER, ...lines].join('\n'));
    expect((await failure(detectHistory(join(folder, 'absent.csv')))).code).toBe('TRB_HISTORY_NOT_FOUND');
    const flipped = Buffer.from(packed);
    flipped[packed.length >> 1]! ^= 0xff;
    const padded = `${GOOD[0]!.slice(0, -1)}${'0'.repeat(60_000)}7\n`;
    const bomb = gzipSync(`${HEADER}\n${padded.repeat(1200)}`);
    const cases: [content: string | Uint8Array, message: RegExp][] = [
      ['', /empty/],
      ['\n\n', /line|header/],
      [packed.subarray(0, packed.length - 500), /cut short/],
      [flipped, /damaged|line/],
      ['a,b\n1,2\n', /columns missing in the header: ts, venue/],
      [bomb.subarray(0, 12), /cut short/],
      [gzipSync(Buffer.alloc(100_000_000)), /longer than/],
      [bomb, /implausible size/],
    ];
    for (const [content, message] of cases) {
      const error = await failure(drain(write('broken', content)));
      expect(error.code).toBe('TRB_HISTORY_FORMAT');
      expect(error.message).toMatch(message);
    }
    expect((await failure(detectHistory(write('foreign.csv', 'a,b\n1,2\n')))).message).toMatch(/neither/);
  });
});

async function drain(path: string): Promise<number> {
  let count = 0;
  for await (const rows of readCandles(path)) count += rows.length;
  return count;
}

test('candles become events: the minute before its clock, rates as references, a clock for every minute', async () => {
  const { rows } = await loadCandles(write('events.csv', [HEADER, ...GOOD].join('\n')));
  const t = Date.UTC(2024, 0, 1);
  expect([...candlesToTicks(rows)].map(summary)).toEqual([
    'kraken BTC-USD candle',
    `BTC-USD=100.5 at ${t + 60_000}`,
    `USDT-USD=1.0001 at ${t + 60_000}`,
    `clock ${t + 60_000}`,
    `clock ${t + 120_000}`,
    'kraken BTC-USD candle',
    `BTC-USD=100.5 at ${t + 180_000}`,
    `clock ${t + 180_000}`,
  ]);
});

test('a hole of more than a day has a clock at either end and none between', () => {
  const t = Date.UTC(2024, 0, 1);
  const candle = { venue: 'kraken', instrument: 'ADA-USD', open: 1, high: 1, low: 1, close: 1, volume: 1, trades: 1 };
  const starts = [t, t + 90_000_000];
  expect([...candlesToTicks(starts.map((start) => ({ ...candle, start })))].map(summary)).toEqual([
    'kraken ADA-USD candle',
    `clock ${t + 60_000}`,
    `clock ${t + 90_000_000}`,
    'kraken ADA-USD candle',
    `clock ${t + 90_060_000}`,
  ]);
  const row = {
    venue: 'kraken',
    instrument: 'ADA-USD',
    exchangeTime: 0,
    bid: 1,
    ask: 2,
    bidSize: 0,
    askSize: 0,
    side: undefined,
  };
  const ticks = [t + 0.5, t + 90_000_500].map((receiveTime, i) => ({ ...row, receiveTime, tradePrice: 1 + i, tradeSize: 1 }));
  expect([...tickFileToTicks(ticks)].map(summary)).toEqual([
    'kraken ADA-USD quote',
    'kraken ADA-USD heartbeat',
    `clock ${t + 1000}`,
    `clock ${t + 90_000_000}`,
    'kraken ADA-USD trade',
    'kraken ADA-USD heartbeat',
    `clock ${t + 90_001_000}`,
  ]);
});

test('ticks become quotes, trades, heartbeats, references and clocks of whole seconds', async () => {
  const t = Date.UTC(2024, 0, 1);
  const path = write(
    'ticks.csv',
    [
      'venue,symbol,exchange_ts_ms,receive_ts_ms,best_bid,best_ask,last_trade_px,last_trade_qty,bid_size,ask_size,side',
      `coinbase,BTC-USD,0,${t + 100},100,101,100.5,0.1,1,2,`,
      `coinbase,BTC-USD,${t},${t + 2500},100,101,100.5,0.2,1,2,sell`,
      `coinbase,BTC-USD,${t},${t + 1000},100,101,100.5,0.1,1,2,`,
      `bybit,BTC-USDT,,${t + 2600},0,0,100.4,0,,,`,
      `bybit,BTC-USDT,,${t + 2600},0,0,100.3,0,,,`,
    ].join('\n'),
  );
  expect(await detectHistory(path)).toBe('ticks');
  const ticks = [...tickFileToTicks(await loadTicks(path))];
  expect(ticks.map(summary)).toEqual([
    'coinbase BTC-USD quote',
    'coinbase BTC-USD heartbeat',
    `BTC-USD=100.5 at ${t + 3000}`,
    `clock ${t + 1000}`,
    'coinbase BTC-USD heartbeat',
    `BTC-USD=100.5 at ${t + 4000}`,
    `clock ${t + 2000}`,
    'coinbase BTC-USD trade',
    'bybit BTC-USDT trade',
    'coinbase BTC-USD heartbeat',
    `BTC-USD=100.5 at ${t + 5000}`,
    'bybit BTC-USDT heartbeat',
    `clock ${t + 3000}`,
  ]);
  expect(ticks[7]!.event).toEqual({
    $case: 'trade',
    value: { tradeId: (t + 2500) * 1000, price: 100.5, size: 0.2, aggressor: 2, repaired: false },
  });
});

describe('recorded files', () => {
  test('four venues: every candle once, in order, each clock after its minute', async () => {
    const path = sharedData('btc-1m-4venues-2023-03-01_2023-03-14.csv.gz');
    if (path === undefined) return;
    expect(await detectHistory(path)).toBe('candles');
    const { rows, duplicates } = await loadCandles(path);
    expect([rows.length, duplicates]).toEqual([291_363, 0]);
    let now = 0;
    let candles = 0;
    let rates = 0;
    for (const { event } of candlesToTicks(rows)) {
      if (event?.$case === 'clock') {
        if (event.value.t <= now) throw new Error('the clock went back');
        now = event.value.t;
      } else if (event?.$case === 'candle') {
        candles++;
        if (event.value.start < now) throw new Error('a candle after its clock');
      } else if (event?.$case === 'reference' && event.value.series !== 'BTC-USD') rates++;
    }
    expect(candles + rates).toBe(291_363);
    expect(now).toBe(Date.UTC(2023, 2, 15));
  });

  test('five venues of ticks: event times never go back, trade ids never repeat', async () => {
    const path = sharedData('ticks/btc-bbo-5venues-2025-09-26T1848_1917.csv.gz');
    if (path === undefined) return;
    const rows = await loadTicks(path);
    expect(rows).toHaveLength(29_297);
    const ids = new Set<string>();
    let trades = 0;
    let last = 0;
    for (const tick of tickFileToTicks(rows)) {
      if (tick.receiveTime < last) throw new Error('time went back');
      last = tick.receiveTime;
      if (tick.event?.$case !== 'trade') continue;
      trades++;
      ids.add(`${tick.venue} ${tick.event.value.tradeId}`);
    }
    expect(ids.size).toBe(trades);
    expect(trades).toBeGreaterThan(15_000);
  });
});
