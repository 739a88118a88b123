import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backupTopics, restoreTopics } from './backup.ts';
import { openEmbeddedLog } from './embedded.ts';
import { type EventLog, type OutRecord } from './port.ts';

let folder: string;
const logs: EventLog[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-backup-'));
});
afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
  rmSync(folder, { recursive: true });
});

async function open(name: string): Promise<EventLog> {
  const log = await openEmbeddedLog({ path: join(folder, name), partitions: 2 });
  logs.push(log);
  return log;
}

const record = (topic: OutRecord['topic'], key: string, text: string, partition = 0): OutRecord => ({
  ...{ topic, key, partition },
  value: Buffer.from(text),
});

async function contents(log: EventLog, topic: OutRecord['topic'], partition: number): Promise<string[]> {
  const texts: string[] = [];
  for await (const { records } of log.read(topic, partition))
    texts.push(...records.map(({ key, value }) => `${key}=${Buffer.from(value).toString()}`));
  return texts;
}

test('the newest record of each key comes back, in its partition, in order; other topics stay out of it', async () => {
  const [first, second] = [await open('first'), await open('second')];
  await first.append([
    ...[record('models', 'champion', 'one'), record('models', 'previous', 'none'), record('models', 'champion', 'two')],
    ...[record('feature-state', '1/0', '\u0000binary\u00ff', 1), record('ticks', 'BTC', 'a tick')],
  ]);
  const file = join(folder, 'topics.gz');
  expect(await backupTopics(first, ['models', 'feature-state'], file)).toBe(3);
  expect(await restoreTopics(second, file)).toBe(3);
  expect(await contents(second, 'models', 0)).toEqual(['previous=none', 'champion=two']);
  expect(await contents(second, 'feature-state', 1)).toEqual(await contents(first, 'feature-state', 1));
  expect(await contents(second, 'ticks', 0)).toEqual([]);
});

test('a topic that holds something is left as it is', async () => {
  const log = await open('log');
  await log.append([record('models', 'champion', 'one')]);
  const file = join(folder, 'topics.gz');
  await backupTopics(log, ['models'], file);
  await expect(restoreTopics(log, file)).rejects.toMatchObject({
    code: 'TRB_LOG_BACKUP',
    hint: expect.stringContaining('apply'),
  });
  expect(await contents(log, 'models', 0)).toEqual(['champion=one']);
});

test('a file that is something else is refused', async () => {
  const file = join(folder, 'other');
  writeFileSync(file, 'nothing of the kind');
  const log = await open('log');
  await expect(restoreTopics(log, file)).rejects.toMatchObject({ code: 'TRB_LOG_BACKUP' });
  await expect(restoreTopics(log, join(folder, 'none'))).rejects.toMatchObject({ code: 'TRB_LOG_BACKUP' });
});
