/** What a person gets who asks for what cannot be: one line with a code and what to do, the right exit code, and no stack trace. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const BINARY = join(import.meta.dirname, '..', '..', 'bin', 'tributary.js');
const HEADER = 'ts,venue,symbol,open,high,low,close,volume,trades\n';
const PATIENCE = 120_000;

let folder: string;
let taken: Server;
let port: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-bad-input-'));
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  port = (taken.address() as AddressInfo).port;
  const candles = Array.from(
    { length: 400 },
    (_, minute) =>
      `${new Date(Date.UTC(2024, 0, 1, 0, minute)).toISOString().slice(0, 19)}Z,kraken,BTC-USD,1,2,1,${1 + (minute % 2)},3,4\n`,
  );
  const packed = gzipSync(HEADER + candles.join(''));
  await writeFile(join(folder, 'good.csv'), HEADER + candles.join(''));
  await writeFile(join(folder, 'cut.csv.gz'), packed.subarray(0, packed.length / 2));
  await writeFile(join(folder, 'empty.csv'), '');
  await writeFile(join(folder, 'heading.csv'), HEADER);
  await writeFile(
    join(folder, 'noise.parquet'),
    Buffer.from(Array.from({ length: 4_000 }, (_, i) => (i * i * 31 + i * 7) & 255)),
  );
  await writeFile(join(folder, 'row.csv'), `${HEADER + candles.join('')}2024-01-02T00:00:00Z,kraken,BTC-USD,1,2\n`);
});
afterAll(async () => {
  taken.close();
  await rm(folder, { recursive: true });
});

type Case = readonly [args: string, exit: number, said: string];

describe('usage', () => {
  const cases: readonly Case[] = [
    ['flow', 2, "unknown command 'flow'"],
    ['up --symbols btc', 2, 'TRB_UNKNOWN_SYMBOL'],
    ['up --venues mtgox', 2, 'TRB_UNKNOWN_VENUE'],
    ['ingest --brokers x:1 --venues okx,bybit --rest-url http://x', 2, 'for one venue alone'],
    ['inference', 2, "required option '--brokers"],
    ['up --source replay --port 0 --grpc-port 0 --data-dir FOLDER/up', 2, 'TRB_USAGE'],
  ];
  test('is explained, and ends with 2', () => refused(cases), PATIENCE);
});

describe('the one process', () => {
  const up = 'up --source sim --data-dir FOLDER/up';
  const cases: readonly Case[] = [
    [`${up} --port PORT --grpc-port 0`, 1, 'TRB_PORT_IN_USE'],
    [`${up} --port 0 --grpc-port PORT`, 1, 'TRB_PORT_IN_USE'],
    [`${up} --port 0 --grpc-port 0 --symbols NOPE-USD`, 1, 'TRB_UNKNOWN_SYMBOL'],
    ['up --source sim --port 0 --grpc-port 0 --data-dir FOLDER/good.csv/below', 1, 'TRB_DATA_DIR'],
    ['up --source replay --port 0 --grpc-port 0 --data-dir FOLDER/up --history FOLDER/cut.csv.gz', 1, 'TRB_HISTORY_FORMAT'],
  ];
  test('refuses before it starts anything', () => refused(cases), PATIENCE);
});

describe('history', () => {
  const cases: readonly Case[] = [
    ['replay FOLDER/none.csv', 1, 'TRB_HISTORY_NOT_FOUND'],
    ['replay FOLDER/cut.csv.gz', 1, 'TRB_HISTORY_FORMAT'],
    ['replay FOLDER/row.csv', 1, 'line 402'],
    ['backtest --train-until 2024-01-01T06:10:00Z --history FOLDER/empty.csv', 1, 'TRB_HISTORY_FORMAT'],
    ['backtest --train-until 2024-01-01T06:10:00Z --history FOLDER/noise.parquet', 1, 'TRB_HISTORY_FORMAT'],
    ['backtest --train-until 2030-01-01 --history FOLDER/good.csv', 1, 'TRB_BACKTEST_RANGE'],
    ['backtest --train-until 2024-01-01 --history FOLDER/good.csv --report FOLDER', 1, 'TRB_OUTPUT_UNWRITABLE'],
    ['train --history FOLDER/heading.csv --out FOLDER/bundle.json', 1, 'TRB_HISTORY_EMPTY'],
  ];
  test('that cannot be read is named, with the line', () => refused(cases), PATIENCE);
});

describe('what is away', () => {
  const cases: readonly Case[] = [
    ['features --brokers 127.0.0.1:1', 1, 'TRB_LOG_UNAVAILABLE'],
    ['archive --brokers 127.0.0.1:1 --clickhouse http://127.0.0.1:1', 1, 'TRB_STORE_UNAVAILABLE'],
    ['signals tail --url http://127.0.0.1:1', 1, 'TRB_NOT_RUNNING'],
  ];
  test('is named, with what to check', () => refused(cases), PATIENCE);
});

/** Two at a time: each is a process that loads the whole program. */
async function refused(cases: readonly Case[]): Promise<void> {
  expect.assertions(cases.length);
  const left = [...cases];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [args, exit, said] = next;
      const { code, output } = await run(args.replaceAll('FOLDER', folder).replaceAll('PORT', `${port}`));
      const isTraced = /^ {4}at /m.test(output);
      expect({ args, code, isTraced, output }).toEqual({
        args,
        code: exit,
        isTraced: false,
        output: expect.stringContaining(said),
      });
    }
  };
  await Promise.all([work(), work()]);
}

async function run(args: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [BINARY, ...args.split(' ')], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}
