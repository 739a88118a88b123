/** What reads what others wrote. A target does one input; whatever it throws that is no TributaryError is a crash. */
import { Client, credentials, status } from '@grpc/grpc-js';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { TributaryError } from '#libs/errors/errors.ts';
import { readCandles } from '#libs/history/candles.ts';
import { readTicks } from '#libs/history/ticks.ts';
import { loadContext } from '#libs/history/context-file.ts';
import { loadBundle, sealBundle } from '#libs/models/bundle.ts';
import { openBundle, signBundle } from '#libs/models/signature.ts';
import { GetSignalRequest, ScoreRequest, StreamSignalsRequest } from '#libs/wire/tributary/v1/signal_service.ts';
import { Signal } from '#libs/wire/tributary/v1/signals.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { type BareServer, startBareServer } from '#services/inference/testing/signal-server.ts';
import { mapBinanceFrame } from '#services/ingest/venues/binance/mapper.ts';
import { mapBitstampFrame } from '#services/ingest/venues/bitstamp/mapper.ts';
import { mapBybitFrame } from '#services/ingest/venues/bybit/mapper.ts';
import { mapCoinbaseFrame } from '#services/ingest/venues/coinbase/mapper.ts';
import { mapGeminiFrame } from '#services/ingest/venues/gemini/mapper.ts';
import { mapKrakenFrame } from '#services/ingest/venues/kraken/mapper.ts';
import { mapOkxFrame } from '#services/ingest/venues/okx/mapper.ts';
import { type Generator, mutate, mutateBytes } from './generator.ts';

export interface Target {
  readonly name: string;
  /** Resolves when the input was read or refused; throws on a crash. */
  readonly once: (generator: Generator) => Promise<void>;
  readonly close?: () => void | Promise<void>;
}

const TIME = '2024-05-09T12:00:00.000001Z';
const FRAMES: Readonly<Record<string, readonly [(text: string) => unknown, readonly string[]]>> = {
  coinbase: [
    mapCoinbaseFrame,
    [
      `{"type":"match","trade_id":7,"product_id":"BTC-USD","size":"0.1","price":"60000.1","side":"buy","time":"${TIME}","sequence":9}`,
      `{"type":"l2update","product_id":"BTC-USD","changes":[["buy","60000","0.5"],["sell","60001","0"]],"time":"${TIME}"}`,
      `{"type":"snapshot","product_id":"BTC-USD","bids":[["60000","1"]],"asks":[["60001","2"]]}`,
      `{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"${TIME}"}`,
      `{"type":"error","message":"no","reason":"product"}`,
      `{"type":"status","products":[{"id":"BTC-USD","status":"online","quote_increment":"0.01"}]}`,
    ],
  ],
  kraken: [
    mapKrakenFrame,
    [
      `{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":60000.1,"qty":0.1,"ord_type":"market","trade_id":7,"timestamp":"${TIME}"}]}`,
      `{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":60000,"qty":1}],"asks":[{"price":60001,"qty":2}],"checksum":123456}]}`,
      `{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":60000,"bid_qty":1,"ask":60001,"ask_qty":1,"last":60000}]}`,
      `{"channel":"instrument","type":"snapshot","data":{"pairs":[{"symbol":"BTC/USD","status":"online","price_increment":0.1}]}}`,
      `{"channel":"status","type":"update","data":[{"system":"online"}]}`,
      `{"method":"subscribe","success":false,"error":"no such pair","symbol":"BTC/USD"}`,
    ],
  ],
  binance: [
    mapBinanceFrame,
    [
      `{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1,"s":"BTCUSDT","a":7,"p":"60000","q":"0.1","f":1,"l":2,"T":1715256000000,"m":true}}`,
      `{"stream":"btcusdt@bookTicker","data":{"u":7,"s":"BTCUSDT","b":"60000","B":"1","a":"60001","A":"1"}}`,
      `{"stream":"btcusdt@depth20@100ms","data":{"lastUpdateId":7,"bids":[["60000","1"]],"asks":[["60001","1"]]}}`,
      `{"error":{"code":2,"msg":"no"},"id":1}`,
    ],
  ],
  bybit: [
    mapBybitFrame,
    [
      `{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1715256000000,"data":[{"T":1715256000000,"s":"BTCUSDT","S":"Buy","v":"0.1","p":"60000","i":"x"}]}`,
      `{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1715256000000,"cts":1715256000000,"data":{"s":"BTCUSDT","b":[["60000","1"]],"a":[["60001","0"]],"u":7,"seq":9}}`,
      `{"success":false,"ret_msg":"no","op":"subscribe","conn_id":"x"}`,
    ],
  ],
  bitstamp: [
    mapBitstampFrame,
    [
      `{"event":"trade","channel":"live_trades_btcusd","data":{"id":7,"amount":0.1,"price":60000,"type":0,"microtimestamp":"1715256000000000"}}`,
      `{"event":"data","channel":"order_book_btcusd","data":{"microtimestamp":"1715256000000000","bids":[["60000","1"]],"asks":[["60001","1"]]}}`,
      `{"event":"bts:error","channel":"","data":{"message":"no"}}`,
    ],
  ],
  gemini: [
    mapGeminiFrame,
    [
      `{"type":"l2_updates","symbol":"BTCUSD","changes":[["buy","60000","1"]],"trades":[{"type":"trade","symbol":"BTCUSD","event_id":7,"timestamp":1715256000000,"price":"60000","quantity":"0.1","side":"buy"}]}`,
      `{"type":"trade","symbol":"BTCUSD","event_id":7,"timestamp":1715256000000,"price":"60000","quantity":"0.1","side":"sell"}`,
      `{"result":"error","reason":"no","message":"no"}`,
    ],
  ],
  okx: [
    mapOkxFrame,
    [
      `{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"7","px":"60000","sz":"0.1","side":"buy","ts":"1715256000000"}]}`,
      `{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["60001","1","0","1"]],"bids":[["60000","1","0","1"]],"ts":"1715256000000","checksum":1,"prevSeqId":-1,"seqId":7}]}`,
      `{"event":"error","code":"60018","msg":"no"}`,
    ],
  ],
};

