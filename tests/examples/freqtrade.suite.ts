/**
 * The freqtrade strategy in the real freqtrade: its bot as a process in dry-run, prices from the simulator's Kraken through ccxt, decisions from a
 * gateway on a log that is written here, so that each case comes when it is wanted. What it did is read from freqtrade's own API.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog } from '#libs/log/port.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { Direction, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { runGateway } from '#services/gateway/service.ts';
import { startSimulator, type Simulator } from '#services/simulator/simulator.ts';
import { freePorts } from '#tests/ports.ts';
import { LONGEST_INSTALL_MS, pythonWith } from './python.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/freqtrade');
const LONGEST_MS = 300_000;
const LOGIN = { username: 'test', password: 'only on loopback' };

interface Trade {
  readonly pair: string;
  readonly is_open: boolean;
  readonly enter_tag: string;
  readonly exit_reason: string | null;
  readonly stake_amount: number;
}

let folder: string;
let log: EventLog;
let simulator: Simulator;
let gateway: Promise<void>;
let freqtrade: ChildProcess;
let api: string;
const stopGateway = new AbortController();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-freqtrade-'));
  const python = await pythonWith(join(EXAMPLE, 'requirements.txt'));
  simulator = await startSimulator({ historyDays: 0.5 });
  log = await openEmbeddedLog({ path: join(folder, 'log'), partitions: 1 });
  const parts = { logger: createLogger({ level: 'silent' }), metrics: createMetrics(), health: new Health() };
  const url = await new Promise<string>((resolve, reject) => {
    const context = { log, clock: systemClock, ...parts, source: 'sim' as const };
    gateway = runGateway(context, { port: 0, startedAt: 0, listening: resolve }, stopGateway.signal);
    gateway.catch(reject);
  });
  freqtrade = await startFreqtrade(python, url);
}, LONGEST_INSTALL_MS);

afterAll(async () => {
  const ended = once(freqtrade, 'exit');
  freqtrade.kill('SIGKILL');
  await ended;
  stopGateway.abort();
  await gateway;
  await simulator.stop();
  await log.close();
  rmSync(folder, { recursive: true });
});

/** The example's own configuration, and over it what is other here. */
async function startFreqtrade(python: string, gatewayUrl: string): Promise<ChildProcess> {
  const [port] = await freePorts(1);
  api = `http://127.0.0.1:${port}/api/v1`;
  const here = {
    max_open_trades: 2,
    exchange: {
      name: 'kraken',
      pair_whitelist: ['BTC/USD', 'ETH/USD'],
      ccxt_config: { urls: { api: { public: simulator.urls.krakenRest.replace('/0/public', '') } } },
    },
    tributary: { url: gatewayUrl },
    internals: { process_throttle_secs: 1 },
    api_server: { enabled: true, listen_ip_address: '127.0.0.1', listen_port: port, jwt_secret_key: 'x'.repeat(32), ...LOGIN },
  };
  writeFileSync(join(folder, 'here.json'), JSON.stringify(here));
  const configs = ['--config', join(EXAMPLE, 'config.json'), '--config', join(folder, 'here.json')];
  const places = ['--userdir', folder, '--strategy-path', EXAMPLE, '--db-url', `sqlite:///${join(folder, 'trades.sqlite')}`];
  const output = openSync(join(folder, 'freqtrade.log'), 'a');
  const child = spawn(python, ['-m', 'freqtrade', 'trade', ...configs, ...places], {
    stdio: ['ignore', output, output],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  closeSync(output);
  return child;
}

const said = (): string => readFileSync(join(folder, 'freqtrade.log'), 'utf8');

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    if (freqtrade.exitCode !== null) throw new Error(`freqtrade ended with ${freqtrade.exitCode}:\n${said().slice(-3_000)}`);
    await delay(250);
  }
}

