/** Ticks and signals in, fills and equity out, over a real log: each fill once, whatever happens between. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { partitionOf } from '#libs/log/topics.ts';
import { paperOptionsSchema } from '#libs/paper/options.ts';
import { type ServiceContext, type Source } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { namingProblems } from '#libs/telemetry/naming.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { PaperEvent } from '#libs/wire/tributary/v1/paper.ts';
import { Direction, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { Accounts } from './accounts.ts';
import { type PaperServiceOptions, runPaper } from './service.ts';

const T = Date.UTC(2026, 0, 5, 12);
const PARTITIONS = 2;
const ASSETS = ['BTC', 'ETH'] as const;
const HORIZONS = ['1m', '5m'] as const;
const MINUTE = 60_000;

let directory: string;
let log: EventLog;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-paper-'));
  log = await openEmbeddedLog({ path: directory, partitions: PARTITIONS });
});

afterEach(async () => {
  await log.close();
  await rm(directory, { recursive: true });
});

function start(options: PaperServiceOptions = {}, source: Source = 'sim') {
  const stop = new AbortController();
  const context: ServiceContext = {
    log,
    clock: systemClock,
    logger: createLogger({ level: 'silent' }),
    metrics: createMetrics({ source }),
    health: new Health(),
    source,
  };
  const running = runPaper(context, { delayMs: 0, ...options }, stop.signal);
  return {
    context,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

/** What happens in `minute`, in the order of the log: quotes of both assets each second, decisions a moment after the minute began. */
function minuteOf(minute: number): { readonly ticks: Tick[]; readonly signals: Signal[] } {
  const ticks: Tick[] = [];
  const begin = T + minute * MINUTE;
  for (let second = 0; second < 60; second++) {
    for (const asset of ASSETS) {
      const mid = 100 + 10 * Math.sin((minute * 60 + second) / 97 + asset.length);
      const place = { asset, venue: 'kraken', instrument: `${asset}-USD`, receiveTime: (begin + second * 1000 + 7) * 1000 + 250 };
      const quote = { bid: mid - 0.01, bidSize: 50, ask: mid + 0.01, askSize: 50 };
      ticks.push(Tick.fromPartial({ ...place, event: { $case: 'quote', value: quote } }));
    }
    ticks.push(Tick.fromPartial({ event: { $case: 'clock', value: { t: begin + (second + 1) * 1000, writerEpoch: 1 } } }));
  }
  const publishedAt = begin + 40;
  const signals = ASSETS.flatMap((asset) =>
    HORIZONS.map((horizon, i) =>
      Signal.fromPartial({
        ...{ asset, venue: 'kraken', instrument: `${asset}-USD`, horizon, t: begin, publishedAt, source: 'sim' },
        direction: [Direction.DIRECTION_UP, Direction.DIRECTION_DOWN, Direction.DIRECTION_ABSTAIN][(minute + i) % 3]!,
      }),
    ),
  );
  return { ticks, signals };
}

const tickRecords = (tick: Tick): OutRecord[] => {
  const value = Tick.encode(tick).finish();
  if (tick.asset !== '') return [{ topic: 'ticks', key: tick.asset, value }];
  return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: 'ticks', key: '', value, partition }));
};
const signalRecord = (signal: Signal): OutRecord => ({
  topic: 'signals',
  key: signal.asset,
  value: Signal.encode(signal).finish(),
});

async function append(...minutes: ReturnType<typeof minuteOf>[]): Promise<void> {
  for (const { ticks, signals } of minutes) await log.append([...signals.map(signalRecord), ...ticks.flatMap(tickRecords)]);
}

async function events(): Promise<PaperEvent[]> {
  const found: PaperEvent[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for await (const batch of log.read('paper', partition))
      found.push(...batch.records.map(({ value }) => PaperEvent.decode(value)));
  }
  return found;
}

/** What the pure accounts make of it all, partition by partition: every decision known before the first tick. */
function offline(minutes: readonly ReturnType<typeof minuteOf>[], options: object = {}): PaperEvent[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    const account = paperOptionsSchema.parse(options);
    const accounts = new Accounts(partition, { account, horizons: undefined, funding: '', source: 'sim' }, () => undefined);
    const isHere = ({ asset }: { readonly asset: string }): boolean =>
      asset === '' || partitionOf(asset, PARTITIONS) === partition;
    for (const { signals } of minutes) for (const signal of signals.filter(isHere)) accounts.follow(signal);
    for (const { ticks } of minutes) for (const tick of ticks.filter(isHere)) accounts.fold(tick);
    return accounts.take();
  }).flat();
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await systemClock.sleep(10);
}