const TABLES: readonly (readonly [string, (path: string) => Promise<unknown>, string])[] = [
  [
    'candles',
    (path) => drain(readCandles(path)),
    'ts,venue,symbol,open,high,low,close,volume,trades\n2023-03-01T00:00:00Z,kraken,BTC-USD,1,2,0.5,1.5,3,4\n2023-03-01T00:01:00Z,kraken,BTC-USD,1,2,0.5,1.5,3,4\n',
  ],
  [
    'ticks',
    (path) => drain(readTicks(path)),
    'venue,symbol,exchange_ts_ms,receive_ts_ms,best_bid,best_ask,last_trade_px,last_trade_qty\nkraken,BTC-USD,1677628800000,1677628800100,1,2,1.5,0.1\n',
  ],
  [
    'context',
    loadContext,
    'source,series,seq,value,observed_at,published_at,available_at,valid_for\ncoingecko,btc,1,2.5,1677628800000,1677628800000,1677628800000,1000\n',
  ],
];

const REQUESTS: readonly (readonly [string, { decode(bytes: Uint8Array): unknown }, Uint8Array])[] = [
  ['GetSignal', GetSignalRequest, GetSignalRequest.encode({ instrument: 'BTC-USD', venue: 'kraken', horizon: '1m' }).finish()],
  [
    'Score',
    ScoreRequest,
    ScoreRequest.encode(
      ScoreRequest.fromPartial({ instrument: 'BTC-USD', venue: 'kraken', horizon: '1m', values: [1, 2, NaN] }),
    ).finish(),
  ],
  [
    'StreamSignals',
    StreamSignalsRequest,
    StreamSignalsRequest.encode(StreamSignalsRequest.fromPartial({ instruments: ['BTC-USD'], horizons: ['1m'] })).finish(),
  ],
  ['Signal', Signal, Signal.encode(Signal.fromPartial({ instrument: 'BTC-USD', t: 1 })).finish()],
  ['Tick', Tick, Tick.encode(Tick.fromPartial({ event: { $case: 'clock', value: { t: 1, writerEpoch: 1 } } })).finish()],
  ['FeatureVector', FeatureVector, FeatureVector.encode(FeatureVector.fromPartial({ t: 1, values: [1, 2] })).finish()],
];

export function openTargets(): readonly Target[] {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-fuzz-'));
  return [
    ...Object.entries(FRAMES).map(([venue, [map, seeds]]) => ({
      name: `frames of ${venue}`,
      once: (generator: Generator) => attempt(() => map(mutate(generator.pick(seeds), generator))),
    })),
    ...TABLES.map(([kind, read, text]) => ({
      name: `${kind} files`,
      once: async (generator: Generator) => {
        const path = join(folder, kind);
        const mutated =
          generator.next(2) === 0 ? Buffer.from(mutate(text, generator)) : mutateBytes(Buffer.from(text), generator);
        writeFileSync(path, generator.next(3) === 0 ? mutateBytes(gzipSync(mutated), generator) : mutated);
        await attempt(() => read(path));
      },
    })),
    parquet(folder),
    liveServer(),
    bundles(),
    ...REQUESTS.map(([name, message, bytes]) => ({
      name: `bytes of ${name}`,
      // A decoder's errors are caught by whoever reads: gRPC answers INTERNAL, services set the record aside.
      once: (generator: Generator) =>
        attempt(() => {
          try {
            return message.decode(mutateBytes(bytes, generator));
          } catch (thrown) {
            if (thrown instanceof RangeError || (thrown instanceof Error && thrown.constructor === Error)) return undefined;
            throw thrown;
          }
        }),
    })),
    { name: 'the folder', once: () => Promise.resolve(), close: () => rmSync(folder, { recursive: true }) },
  ];
}

