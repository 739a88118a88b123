/** What libs/log/port.ts promises, checked on both adapters; Kafka is a real broker. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { describeWithKafka, sharedBroker } from '#tests/kafka/shared.ts';
import { openEmbeddedLog } from './embedded.ts';
import { applyTopics, openKafkaLog } from './kafka.ts';
import { type Batch, type ConsumeOptions, type EventLog, type OutRecord } from './port.ts';
import { type Topic } from './topics.ts';

const PARTITIONS = 4;

interface Adapter {
  /** JSON that `contract.child.ts` opens the same log by. */
  readonly address: () => string;
  /** A log to work with and to close; the embedded one has one owner, so every caller gets the same. */
  readonly open: () => Promise<EventLog>;
  /** Closes what `open` gave. */
  readonly close: () => Promise<void>;
  readonly remove: () => void;
}

const text = (value: Uint8Array): string => Buffer.from(value).toString('utf8');
const record = (value: string, partition: number, topic: Topic = 'ticks'): OutRecord => ({
  topic,
  key: `key-${partition}`,
  value: Buffer.from(value),
  partition,
});
const numbered = (count: number, partition: number, from = 0): OutRecord[] =>
  Array.from({ length: count }, (_, i) => record(String(from + i), partition));

async function valuesOf(batches: AsyncIterable<Batch>): Promise<string[]> {
  const values: string[] = [];
  for await (const { records } of batches) values.push(...records.map(({ value }) => text(value)));
  return values;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(10);
}

/** A member of a group that notes what it handles. */
class Reader {
  readonly handled: { readonly partition: number; readonly offset: number; readonly value: string }[] = [];
  readonly owned = new Set<number>();
  readonly done: Promise<void>;
  readonly #stop = new AbortController();

  constructor(log: EventLog, options: Partial<ConsumeOptions> & { readonly group: string }) {
    this.done = log.consume({
      topics: ['ticks'],
      signal: this.#stop.signal,
      revoked: (_, partition) => this.owned.delete(partition),
      ...options,
      start: async (topic, partition, committed) => {
        this.owned.add(partition);
        return (await options.start?.(topic, partition, committed)) ?? committed ?? 0;
      },
      handle: async (batch) => {
        for (const { partition, offset, value } of batch.records) this.handled.push({ partition, offset, value: text(value) });
        await options.handle?.(batch);
      },
    });
    this.done.catch(() => undefined);
  }

  values(): string[] {
    return this.handled.map(({ value }) => value);
  }

  async leave(): Promise<void> {
    this.#stop.abort();
    await this.done;
  }
}