describe('paper trading', () => {
  test('makes each fill and each minute of equity once, as the pure accounts do, though it is stopped and started in between', async () => {
    const minutes = Array.from({ length: 24 }, (_, minute) => minuteOf(minute));
    const account = { dailyLoss: 120, maxPosition: 2_000 };
    let service = start({ account });
    for (const [minute, each] of minutes.entries()) {
      await append(each);
      if (minute % 5 === 4) {
        await service.stop();
        // While nobody trades, the market goes on.
        if (minute % 10 === 9) service = start({ account });
      } else if (minute % 10 === 7) service = start({ account });
      if (minute % 5 === 2 && minute % 10 < 5) {
        const expected = offline(minutes.slice(0, minute + 1), account).length;
        await until(async () => (await events()).length >= expected);
      }
    }
    await service.stop();
    const expected = offline(minutes, account);
    const last = start({ account });
    await until(async () => (await events()).length >= expected.length);
    await last.stop();
    expect(await events()).toEqual(expected);
    const reasons = expected.map(({ event }) => (event?.$case === 'fill' ? event.value.reason : ''));
    expect([...new Set(reasons)].sort()).toEqual(['', 'daily_loss', 'horizon', 'signal']);
    const ids = expected.flatMap(({ event }) => (event?.$case === 'fill' ? [event.value.id] : []));
    expect(new Set(ids).size).toBe(ids.length);
    // Each account stands in the log as it is now, so a start after this one has nothing to do.
    const again = start({ account });
    await append(minuteOf(24));
    const longer = offline([...minutes, minuteOf(24)], account);
    await until(async () => (await events()).length >= longer.length);
    await again.stop();
    expect(await events()).toEqual(longer);
  }, 60_000);

  test('shows its accounts under names that Prometheus accepts, also those it found', async () => {
    await append(...[0, 1, 2, 3].map(minuteOf));
    const first = start();
    const expected = offline([0, 1, 2, 3].map(minuteOf));
    await until(async () => (await events()).length >= expected.length);
    await first.stop();
    const second = start();
    const equity = expected.findLast(({ event, asset }) => event?.$case === 'equity' && asset === 'BTC')!.event!;
    const shown = 'tributary_paper_equity{venue="kraken",instrument="BTC-USD",source="sim"}';
    await until(async () => (await second.context.metrics.metrics()).includes(shown));
    const text = await second.context.metrics.metrics();
    await second.stop();
    expect(text).toContain(`${shown} ${equity.$case === 'equity' ? equity.value.equity : 0}`);
    expect(text).toContain('tributary_paper_stopped{venue="kraken",instrument="BTC-USD",source="sim"} 0');
    expect(namingProblems(text)).toEqual([]);
  });

  test('the kill switch closes what is open and opens nothing', async () => {
    await append(minuteOf(0));
    const first = start();
    await until(async () => (await events()).length >= offline([minuteOf(0)]).length);
    await first.stop();
    const before = (await events()).length;
    const off = start({ account: { trading: false } });
    await append(minuteOf(1), minuteOf(2));
    await until(async () => (await events()).filter(({ event }) => event?.$case === 'equity').length >= 3 * ASSETS.length);
    await off.stop();
    const after = (await events()).slice(0).filter(({ time }) => time > T + MINUTE);
    const fills = after.flatMap(({ event }) => (event?.$case === 'fill' ? [event.value] : []));
    expect((await events()).length).toBeGreaterThan(before);
    expect(fills.length).toBeGreaterThan(0);
    expect(fills.every(({ reason }) => reason === 'off')).toBe(true);
    const positions = after.filter(({ event }) => event?.$case === 'equity' && event.value.stop !== 'off');
    expect(positions).toEqual([]);
    expect(after.findLast(({ event }) => event?.$case === 'equity')!.event!.value.position).toBe(0);
  });

  test('an unreadable record goes to dead-letter and stops nothing', async () => {
    await log.append([{ topic: 'ticks', key: 'BTC', value: Uint8Array.of(0xff, 0xff, 0xff) }]);
    await append(minuteOf(0));
    const service = start();
    await until(async () => (await log.bounds('dead-letter', 0)).end === 1 && (await events()).length > 2);
    await service.stop();
  });

  test('in a replay, waits for features and inference, and fills at the candle that a decision could have met', async () => {
    const candle = (minute: number, open: number, close: number): Tick => {
      const known = (T + (minute + 1) * MINUTE) * 1000;
      const value = { start: T + minute * MINUTE, open, high: 120, low: 80, close, volume: 1, trades: 1 };
      const place = { asset: 'BTC', venue: 'kraken', instrument: 'BTC-USD', receiveTime: known };
      return Tick.fromPartial({ ...place, event: { $case: 'candle', value } });
    };
    const clock = (minute: number): Tick =>
      Tick.fromPartial({ event: { $case: 'clock', value: { t: T + minute * MINUTE, writerEpoch: 1 } } });
    const ticks = [0, 1, 2].flatMap((minute) => [candle(minute, 100 + minute, 100.5 + minute), clock(minute + 1)]);
    await log.append(ticks.flatMap(tickRecords));
    const service = start({}, 'replay');
    const partition = partitionOf('BTC', PARTITIONS);
    const value = Uint8Array.of();
    for (let each = 0; each < PARTITIONS; each++) {
      const { end } = await log.bounds('ticks', each);
      const outputs: OutRecord[] = [{ topic: 'features', key: '', partition: each, value }];
      await log.commit({ group: 'features', topic: 'ticks', partition: each, offset: end, outputs });
    }
    expect(await events()).toEqual([]);
    const t = T + MINUTE;
    const signal = Signal.fromPartial({
      ...{ asset: 'BTC', venue: 'kraken', instrument: 'BTC-USD', horizon: '1m', t, publishedAt: t, source: 'replay' },
      direction: Direction.DIRECTION_UP,
    });
    for (let each = 0; each < PARTITIONS; each++) {
      const outputs = each === partition ? [signalRecord(signal)] : [];
      await log.commit({ group: 'inference', topic: 'features', partition: each, offset: 1, outputs });
    }
    const fills = async () => (await events()).flatMap(({ event }) => (event?.$case === 'fill' ? [event.value] : []));
    await until(async () => (await fills()).length === 2);
    await service.stop();
    expect((await fills()).map(({ reference, reason }) => [reference, reason])).toEqual([
      [101, 'signal'],
      [102, 'horizon'],
    ]);
  });
});
