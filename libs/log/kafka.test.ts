/** What is particular to Kafka; the port's promises are in contract.test.ts. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import kafkajs, { Kafka, logLevel } from 'kafkajs';
import { Registry } from 'prom-client';
import { TributaryError } from '#libs/errors/errors.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { startBroker } from '#tests/kafka/broker.ts';
import { describeWithKafka, sharedBroker } from '#tests/kafka/shared.ts';
import { applyTopics, openKafkaLog } from './kafka.ts';
import { COMPRESSIONS, hasZstd } from './kafka/compression.ts';
import { observeLog } from './kafka/metrics.ts';
import { type EventLog } from './port.ts';
import { TOPICS } from './topics.ts';

async function untilTrue(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}

async function valuesOf(log: EventLog, partition: number): Promise<string[]> {
  const values: string[] = [];
  for await (const { records } of log.read('ticks', partition)) {
    values.push(...records.map(({ value }) => Buffer.from(value).toString('utf8')));
  }
  return values;
}

describeWithKafka('log on Kafka', () => {
  const topicPrefix = `kafka-${randomUUID()}.`;
  const settings = { topicPrefix, replicationFactor: 1 };
  let brokers: readonly string[];
  const logs: EventLog[] = [];
  const open = async (prefix = topicPrefix): Promise<EventLog> => {
    const log = await openKafkaLog({ brokers, topicPrefix: prefix });
    logs.push(log);
    return log;
  };
  beforeAll(async () => {
    brokers = await sharedBroker();
  }, 240_000);
  afterAll(() => Promise.all(logs.map((log) => log.close())));

  test('applyTopics makes the topics, then finds nothing to do, mends settings, and never changes the partitions', async () => {
    const planned = await applyTopics({ ...settings, brokers, partitions: 2, dryRun: true });
    const made = await applyTopics({ ...settings, brokers, partitions: 2 });
    expect(made).toEqual(planned);
    expect(made).toContain('ticks: created with 2 partitions');
    expect(made).toContain('models: created with 1 partitions');
    expect(await applyTopics({ ...settings, brokers })).toEqual([]);
    const mended = await applyTopics({ ...settings, brokers, retention: { ticks: 3_600_000 } });
    expect(mended).toEqual(['ticks: retention.ms 259200000 -> 3600000']);
    expect(await applyTopics({ ...settings, brokers })).toEqual(['ticks: retention.ms 3600000 -> 259200000']);
    await expect(applyTopics({ ...settings, brokers, partitions: 3 })).rejects.toMatchObject({ code: 'TRB_LOG_PARTITIONS' });
    expect(await (await open()).partitions('ticks')).toBe(2);
  });

  test('a topic that is not there is an error that says what to do', async () => {
    const log = await open(`nowhere-${randomUUID()}.`);
    const append = log.append([{ topic: 'ticks', key: '', value: Buffer.from('x') }]);
    await expect(append).rejects.toMatchObject({ code: 'TRB_LOG_UNKNOWN_TOPIC', hint: expect.stringContaining('topics apply') });
  });

  test('a connection that idles wakes nobody', async () => {
    const log = await open();
    await log.append([{ topic: 'dead-letter', key: '', value: Buffer.from('x') }]);
    const timers = jest.spyOn(globalThis, 'setTimeout');
    await delay(500);
    const { length } = timers.mock.calls;
    timers.mockRestore();
    expect(length).toBeLessThan(50);
  });

  test('another process that commits for the partition fences this one for good', async () => {
    const [first, second] = [await open(), await open()];
    const commit = (log: EventLog, offset: number): Promise<void> =>
      log.commit({ group: 'tool', topic: 'ticks', partition: 1, offset, outputs: [] });
    await commit(first, 1);
    await commit(second, 2);
    await expect(commit(first, 3)).rejects.toMatchObject({ code: 'TRB_LOG_FENCED' });
    await expect(commit(first, 4)).rejects.toMatchObject({ code: 'TRB_LOG_FENCED' });
    await commit(second, 5);
    // A broker answers that a transaction is committed before its marker has reached the group's offsets.
    while ((await first.committed('tool', 'ticks', 1)) === 2) await delay(20);
    expect(await first.committed('tool', 'ticks', 1)).toBe(5);
  });

  test('topics just made can be written at once, and a commit on the heels of another owner’s is fenced, not refused', async () => {
    for (let round = 0; round < 8; round++) {
      const prefix = `heels-${randomUUID()}.`;
      await applyTopics({ brokers, topicPrefix: prefix, replicationFactor: 1, partitions: 2 });
      const [first, second] = [await open(prefix), await open(prefix)];
      const commit = (log: EventLog, offset: number): Promise<void> =>
        log.commit({ group: 'tool', topic: 'ticks', partition: 1, offset, outputs: [] });
      await commit(first, 1);
      await commit(second, 2);
      await expect(commit(first, 3)).rejects.toMatchObject({ code: 'TRB_LOG_FENCED' });
    }
  });

  test('closing ends its readers and leaves no group of theirs behind, whether they follow or have had enough', async () => {
    const prefix = `readers-${randomUUID()}.`;
    await applyTopics({ brokers, topicPrefix: prefix, replicationFactor: 1, partitions: 1 });
    const log = await open(prefix);
    await log.append([1, 2, 3].map((value) => ({ topic: 'ticks' as const, key: '', value: Buffer.from(`${value}`) })));
    for await (const { records } of log.read('ticks', 0, { maxBatch: 1 })) {
      expect(records).toHaveLength(1);
      break;
    }
    let seen = 0;
    const following = (async () => {
      for await (const { records } of log.read('ticks', 0, { until: 'follow' })) seen += records.length;
    })();
    const ended = expect(following).rejects.toMatchObject({ code: 'TRB_LOG_CLOSED' });
    await untilTrue(() => seen === 3);
    await log.close();
    await ended;
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const { groups } = await admin.listGroups().finally(() => admin.disconnect());
    expect(groups.map(({ groupId }) => groupId).filter((groupId) => groupId.startsWith(prefix))).toEqual([]);
  });

  test('a partition whose commit was not confirmed begins anew by itself, the others go on, nobody joins again', async () => {
    const prefix = `anew-${randomUUID()}.`;
    await applyTopics({ brokers, topicPrefix: prefix, replicationFactor: 1, partitions: 2 });
    const metrics = new Registry();
    const observer = observeLog(metrics, createLogger({ level: 'silent' }));
    const log = await openKafkaLog({ brokers, topicPrefix: prefix, observer });
    logs.push(log);
    // Before the group is joined: of topics just made a member may know only a part, and join again when it knows more.
    const values = Array.from({ length: 9 }, (_, index) => `${index}`);
    for (const partition of [0, 1])
      await log.append(values.map((value) => ({ topic: 'ticks' as const, key: '', partition, value: Buffer.from(value) })));
    const stop = new AbortController();
    const starts: (readonly [partition: number, committed: number | undefined])[] = [];
    const handled: string[][] = [[], []];
    let isConfirmed = false;
    const consuming = log.consume({
      group: 'anew',
      topics: ['ticks'],
      signal: stop.signal,
      maxBatch: 2,
      start: (_, partition, committed) => {
        starts.push([partition, committed]);
        return Promise.resolve(committed ?? 0);
      },
      handle: async ({ topic, partition, records }) => {
        const offset = records.at(-1)!.offset + 1;
        await log.commit({ group: 'anew', topic, partition, offset, outputs: [] });
        handled[partition]!.push(...records.map(({ value }) => Buffer.from(value).toString('utf8')));
        if (partition !== 0 || isConfirmed) return;
        isConfirmed = true;
        throw new TributaryError('TRB_LOG_UNAVAILABLE', 'the answer was lost', { canRetry: true });
      },
    });
    await untilTrue(() => handled.every(({ length }) => length >= values.length));
    stop.abort();
    await consuming;
    expect(handled).toEqual([values, values]);
    expect(starts.filter(([partition]) => partition === 0)).toEqual([
      [0, undefined],
      [0, 2],
    ]);
    expect(starts.filter(([partition]) => partition === 1)).toHaveLength(1);
    const text = await metrics.metrics();
    expect(text).toContain('tributary_log_rebalances_total{group="anew"} 1');
    expect(text).toContain('tributary_log_retries_total{what="partition"} 1');
  });

  test('counts the partitions of some topics while it looks up the offsets of others', async () => {
    const prefix = `bounds-${randomUUID()}.`;
    await applyTopics({ brokers, topicPrefix: prefix, replicationFactor: 1, partitions: 1 });
    for (let attempt = 0; attempt < 5; attempt++) {
      const log = await open(prefix);
      const asking = TOPICS.map(async (topic, index) => {
        await delay(index * 2);
        return [await log.partitions(topic), (await log.bounds(topic, 0)).begin];
      });
      expect(await Promise.all(asking)).toEqual(TOPICS.map(() => [1, 0]));
    }
  });

  test('finds a group’s offset while partitions of other topics are counted', async () => {
    const prefix = `groups-${randomUUID()}.`;
    await applyTopics({ brokers, topicPrefix: prefix, replicationFactor: 1, partitions: 1 });
    const owner = await open(prefix);
    await owner.commit({ group: 'tool', topic: 'ticks', partition: 0, offset: 7, outputs: [] });
    // The broker tells it to others a moment later.
    await untilTrue(async () => (await owner.committed('tool', 'ticks', 0)) === 7);
    for (let attempt = 0; attempt < 5; attempt++) {
      const log = await open(prefix);
      const asking = TOPICS.map(async (topic, index) => {
        await delay(index * 2);
        const [offset] = await Promise.all([log.committed('tool', 'ticks', 0), log.partitions(topic)]);
        return offset;
      });
      expect(await Promise.all(asking)).toEqual(TOPICS.map(() => 7));
    }
  });

  test.each(COMPRESSIONS)('%s: what is written is read, and is as large on the broker as it says', async (compression) => {
    if (compression === 'zstd' && !hasZstd) {
      await expect(openKafkaLog({ brokers, compression })).rejects.toMatchObject({ code: 'TRB_LOG_COMPRESSION' });
      return;
    }
    const prefix = `${compression}-${randomUUID()}.`;
    await applyTopics({ brokers, topicPrefix: prefix, replicationFactor: 1, partitions: 1 });
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const configEntries = [{ name: 'max.message.bytes', value: '20000' }];
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: `${prefix}features`, configEntries }];
    await admin.alterConfigs({ validateOnly: false, resources }).finally(() => admin.disconnect());
    const log = await openKafkaLog({ brokers, topicPrefix: prefix, compression });
    logs.push(log);
    // A broker takes a moment to hear of a topic's new settings.
    const plain = await open(prefix);
    const probe = { topic: 'features' as const, key: 'probe', value: Buffer.alloc(60_000, 'x') };
    await untilTrue(() =>
      plain.append([probe]).then(
        () => false,
        () => true,
      ),
    );
    const records = ['one', 'two'].map((text) => ({
      topic: 'features' as const,
      key: 'BTC',
      value: Buffer.from(text.repeat(20_000)),
    }));
    const written = Promise.all([
      log.append([records[0]!]),
      log.commit({ group: 'tool', topic: 'ticks', partition: 0, offset: 1, outputs: [records[1]!] }),
    ]);
    if (compression === 'none') {
      await expect(written).rejects.toMatchObject({ code: 'TRB_LOG_TOO_LARGE' });
      return;
    }
    await written;
    const read: string[] = [];
    for await (const batch of (await open(prefix)).read('features', 0))
      read.push(...batch.records.filter(({ key }) => key === 'BTC').map(({ value }) => String(value)));
    expect(read.sort()).toEqual(records.map(({ value }) => String(value)));
  });

  test('old records go after the topic’s retention', async () => {
    const prefix = `old-${randomUUID()}.`;
    await applyTopics({ brokers, topicPrefix: prefix, replicationFactor: 1, partitions: 1, retention: { ticks: 1000 } });
    const log = await open(prefix);
    await log.append([{ topic: 'ticks', key: '', value: Buffer.from('old') }]);
    await untilTrue(async () => (await log.bounds('ticks', 0)).begin === 1);
    expect(await valuesOf(log, 0)).toEqual([]);
    await log.append([{ topic: 'ticks', key: '', value: Buffer.from('new') }]);
    expect(await valuesOf(log, 0)).toEqual(['new']);
  });
});

describeWithKafka('log on Kafka through an outage', () => {
  test('says that the broker is away, loses nothing acknowledged, and its readers come back by themselves', async () => {
    const broker = await startBroker();
    const stop = new AbortController();
    const metrics = new Registry();
    const counted = async (what: string): Promise<number> =>
      Number(
        (await metrics.metrics())
          .split('\n')
          .find((line) => line.startsWith(`tributary_log_${what} `))
          ?.split(' ')[1] ?? 0,
      );
    let log: EventLog | undefined;
    try {
      await applyTopics({ brokers: broker.brokers, partitions: 1, replicationFactor: 1 });
      log = await openKafkaLog({
        brokers: broker.brokers,
        sessionTimeoutMs: 3000,
        observer: observeLog(metrics, createLogger({ level: 'silent' })),
      });
      const append = (value: string): Promise<void> => log!.append([{ topic: 'ticks', key: '', value: Buffer.from(value) }]);
      const handled: string[] = [];
      const consuming = log.consume({
        group: 'reader',
        topics: ['ticks'],
        signal: stop.signal,
        handle: async ({ records }) => {
          handled.push(...records.map(({ value }) => Buffer.from(value).toString('utf8')));
          const offset = records.at(-1)!.offset + 1;
          await log!.commit({ group: 'reader', topic: 'ticks', partition: 0, offset, outputs: [] });
        },
      });
      const followed: string[] = [];
      const following = (async () => {
        for await (const { records } of log.read('ticks', 0, { until: 'follow', signal: stop.signal })) {
          followed.push(...records.map(({ value }) => Buffer.from(value).toString('utf8')));
        }
      })();
      const failed = Promise.all([consuming, following]).then(() => undefined);
      failed.catch(() => undefined); // until it is waited for
      const until = (condition: () => boolean): Promise<void> => Promise.race([untilTrue(condition), failed]);
      await append('before');
      await until(() => handled.length > 0 && followed.length > 0);
      const seen = async (): Promise<number[]> => [
        await counted('rebalances_total{group="reader"}'),
        await counted('retries_total{what="append"}'),
        await counted('retries_total{what="read"}'),
      ];
      expect(await seen()).toEqual([1, 0, 0]);
      await broker.kill();
      await expect(append('away')).rejects.toMatchObject({ code: 'TRB_LOG_UNAVAILABLE', canRetry: true });
      await broker.restart();
      await append('after');
      await until(() => handled.includes('after') && followed.includes('after'));
      expect((await valuesOf(log, 0)).filter((value) => value !== 'away')).toEqual(['before', 'after']);
      const [rebalances, ...retries] = await seen();
      expect({ rejoined: rebalances! > 1, retried: retries.map((count) => count > 0) }).toEqual({
        rejoined: true,
        retried: [true, true],
      });
      stop.abort();
      await failed;
    } finally {
      stop.abort();
      await log?.close();
      await broker.stop();
    }
  }, 240_000);

  test('opening where nobody listens is refused', async () => {
    await expect(openKafkaLog({ brokers: ['127.0.0.1:1'] })).rejects.toMatchObject({ code: 'TRB_LOG_UNAVAILABLE' });
  });
});