function contract(make: () => Promise<Adapter>): void {
  let adapter: Adapter;
  let log: EventLog;
  const readers: Reader[] = [];
  const member = (of: EventLog, options: Partial<ConsumeOptions> & { readonly group: string }): Reader => {
    const reader = new Reader(of, options);
    readers.push(reader);
    return reader;
  };

  beforeAll(async () => {
    adapter = await make();
    log = await adapter.open();
  }, 240_000);
  afterEach(async () => {
    await Promise.allSettled(readers.splice(0).map((reader) => reader.leave()));
  });
  afterAll(async () => {
    await adapter.close();
    adapter.remove();
  });

  test('keeps the order of each partition, and reads it again from any offset', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, i) => log.append([...numbered(20, 0, i * 20), record(`other-${i}`, 1)])));
    const { begin, end } = await log.bounds('ticks', 0);
    expect(await valuesOf(log.read('ticks', 0))).toEqual(Array.from({ length: 1000 }, (_, i) => String(i)));
    expect(end - begin).toBeGreaterThanOrEqual(1000);
    const batches: Batch[] = [];
    for await (const batch of log.read('ticks', 0, { from: begin + 990, maxBatch: 4 })) batches.push(batch);
    expect(batches.map(({ records }) => records.length)).toEqual([4, 4, 2]);
    expect(batches[0]!.records[0]).toMatchObject({ topic: 'ticks', partition: 0, offset: begin + 990, key: 'key-0' });
    expect(batches.at(-1)!.endOffset).toBe(end);
    expect(await valuesOf(log.read('ticks', 0, { from: end }))).toEqual([]);
  });

  test('a key decides the partition, the same in every adapter', async () => {
    const before = await log.bounds('features', 0x948e42c0 % PARTITIONS);
    await log.append([{ topic: 'features', key: 'BTC', value: Buffer.from('vector') }]);
    expect(await valuesOf(log.read('features', 0x948e42c0 % PARTITIONS, { from: before.end }))).toEqual(['vector']);
    expect(await log.partitions('features')).toBe(PARTITIONS);
    expect(await log.partitions('models')).toBe(1);
  });

  test('refuses what it cannot keep', async () => {
    await expect(log.append([record('x', PARTITIONS)])).rejects.toMatchObject({ code: 'TRB_LOG_UNKNOWN_TOPIC' });
    await expect(log.append([{ topic: 'no such' as Topic, key: '', value: Buffer.alloc(1) }])).rejects.toMatchObject({
      code: 'TRB_LOG_UNKNOWN_TOPIC',
    });
    const large = { ...record('', 2), value: Buffer.alloc(8 * 1024 * 1024 + 1) };
    await expect(log.append([record('small', 2), large])).rejects.toMatchObject({ code: 'TRB_LOG_TOO_LARGE' });
    await log.append([{ ...large, value: Buffer.alloc(8 * 1024 * 1024, 7) }]);
    const lengths: number[] = [];
    for await (const { records } of log.read('ticks', 2)) lengths.push(...records.map(({ value }) => value.byteLength));
    expect(lengths).toEqual([8 * 1024 * 1024]);
  });

  test('a follower is given what comes, until its signal', async () => {
    const { end } = await log.bounds('signals', 0);
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const { records } of log.read('signals', 0, { from: end, until: 'follow', signal: stop.signal })) {
        seen.push(...records.map(({ value }) => text(value)));
      }
    })();
    await log.append([record('one', 0, 'signals')]);
    await until(() => seen.length === 1);
    await log.append([record('two', 0, 'signals')]);
    await until(() => seen.length === 2);
    stop.abort();
    await following;
    expect(seen).toEqual(['one', 'two']);
  });

  test('a group shares the partitions out, and again when one leaves and one joins', async () => {
    const group = `sharing-${randomUUID()}`;
    const [second, third] = [await adapter.open(), await adapter.open()];
    const a = member(log, { group });
    await until(() => a.owned.size === 4);
    const b = member(second, { group });
    await until(() => a.owned.size === 2 && b.owned.size === 2);
    const kept = [...b.owned];
    await a.leave();
    await until(() => b.owned.size === 4);
    const c = member(third, { group });
    await until(() => b.owned.size === 2 && c.owned.size === 2);
    expect([...b.owned, ...c.owned].sort()).toEqual([0, 1, 2, 3]);
    expect(kept).toHaveLength(2);
    const [countB, countC] = [b.handled.length, c.handled.length];
    await log.append([0, 1, 2, 3].map((partition) => record(`shared-${partition}`, partition)));
    await until(
      () =>
        [...b.values().slice(countB), ...c.values().slice(countC)].filter((value) => value.startsWith('shared-')).length === 4,
    );
    const shared = (reader: Reader): number[] =>
      reader.handled.filter(({ value }) => value.startsWith('shared-')).map(({ partition }) => partition);
    expect(shared(b).sort()).toEqual([...b.owned].sort());
    expect(shared(c).sort()).toEqual([...c.owned].sort());
  });

  test('outputs and offset are committed together; who comes next goes on from there', async () => {
    const group = `committing-${randomUUID()}`;
    const input = (await log.bounds('ticks', 3)).end;
    const output = (await log.bounds('outcomes', 3)).end;
    await log.append(numbered(10, 3));
    const start: ConsumeOptions['start'] = (_, partition, committed) =>
      Promise.resolve(committed ?? (partition === 3 ? input : Number.MAX_SAFE_INTEGER));
    const first = member(log, {
      group,
      start,
      maxBatch: 5,
      handle: async ({ topic, partition, records }) => {
        const outputs = records.map(({ value }) => record(`out-${text(value)}`, 3, 'outcomes'));
        await log.commit({ group, topic, partition, offset: records.at(-1)!.offset + 1, outputs });
      },
    });
    await until(() => first.handled.length === 10);
    await first.leave();
    const expected = Array.from({ length: 10 }, (_, i) => `out-${i}`);
    // The last offsets of the partition are a transaction marker on Kafka: reading to the end must end all the same, and nobody is behind of it.
    const read: Batch[] = [];
    for await (const batch of log.read('outcomes', 3, { from: output })) read.push(batch);
    const given: Batch[] = [];
    const reader = member(log, {
      group: `behind-${randomUUID()}`,
      topics: ['outcomes'],
      start: (_, partition) => Promise.resolve(partition === 3 ? output : Number.MAX_SAFE_INTEGER),
      handle: (batch) => Promise.resolve(void given.push(batch)),
    });
    await until(() => reader.handled.length === 10);
    await reader.leave();
    for (const batches of [read, given]) {
      expect(batches.flatMap(({ records }) => records.map(({ value }) => text(value)))).toEqual(expected);
      const { records, endOffset } = batches.at(-1)!;
      expect(endOffset).toBe(records.at(-1)!.offset + 1);
    }
    expect(await log.committed(group, 'ticks', 3)).toBe(first.handled.at(-1)!.offset + 1);
    await log.append([record('later', 3)]);
    const next = member(log, { group, start });
    await until(() => next.handled.length > 0);
    expect(next.values()).toEqual(['later']);
  });

  test('a partition that rests is read later, the others meanwhile', async () => {
    const starts = new Map<number, number>();
    for (const partition of [0, 1]) starts.set(partition, (await log.bounds('ticks', partition)).end);
    const reader = member(log, {
      group: `resting-${randomUUID()}`,
      start: (_, partition) => Promise.resolve(starts.get(partition) ?? Number.MAX_SAFE_INTEGER),
      restMs: (_, partition) => (partition === 0 ? 1_000 : 0),
    });
    await log.append([record('first', 0), record('first', 1)]);
    await until(() => reader.handled.length === 2);
    await log.append([record('second', 0)]);
    await log.append([record('second', 1)]);
    await until(() => reader.handled.length === 4);
    expect(reader.handled.slice(2).map(({ partition, value }) => `${partition} ${value}`)).toEqual(['1 second', '0 second']);
    await log.append([record('third', 0)]);
    await until(() => reader.handled.length === 5);
    // One that leaves while a partition rests does not wait for it.
    await reader.leave();
  });

  test('a member may start below the committed offset', async () => {
    const group = `rebuilding-${randomUUID()}`;
    const { end } = await log.bounds('ticks', 1);
    await log.append(numbered(10, 1));
    await log.commit({ group, topic: 'ticks', partition: 1, offset: end + 8, outputs: [] });
    const seen: (number | undefined)[] = [];
    const reader = member(log, {
      group,
      start: (_, partition, committed) => {
        if (partition === 1) seen.push(committed);
        return Promise.resolve(partition === 1 ? end + 2 : Number.MAX_SAFE_INTEGER);
      },
    });
    await until(() => reader.handled.length >= 8);
    expect(seen).toEqual([end + 8]);
    expect(reader.values()).toEqual(['2', '3', '4', '5', '6', '7', '8', '9']);
    expect(await log.committed(group, 'ticks', 1)).toBe(end + 8);
  });

  test('a commit that fails shows nothing and moves nothing', async () => {
    const group = `failing-${randomUUID()}`;
    const { end } = await log.bounds('outcomes', 1);
    const outputs = [record('never', 1, 'outcomes'), { ...record('', 1, 'outcomes'), value: Buffer.alloc(9 * 1024 * 1024) }];
    const failing = log.commit({ group, topic: 'ticks', partition: 1, offset: 1, outputs });
    await expect(failing).rejects.toMatchObject({ code: 'TRB_LOG_TOO_LARGE' });
    expect(await log.committed(group, 'ticks', 1)).toBeUndefined();
    await log.commit({ group, topic: 'ticks', partition: 1, offset: 2, outputs: [record('then', 1, 'outcomes')] });
    // Kafka shows what it has committed a moment after it has said so.
    await until(async () => (await log.bounds('outcomes', 1)).end > end);
    expect(await valuesOf(log.read('outcomes', 1, { from: end }))).toEqual(['then']);
  });

  test('a member that lost its partition cannot commit any more', async () => {
    const group = `fencing-${randomUUID()}`;
    const { end } = await log.bounds('outcomes', 2);
    await log.append([record('work', 2)]);
    let release: () => void = () => undefined;
    const late = new Promise<void>((resolve) => (release = resolve));
    let zombie: Promise<void> | undefined;
    const loser = member(log, {
      group,
      handle: ({ topic, partition, records }) => {
        const offset = records.at(-1)!.offset + 1;
        if (partition === 2) {
          // Work that goes on after the handler has returned, as a careless service might.
          zombie ??= late.then(() => log.commit({ group, topic, partition, offset, outputs: [record('zombie', 2, 'outcomes')] }));
          zombie.catch(() => undefined);
        }
        return Promise.resolve();
      },
    });
    await until(() => zombie !== undefined);
    const winnersLog = await adapter.open();
    const winner = member(winnersLog, {
      group,
      handle: async ({ topic, partition, records }) => {
        const offset = records.at(-1)!.offset + 1;
        const outputs = partition === 2 ? [record('winner', 2, 'outcomes')] : [];
        await winnersLog.commit({ group, topic, partition, offset, outputs });
      },
    });
    await loser.leave();
    await until(async () => (await log.committed(group, 'ticks', 2)) !== undefined);
    release();
    await expect(zombie).rejects.toMatchObject({ code: 'TRB_LOG_FENCED' });
    await until(async () => (await log.bounds('outcomes', 2)).end > end);
    const outputs = await valuesOf(log.read('outcomes', 2, { from: end }));
    expect(new Set(outputs)).toEqual(new Set(['winner']));
    expect(winner.owned.size).toBe(4);
  });

  test('what a handler throws ends consume, and the others take over', async () => {
    const group = `throwing-${randomUUID()}`;
    await log.append([record('poison', 0)]);
    const thrower = member(log, { group, handle: () => Promise.reject(new Error('cannot read it')) });
    await expect(thrower.done).rejects.toThrow('cannot read it');
    const other = member(await adapter.open(), { group });
    await until(() => other.values().includes('poison'));
  });

  test('an abort finishes the batch in hand', async () => {
    const group = `stopping-${randomUUID()}`;
    await log.append([record('in hand', 0)]);
    let [begun, finished] = [false, false];
    const reader = member(log, {
      group,
      handle: async ({ topic, partition, records }) => {
        begun = true;
        await delay(100);
        await log.commit({ group, topic, partition, offset: records.at(-1)!.offset + 1, outputs: [] });
        finished = true;
      },
    });
    await until(() => begun);
    await reader.leave();
    expect(finished).toBe(true);
  });

  test('kill -9 loses nothing that was acknowledged', async () => {
    const { begin } = await log.bounds('ticks', 0);
    await adapter.close();
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', join(import.meta.dirname, 'contract.child.ts'), adapter.address()],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let acknowledged = '';
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = line;
      if (Number(line) > 5000) child.kill('SIGKILL');
    }
    log = await adapter.open();
    const values = (await valuesOf(log.read('ticks', 0, { from: begin }))).filter((value) => value.startsWith('kept-'));
    const count = Number(acknowledged);
    expect(count).toBeGreaterThan(5000);
    expect(values.slice(0, count)).toEqual(Array.from({ length: count }, (_, i) => `kept-${i}`));
  }, 240_000);
}

describe('embedded', () => {
  contract(() => {
    const path = mkdtempSync(join(tmpdir(), 'tributary-log-'));
    let shared: Promise<EventLog> | undefined;
    return Promise.resolve({
      address: () => JSON.stringify({ path, partitions: PARTITIONS }),
      open: () => (shared ??= openEmbeddedLog({ path, partitions: PARTITIONS })),
      close: async () => {
        await (await shared)?.close();
        shared = undefined;
      },
      remove: () => rmSync(path, { recursive: true, force: true }),
    });
  });
});

describeWithKafka('kafka', () => {
  contract(async () => {
    const brokers = [...(await sharedBroker())];
    const topicPrefix = `contract-${randomUUID()}.`;
    const open: EventLog[] = [];
    await applyTopics({ brokers, topicPrefix, partitions: PARTITIONS, replicationFactor: 1 });
    return {
      address: () => JSON.stringify({ brokers, topicPrefix }),
      open: async () => {
        const log = await openKafkaLog({ brokers, topicPrefix });
        open.push(log);
        return log;
      },
      close: async () => {
        await Promise.all(open.splice(0).map((log) => log.close()));
      },
      remove: () => undefined,
    };
  });
});
