/** What is particular to the embedded log; the port's promises are in contract.test.ts. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from './embedded.ts';
import { type EventLog, type OutRecord } from './port.ts';
import { type Topic } from './topics.ts';

const record = (value: string, topic: Topic = 'ticks', key = 'key'): OutRecord => ({
  topic,
  key,
  value: Buffer.from(value),
  partition: 0,
});
const large = (mark: number, topic: Topic = 'ticks'): OutRecord => ({
  topic,
  key: String(mark),
  value: Buffer.alloc(100_000, mark),
  partition: 0,
});

async function keysOf(log: EventLog, topic: Topic): Promise<string[]> {
  const keys: string[] = [];
  for await (const { records } of log.read(topic, 0)) keys.push(...records.map(({ key }) => key));
  return keys;
}

describe('embedded log', () => {
  let path: string;
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'tributary-log-'));
  });
  afterEach(() => rmSync(path, { recursive: true, force: true }));

  test('has one owner; a dead one does not count', async () => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', join(import.meta.dirname, 'contract.child.ts'), JSON.stringify({ path })],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await lines.next();
    await expect(openEmbeddedLog({ path })).rejects.toMatchObject({
      code: 'TRB_LOG_IN_USE',
      message: expect.stringContaining(String(child.pid)),
    });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    const log = await openEmbeddedLog({ path });
    await expect(openEmbeddedLog({ path })).rejects.toMatchObject({ code: 'TRB_LOG_IN_USE' });
    await log.close();
  });

  test('a new owner is told of a commit that the last one was still allowed, however short before the hand-over it began', async () => {
    const log = await openEmbeddedLog({ path, partitions: 1 });
    const place = { topic: 'models', partition: 0 } as const;
    const outcomes = new Set<string>();
    for (let turns = 0; turns < 12; turns++) {
      const group = `office-${turns}`;
      const [first, second] = [new AbortController(), new AbortController()];
      const member = { group, topics: ['models'] as const, handle: () => Promise.resolve() };
      let committing: Promise<string> = Promise.resolve('never');
      const leaving = log.consume({
        ...member,
        signal: first.signal,
        start: async () => {
          committing = log.commit({ group, ...place, offset: 7, outputs: [] }).then(
            () => 'committed',
            () => 'fenced',
          );
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          first.abort();
          return 0;
        },
      });
      let told: number | undefined;
      await log.consume({
        ...member,
        signal: second.signal,
        start: async (_topic, _partition, committed) => {
          told = committed;
          second.abort();
          return Promise.resolve(0);
        },
      });
      await leaving;
      const outcome = await committing;
      outcomes.add(outcome);
      expect({ turns, outcome, told }).toEqual({ turns, outcome, told: outcome === 'committed' ? 7 : undefined });
    }
    expect(outcomes).toContain('committed');
    await log.close();
  });

  test('whoever sees a committed offset sees the outputs that were committed with it', async () => {
    const log = await openEmbeddedLog({ path, partitions: 1 });
    const commits = 200;
    let behind = 0;
    const commit = async (): Promise<void> => {
      for (let offset = 1; offset <= commits; offset += 1) {
        await log.commit({ group: 'g', topic: 'ticks', partition: 0, offset, outputs: [record('out', 'features')] });
      }
    };
    const watch = async (): Promise<void> => {
      for (let seen = 0; seen < commits;) {
        seen = (await log.committed('g', 'ticks', 0)) ?? 0;
        if ((await log.bounds('features', 0)).end < seen) behind += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all([commit(), watch()]);
    await log.close();
    expect(behind).toBe(0);
  });

  test('the number of partitions is fixed when the log is made', async () => {
    await (await openEmbeddedLog({ path, partitions: 3 })).close();
    await expect(openEmbeddedLog({ path, partitions: 4 })).rejects.toMatchObject({ code: 'TRB_LOG_PARTITIONS' });
    const log = await openEmbeddedLog({ path });
    expect(await log.partitions('ticks')).toBe(3);
    await log.close();
    await expect(log.append([record('late')])).rejects.toMatchObject({ code: 'TRB_LOG_CLOSED' });
  });

  test('of a compacted topic the newest record of each key is left', async () => {
    const log = await openEmbeddedLog({ path });
    await log.append([record('1', 'models', 'champion'), record('2', 'models', 'challenger'), record('3', 'models', 'champion')]);
    await log.append([record('4', 'models', 'champion')]);
    expect(await keysOf(log, 'models')).toEqual(['challenger', 'champion']);
    expect(await log.bounds('models', 0)).toEqual({ begin: 1, end: 4 });
    await log.close();
  });

  test('old records go after the topic’s retention, and offsets go on', async () => {
    let log = await openEmbeddedLog({ path, retention: { ticks: 1000 } });
    await log.append([record('old')]);
    await log.append([record('newest')]);
    await log.append([record('kept', 'signals')]);
    await log.close();
    log = await openEmbeddedLog({ path, retention: { ticks: 1000 }, clock: { ...systemClock, now: () => Date.now() + 2000 } });
    while ((await log.bounds('ticks', 0)).begin === 0) await systemClock.sleep(5);
    // The newest stays: it says where the partition ends.
    expect(await log.bounds('ticks', 0)).toEqual({ begin: 1, end: 2 });
    expect(await log.bounds('signals', 0)).toEqual({ begin: 0, end: 1 });
    await log.close();
  });

  test('near the disk cap the oldest ticks go, and what must stay stays', async () => {
    const log = await openEmbeddedLog({ path, diskCapBytes: 4_000_000 });
    await log.append([large(1, 'signals'), large(2, 'models')]);
    for (let i = 0; i < 100; i += 1) await log.append([large(i)]);
    const kept = await keysOf(log, 'ticks');
    expect(kept.length).toBeGreaterThan(20);
    expect(kept.length).toBeLessThan(40);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => String(100 - kept.length + i)));
    expect([...(await keysOf(log, 'signals')), ...(await keysOf(log, 'models'))]).toEqual(['1', '2']);
    const filling = async (): Promise<void> => {
      for (let i = 0; i < 100; i += 1) await log.append([large(i, 'models')]);
    };
    await expect(filling()).rejects.toMatchObject({ code: 'TRB_LOG_DISK_FULL' });
    await log.close();
  });

  test('on a full disk appends are refused, nothing acknowledged is lost, and it goes on when there is space', async () => {
    const disk = join(path, 'disk');
    mkdirSync(disk);
    const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]).status === 0;
    // Mounting needs root. Elsewhere the disk cap stands in for the disk: same refusal, another cause.
    if (!isMounted) process.stderr.write('The full disk is a disk cap here: mounting a small file system needs root\n');
    const filler = join(disk, 'filler');
    try {
      if (isMounted) writeFileSync(filler, Buffer.alloc(10_000_000));
      const options = { path: join(disk, 'log'), ...(isMounted ? {} : { diskCapBytes: 8_000_000 }) };
      let log = await openEmbeddedLog(options);
      const acknowledged: string[] = [];
      const fill = async (): Promise<void> => {
        for (let i = 0; i < 200; i += 1) {
          await log.append([large(i, 'models')]);
          acknowledged.push(String(i));
        }
      };
      await expect(fill()).rejects.toMatchObject({ code: 'TRB_LOG_DISK_FULL', canRetry: true });
      await expect(
        log.commit({ group: 'g', topic: 'ticks', partition: 0, offset: 1, outputs: [large(201, 'models')] }),
      ).rejects.toMatchObject({
        code: 'TRB_LOG_DISK_FULL',
      });
      expect(await keysOf(log, 'models')).toEqual(acknowledged);
      if (isMounted) {
        rmSync(filler);
        await log.append([large(202, 'models')]);
        acknowledged.push('202');
      }
      await log.close();
      log = await openEmbeddedLog(options);
      expect(await keysOf(log, 'models')).toEqual(acknowledged);
      expect(await log.committed('g', 'ticks', 0)).toBeUndefined();
      await log.close();
    } finally {
      if (isMounted) spawnSync('umount', [disk]);
    }
  });
});
