/** The page in a real browser, over a real log: what a person sees is what the log says. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type Page } from 'playwright-core';
import { Registry } from 'prom-client';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog } from '#libs/log/port.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { Direction, Outcome, OutcomeStatus, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { findChromium, launch } from '#tests/browser/chromium.ts';
import { runGateway } from './service.ts';

const executable = findChromium('the page in Chromium');
const now = Date.now();

const inBrowser = executable === undefined ? describe.skip : describe;

inBrowser('the page', () => {
  let directory: string;
  let log: EventLog;
  let browser: Browser;
  let page: Page;
  let url: string;
  let running: Promise<void>;
  const stop = new AbortController();
  const complaints: string[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-page-'));
    log = await openEmbeddedLog({ path: join(directory, 'log'), partitions: 1 });
    const context = {
      log,
      clock: systemClock,
      logger: createLogger({ level: 'silent' }),
      metrics: new Registry(),
      health: new Health(),
      source: 'sim' as const,
    };
    url = await new Promise<string>((resolve, reject) => {
      running = runGateway(context, { port: 0, startedAt: now, listening: resolve }, stop.signal);
      running.catch(reject);
    });
    browser = await launch(executable!);
    page = await browser.newPage({ viewport: { width: 1400, height: 1300 } });
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url);
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    stop.abort();
    await running;
    await log.close();
    await rm(directory, { recursive: true });
  });

  test('is marked SIMULATED and says that there is nothing yet', async () => {
    await page.getByText('SIMULATED', { exact: true }).waitFor();
    expect(await page.title()).toBe('SIMULATED · Tributary');
    expect(await page.locator('#signals-empty').isVisible()).toBe(true);
  });

  test('draws prices and shows signals, accuracy and feed health as they come', async () => {
    await log.append([...ticks(), ...signals(), ...outcomes()]);
    await page.locator('#signals tbody tr').first().waitFor();
    expect(await page.locator('#signals tbody tr').first().innerText()).toMatch(/kraken\s+BTC-USD\s+1m\s+▲ up\s+81\.0 %/);
    expect(await page.locator('#decisions tbody').innerText()).toContain('below threshold');
    await page.locator('#accuracy tbody tr').first().waitFor();
    expect(await page.locator('#accuracy tbody tr').first().innerText()).toContain('75.0 %');
    expect(await page.locator('#feeds tbody').innerText()).toMatch(/coinbase\s+BTC-USD\s+live/);
    expect(await page.locator('#prices canvas').count()).toBe(1);
    expect(await page.locator('#spread .u-legend').innerText()).toContain('kraken − coinbase');
    if (process.env['SCREENSHOT'] !== undefined) await page.screenshot({ path: process.env['SCREENSHOT'] });
  });

  test('answers scripts at /api/status with the counts of the log', async () => {
    const status = (await (await fetch(new URL('/api/status', url))).json()) as Record<string, unknown>;
    expect(status).toMatchObject({ source: 'sim', signals: 4, outcomes: 4, gaps: 0 });
    expect(status['first_signal_s']).toBeGreaterThanOrEqual(0);
    expect(status['accuracy']).toMatchObject([{ symbol: 'BTC-USD', venue: 'kraken', horizon: '1m', emitted: 4, accuracy: 0.75 }]);
  });

  test('keeps to its content security policy and refuses other host names', async () => {
    expect(complaints).toEqual([]);
    const { port } = new URL(url);
    const status = await new Promise((resolve) => {
      request({ host: '127.0.0.1', port, path: '/api/status', headers: { host: 'evil.example' } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).end();
    });
    expect(status).toBe(421);
  });
});

function ticks(): Parameters<EventLog['append']>[0] {
  const ticks: Tick[] = [];
  for (let second = 0; second < 30; second += 1) {
    const time = (now + second * 1000) * 1000;
    for (const [venue, price] of [
      ['coinbase', 60_000 + second],
      ['kraken', 60_002 + second],
    ] as const) {
      const at = { asset: 'BTC', venue, instrument: 'BTC-USD', exchangeTime: time - 40_000, receiveTime: time, sequence: time };
      ticks.push(
        Tick.fromPartial({ ...at, event: { $case: 'quote', value: { bid: price - 1, bidSize: 1, ask: price + 1, askSize: 1 } } }),
      );
      ticks.push(Tick.fromPartial({ ...at, event: { $case: 'heartbeat', value: { healthy: true, lastFrameTime: time } } }));
    }
    ticks.push(Tick.fromPartial({ event: { $case: 'clock', value: { t: now + second * 1000, writerEpoch: 1 } } }));
  }
  return ticks.map((tick) => ({ topic: 'ticks', key: 'BTC', partition: 0, value: Tick.encode(tick).finish() }));
}

const decision = (minute: number, direction: Direction): Signal =>
  Signal.fromPartial({
    asset: 'BTC',
    venue: 'kraken',
    instrument: 'BTC-USD',
    horizon: minute === 4 ? '5m' : '1m',
    t: now + minute * 60_000,
    direction,
    probabilityUp: 0.81,
    confidence: 0.81,
    threshold: 0.7,
    publishedAt: now + minute * 60_000,
    validUntil: now + (minute + 1) * 60_000,
    abstainReason: direction === Direction.DIRECTION_ABSTAIN ? 'below_threshold' : '',
    source: 'sim',
  });

const decisions = [0, 1, 2, 3].map((minute) => decision(minute, Direction.DIRECTION_UP));

function signals(): Parameters<EventLog['append']>[0] {
  const all = [...decisions, decision(4, Direction.DIRECTION_ABSTAIN)];
  return all.map((signal) => ({ topic: 'signals', key: 'BTC', value: Signal.encode(signal).finish() }));
}

function outcomes(): Parameters<EventLog['append']>[0] {
  return decisions.map((signal, i) => {
    const status = i === 3 ? OutcomeStatus.OUTCOME_STATUS_DOWN : OutcomeStatus.OUTCOME_STATUS_UP;
    return {
      topic: 'outcomes',
      key: 'BTC',
      value: Outcome.encode(Outcome.fromPartial({ signal, status, entryPrice: 1, exitPrice: 2 })).finish(),
    };
  });
}