async function trades(): Promise<Trade[]> {
  const authorization = `Basic ${Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64')}`;
  const get = async (path: string): Promise<unknown> => (await fetch(`${api}/${path}`, { headers: { authorization } })).json();
  const [open, closed] = [await get('status'), await get('trades')];
  return [...(open as Trade[]), ...(closed as { trades: Trade[] }).trades];
}

interface Decision {
  readonly asset: string;
  readonly direction: Direction;
  readonly confidence?: number;
  readonly quality?: number;
  readonly agoMs?: number;
  readonly validMs?: number;
}

let published = 0;

/** Publishes it and waits until the strategy says what it makes of it; its identity and the strategy's words. */
async function decide({ asset, direction, confidence = 0.9, quality = 0, agoMs = 0, validMs = 60_000 }: Decision) {
  const now = Date.now();
  const signal = Signal.fromPartial({
    ...{ asset, venue: 'kraken', instrument: `${asset}-USD`, horizon: '1m', t: now - agoMs + published++, lane: 'slow' },
    ...{ direction, confidence, probabilityUp: direction === Direction.DIRECTION_DOWN ? 1 - confidence : confidence },
    ...{ threshold: 0.55, referencePrice: 60_000, referenceKind: 2, costBps: 40, quality, bundleId: 'b', slot: 'champion' },
    ...{ publishedAt: now, validUntil: now + validMs, source: 'sim' },
    abstainReason: direction === Direction.DIRECTION_ABSTAIN ? 'below_threshold' : '',
  });
  await log.append([{ topic: 'signals', key: asset, value: Signal.encode(signal).finish() }]);
  const identity = `kraken:${asset}-USD:1m:${signal.t}`;
  const verdict = (): string | undefined => new RegExp(`decision ${identity}: (.*)`).exec(said())?.[1];
  await until(() => verdict() !== undefined);
  return { identity, verdict: verdict() };
}

const { DIRECTION_UP: UP, DIRECTION_DOWN: DOWN, DIRECTION_ABSTAIN: ABSTAIN } = Direction;

test(
  'enters on what is sure, fresh and clean, leaves on the opposite and when time is over, and does nothing else',
  async () => {
    expect((await decide({ asset: 'BTC', direction: ABSTAIN })).verdict).toBe('below_threshold');
    expect((await decide({ asset: 'BTC', direction: UP, confidence: 0.58 })).verdict).toBe('confidence 0.580');
    expect((await decide({ asset: 'BTC', direction: UP, quality: 4 })).verdict).toBe('quality 4');
    expect((await decide({ asset: 'BTC', direction: UP, agoMs: 180_000 })).verdict).toBe('stale feed');
    expect((await decide({ asset: 'BTC', direction: UP, validMs: -1 })).verdict).toBe('over');
    expect((await decide({ asset: 'BTC', direction: DOWN })).verdict).toBe('down');
    expect(await trades()).toEqual([]);

    const held = await decide({ asset: 'BTC', direction: UP, validMs: 600_000 });
    expect(held.verdict).toBe('enter');
    await until(async () => (await trades()).some(({ pair }) => pair === 'BTC/USD'));
    const brief = await decide({ asset: 'ETH', direction: UP, validMs: 20_000 });
    await until(async () => (await trades()).length === 2);
    await decide({ asset: 'BTC', direction: DOWN });
    await until(async () => (await trades()).some(({ exit_reason }) => exit_reason === 'opposite'));

    // The gateway is gone: what is open ends by itself, and nothing opens.
    stopGateway.abort();
    await gateway;
    await until(async () => (await trades()).every(({ is_open }) => !is_open));
    const done = await trades();
    expect(done.map(({ pair, enter_tag, exit_reason }) => [pair, enter_tag, exit_reason]).sort()).toEqual([
      ['BTC/USD', held.identity, 'opposite'],
      ['ETH/USD', brief.identity, 'over'],
    ]);
    for (const { stake_amount } of done) expect(stake_amount).toBeCloseTo(1000, -1);
    expect(said()).toContain('no signals: ');
  },
  LONGEST_MS,
);
