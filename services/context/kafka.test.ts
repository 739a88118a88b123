/** The office on a real broker: one process asks, values and memory are one transaction, and a second goes on where it stopped. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { applyTopics, openKafkaLog } from '#libs/log/kafka.ts';
import { type EventLog } from '#libs/log/port.ts';
import { Health } from '#libs/telemetry/health.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { describeWithKafka, sharedBroker } from '#tests/kafka/shared.ts';
import { readMemory } from './memory.ts';
import { runContext } from './service.ts';
import { example, exampleSample } from './testing/example.ts';
import { LeapClock } from './testing/leap-clock.ts';
import { serveRecorded } from './testing/recorded.ts';

const PARTITIONS = 2;

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(20);
}

async function series(log: EventLog, partition: number): Promise<string[]> {
  const found: string[] = [];
  for await (const { records } of log.read('ticks', partition)) {
    for (const { value } of records) {
      const { event } = Tick.decode(value);
      if (event?.$case === 'reference') found.push(`${event.value.series} ${event.value.value}`);
    }
  }
  return found.sort();
}

describeWithKafka('context on Kafka', () => {
  test('one asks, the other stands by and takes over; no value twice', async () => {
    const options = { brokers: [...(await sharedBroker())], topicPrefix: `context-${randomUUID()}.` };
    await applyTopics({ ...options, partitions: PARTITIONS, replicationFactor: 1 });
    const logs = await Promise.all([openKafkaLog(options), openKafkaLog(options)]);
    const server = await serveRecorded(exampleSample.answers);
    const clock = new LeapClock(exampleSample.now);
    // The mood is of the moment that it is asked: without it nothing is new to the second.
    const dated = {
      ...example,
      polls: (given: Parameters<typeof example.polls>[0]) => example.polls(given).filter(({ name }) => name !== 'mood'),
    };
    const start = (log: EventLog): (() => Promise<void>) => {
      const stop = new AbortController();
      const health = new Health();
      const context = { log, clock, logger: pino({ level: 'silent' }), metrics: new Registry(), health, source: 'live' } as const;
      const running = runContext(
        context,
        {
          ...{ sources: [dated], assets: ['BTC', 'ETH'], environment: { EXAMPLE_KEY: 'any' }, random: () => 0 },
          baseUrl: (_source, host) => server.baseUrl(host),
        },
        stop.signal,
      );
      return () => {
        stop.abort();
        return running;
      };
    };
    try {
      const first = start(logs[0]);
      await until(async () => (await series(logs[1], 0)).length >= 4);
      const second = start(logs[1]);
      await first();
      expect(server.requests).toHaveLength(2);
      await until(() => Promise.resolve(server.requests.length >= 4));
      await second();
      const all = await Promise.all([0, 1].map((partition) => series(logs[0], partition)));
      expect(all[0]).toEqual(['cap.BTC 1550000000000', 'cap.ETH 410000000000', 'rate 4.08', 'rate 4.12']);
      expect(all[1]).toEqual(all[0]);
      expect((await readMemory(logs[0])).get('example')!.calls(clock.now())).toBe(4);
    } finally {
      await server.close();
      await Promise.all(logs.map((log) => log.close()));
    }
  }, 240_000);
});