/** Candles, packed in the three ways that others pack them. */
function parquet(folder: string): Target {
  let written: Promise<readonly Uint8Array[]> | undefined;
  const write = async (): Promise<readonly Uint8Array[]> => {
    const { queryAsync } = await import('chdb');
    const rows = `SELECT toDateTime64('2023-03-01 00:00:00', 3) + INTERVAL number MINUTE AS ts, 'kraken' AS venue, 'BTC-USD' AS symbol,
      1. AS open, 2. AS high, .5 AS low, 1.5 AS close, number / 3 AS volume, 4 AS trades FROM numbers(3)`;
    const files: Uint8Array[] = [];
    for (const codec of ['none', 'snappy', 'zstd']) {
      const sql = `${rows} SETTINGS output_format_parquet_compression_method = '${codec}'`;
      files.push((await queryAsync(sql, { format: 'Parquet' })).bytes());
    }
    return files;
  };
  return {
    name: 'Parquet files',
    once: async (generator) => {
      const path = join(folder, 'candles.parquet');
      writeFileSync(path, mutateBytes(generator.pick(await (written ??= write())), generator));
      await attempt(() => drain(readCandles(path)));
    },
  };
}

/** SignalService on a socket: whatever comes is answered, and so is an honest question after it. */
function liveServer(): Target {
  const seeds = REQUESTS.slice(0, 3);
  const honest = GetSignalRequest.encode({ instrument: 'BTC-USD', venue: '', horizon: '' }).finish();
  let opening: Promise<{ readonly server: BareServer; readonly client: Client }> | undefined;
  const open = async () => {
    const server = await startBareServer({ access: { callsPerSecond: 1_000_000 } });
    return { server, client: new Client(server.address, credentials.createInsecure()) };
  };
  return {
    name: 'SignalService',
    once: async (generator) => {
      const { client } = await (opening ??= open());
      const [method, message, bytes] = generator.pick(seeds);
      const mutated = mutateBytes(bytes, generator);
      const answer = await answerOf(client, method, mutated);
      // What says that the server failed; of bytes that are no message it says so too.
      const hasFailed = answer === status.INTERNAL || answer === status.UNKNOWN;
      if (hasFailed && isReadable(message, mutated)) throw new Error(`answers ${status[answer]} to a ${method}`);
      const after = await answerOf(client, 'GetSignal', honest);
      if (after !== status.NOT_FOUND) throw new Error(`answers ${status[after]} from then on`);
    },
    close: async () => {
      if (opening === undefined) return;
      const { server, client } = await opening;
      client.close();
      await server.close();
    },
  };
}

function isReadable(message: { decode(bytes: Uint8Array): unknown }, bytes: Uint8Array): boolean {
  try {
    message.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The status with which a call ends; a stream that is open is ended when it has begun. */
function answerOf(client: Client, method: string, bytes: Uint8Array): Promise<status> {
  return new Promise((resolve) => {
    const same = (message: Uint8Array): Buffer => Buffer.from(message);
    const call = client.makeServerStreamRequest(`/tributary.v1.SignalService/${method}`, same, same, bytes);
    call.on('metadata', () => call.cancel());
    call.on('data', () => undefined);
    call.on('error', () => undefined);
    call.on('status', ({ code }) => resolve(code));
  });
}

function bundles(): Target {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const scaler = { mean: [0], deviation: [1] };
  const model = { kind: 'logistic' as const, scaler, weights: [1], intercept: 0 };
  const metrics = { trained: 1, outOfFold: 1, accuracy: null, brier: null, emittedCoverage: null, emittedAccuracy: null };
  const bundle = sealBundle({
    ...{ target: 'entry' as const, lane: 'slow' as const, seed: 1, trained: { from: 0, to: 1 }, inputs: ['ret_1m@1'] },
    heads: [
      {
        ...{ venue: 'kraken', instrument: 'BTC-USD', horizon: '1m', inputs: [0], members: [{ weight: 1, model }] },
        ...{ calibration: { kind: 'identity' as const }, threshold: 0.7, silenced: '', metrics },
      },
    ],
  });
  const text = JSON.stringify(bundle);
  const signed = signBundle(bundle, privateKey);
  return {
    name: 'bundles',
    once: async (generator) => {
      await attempt(() => loadBundle(Buffer.from(mutate(text, generator))));
      await attempt(() => openBundle(mutateBytes(signed, generator), [publicKey]));
    },
  };
}

async function drain(blocks: AsyncIterable<unknown>): Promise<void> {
  const iterator = blocks[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}

async function attempt(read: () => unknown): Promise<void> {
  try {
    await read();
  } catch (thrown) {
    if (!(thrown instanceof TributaryError)) throw thrown;
  }
}
