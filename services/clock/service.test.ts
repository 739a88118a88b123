import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { systemClock, type WallClock } from '#libs/clock/clock.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { applyTopics, openKafkaLog } from '#libs/log/kafka.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { describeWithKafka, sharedBroker } from '#tests/kafka/shared.ts';
import { runClock } from './service.ts';

const PARTITIONS = 3;

interface ClockEvent {
  readonly t: number;
  readonly writerEpoch: number;
}

function contextOf(log: EventLog, clock: WallClock): ServiceContext {
  return { log, clock, logger: pino({ level: 'silent' }), metrics: new Registry(), health: new Health(), source: 'sim' };
}

/** Runs through `speed` seconds a second. */
function fastClock(speed: number): WallClock {
  const begin = Date.now();
  const now = (): number => Math.floor(begin + (Date.now() - begin) * speed);
  return { now, nowMicros: () => now() * 1000, sleep: (ms, signal) => systemClock.sleep(ms / speed, signal) };
}

async function clocksOf(log: EventLog, partition: number): Promise<ClockEvent[]> {
  const clocks: ClockEvent[] = [];
  for await (const { records } of log.read('ticks', partition)) {
    for (const { value } of records) {
      const { event } = Tick.decode(value);
      if (event?.$case === 'clock') clocks.push({ t: event.value.t, writerEpoch: event.value.writerEpoch });
    }
  }
  return clocks;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}

function expectSound(clocks: readonly ClockEvent[]): void {
  for (const [i, { t, writerEpoch }] of clocks.entries()) {
    expect(t % 1000).toBe(0);
    if (i === 0) continue;
    expect(t).toBeGreaterThan(clocks[i - 1]!.t);
    expect(writerEpoch).toBeGreaterThanOrEqual(clocks[i - 1]!.writerEpoch);
  }
}

/** Two clocks, the second waits; the first stops, the second goes on where it stopped. */
async function takeover(first: EventLog, second: EventLog, reader: EventLog, clock: WallClock): Promise<void> {
  const [one, two] = [contextOf(first, clock), contextOf(second, clock)];
  const [stopOne, stopTwo] = [new AbortController(), new AbortController()];
  const runOne = runClock(one, {}, stopOne.signal);
  await until(async () => (await clocksOf(reader, 0)).length >= 2);
  const runTwo = runClock(two, {}, stopTwo.signal);
  const count = (await clocksOf(reader, 0)).length;
  await until(async () => (await clocksOf(reader, 0)).length >= count + 2);
  expect(two.health.parts()).toMatchObject({ clock: { ready: true, detail: 'standby' } });
  stopOne.abort();
  await runOne;
  const before = await clocksOf(reader, 0);
  await until(async () => (await clocksOf(reader, 0)).length >= before.length + 2);
  stopTwo.abort();
  await runTwo;
  const all = await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => clocksOf(reader, partition)));
  expectSound(all[0]!);
  expect(all).toEqual(all.map(() => all[0]));
  expect(new Set(all[0]!.map(({ writerEpoch }) => writerEpoch)).size).toBe(2);
}

describe('clock on the embedded log', () => {
  const withLog = async (run: (log: EventLog) => Promise<void>): Promise<void> => {
    const path = mkdtempSync(join(tmpdir(), 'tributary-clock-'));
    const log = await openEmbeddedLog({ path, partitions: PARTITIONS });
    await run(log).finally(() => log.close());
    rmSync(path, { recursive: true });
  };

  test('a standby takes over; no second twice, none backwards, the same in every partition', () =>
    withLog((log) => takeover(log, log, log, fastClock(20))));

  test('starts after what was written, even when our clock went back', () =>
    withLog(async (log) => {
      const clock = fastClock(20);
      const offset = Math.floor(clock.now() / 1000) + 10;
      await log.commit({ group: 'clock', topic: 'models', partition: 0, offset, outputs: [] });
      const stop = new AbortController();
      const running = runClock(contextOf(log, clock), {}, stop.signal);
      await until(async () => (await clocksOf(log, 0)).length >= 2);
      stop.abort();
      await running;
      expect((await clocksOf(log, 0))[0]!.t).toBe(offset * 1000);
    }));

  test('is held while our clock is off the venues’, counts it, and goes on', () =>
    withLog(async (log) => {
      let skew = 0;
      const context = contextOf(log, fastClock(20));
      const stop = new AbortController();
      const running = runClock(context, { skew: () => skew }, stop.signal);
      await until(async () => (await clocksOf(log, 0)).length >= 2);
      skew = -250_001;
      const held = async (): Promise<number> =>
        (await context.metrics.getSingleMetric('tributary_clock_held_events_total')!.get()).values[0]?.value ?? 0;
      await until(async () => (await held()) >= 3);
      expect(context.health.parts()).toMatchObject({ clock: { ready: false } });
      const count = (await clocksOf(log, 0)).length;
      await until(async () => (await held()) >= 6);
      expect(await clocksOf(log, 0)).toHaveLength(count);
      skew = 250_000;
      await until(async () => (await clocksOf(log, 0)).length > count);
      expect(context.health.parts()).toMatchObject({ clock: { ready: true } });
      stop.abort();
      await running;
      expectSound(await clocksOf(log, 0));
    }));

  test.each([true, false])(
    'keeps its office after an event that was not confirmed (written: %s), and writes it once',
    (isWritten) =>
      withLog(async (log) => {
        let [commits, starts] = [0, 0];
        const unsure: EventLog = {
          partitions: (topic) => log.partitions(topic),
          bounds: (topic, partition) => log.bounds(topic, partition),
          append: (records) => log.append(records),
          committed: (group, topic, partition) => log.committed(group, topic, partition),
          read: (topic, partition, options) => log.read(topic, partition, options),
          close: () => log.close(),
          consume: ({ start, ...options }) => log.consume({ ...options, start: (...place) => (starts++, start!(...place)) }),
          commit: async (commit) => {
            const isLost = ++commits === 3;
            if (!isLost || isWritten) await log.commit(commit);
            if (isLost) throw new TributaryError('TRB_LOG_UNAVAILABLE', 'the answer was lost', { canRetry: true });
          },
        };
        const stop = new AbortController();
        const running = runClock(contextOf(unsure, fastClock(20)), {}, stop.signal);
        await until(async () => (await clocksOf(log, 0)).length >= 6);
        stop.abort();
        await running;
        const clocks = await clocksOf(log, 0);
        expectSound(clocks);
        expect(new Set(clocks.map(({ t }) => t)).size).toBe(clocks.length);
        expect(starts).toBe(1);
      }),
  );

  test('refuses an interval that is not whole seconds', () =>
    withLog(async (log) => {
      const running = runClock(contextOf(log, systemClock), { intervalMs: 1500 }, new AbortController().signal);
      await expect(running).rejects.toMatchObject({ code: 'TRB_CLOCK_OPTIONS' });
    }));
});

describeWithKafka('clock on Kafka', () => {
  test('a standby takes over; no second twice, none backwards, the same in every partition', async () => {
    const options = { brokers: [...(await sharedBroker())], topicPrefix: `clock-${randomUUID()}.` };
    await applyTopics({ ...options, partitions: PARTITIONS, replicationFactor: 1 });
    const logs = await Promise.all([openKafkaLog(options), openKafkaLog(options), openKafkaLog(options)]);
    await takeover(...logs, systemClock).finally(() => Promise.all(logs.map((log) => log.close())));
  }, 240_000);
});
