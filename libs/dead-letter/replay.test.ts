import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog, type LogRecord } from '#libs/log/port.ts';
import { withCommit } from '#libs/log/testing/with-commit.ts';
import { deadLetter } from './dead-letter.ts';
import { replayLetters } from './replay.ts';

let path: string;
let log: EventLog;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'tributary-replay-'));
  log = await openEmbeddedLog({ path, partitions: 2 });
});
afterEach(async () => {
  await log.close();
  await rm(path, { recursive: true });
});

const record = (topic: LogRecord['topic'], partition: number, offset: number): LogRecord => ({
  ...{ topic, partition, offset, key: 'BTC', timestamp: 0 },
  value: Buffer.from(`${topic} ${partition} ${offset}`),
});
const letterOf = (from: LogRecord, service: string) => deadLetter(from, service, new Error('unreadable'), 0);

async function ticks(partition: number): Promise<string[]> {
  const texts: string[] = [];
  for await (const { records } of log.read('ticks', partition)) texts.push(...records.map(({ value }) => String(value)));
  return texts;
}

test('each tick comes back once, into its partition, however many services could not read it; other topics stay as they are', async () => {
  await log.append([
    letterOf(record('ticks', 1, 7), 'features'),
    letterOf(record('signals', 0, 3), 'evaluation'),
    letterOf(record('ticks', 1, 7), 'archive'),
    letterOf(record('ticks', 0, 7), 'archive'),
  ]);
  expect(await replayLetters(log)).toEqual({ replayed: 2, repeated: 1, left: 1 });
  await log.append([letterOf(record('ticks', 0, 7), 'features'), letterOf(record('ticks', 0, 8), 'features')]);
  expect(await replayLetters(log)).toEqual({ replayed: 1, repeated: 1, left: 0 });
  expect(await replayLetters(log)).toEqual({ replayed: 0, repeated: 0, left: 0 });
  expect([await ticks(0), await ticks(1)]).toEqual([['ticks 0 7', 'ticks 0 8'], ['ticks 1 7']]);
  expect((await log.bounds('signals', 0)).end).toBe(0);
});

test('a run that is cut off goes on where it was', async () => {
  await log.append([0, 1, 2].map((offset) => letterOf(record('ticks', 0, offset), 'features')));
  let commits = 2;
  const dying = withCommit(log, (commit) => (commits-- > 0 ? log.commit(commit) : Promise.reject(new Error('cut off'))));
  await expect(replayLetters(dying)).rejects.toThrow('cut off');
  expect(await replayLetters(log)).toEqual({ replayed: 1, repeated: 0, left: 0 });
  expect(await ticks(0)).toEqual(['ticks 0 0', 'ticks 0 1', 'ticks 0 2']);
});
