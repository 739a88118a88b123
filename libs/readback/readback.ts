/** Reading back: the end of a partition, or the place where a time begins. */
import { type EventLog, type LogRecord } from '../log/port.ts';
import { type Topic } from '../log/topics.ts';

/** About the last `count` records of a partition, oldest first (fewer where offsets have holes). */
export async function readTail(log: EventLog, topic: Topic, partition: number, count: number): Promise<readonly LogRecord[]> {
  const { begin, end } = await log.bounds(topic, partition);
  const records: LogRecord[] = [];
  if (end <= begin) return records;
  for await (const batch of log.read(topic, partition, { from: Math.max(begin, end - count) })) records.push(...batch.records);
  return records;
}

/** Some records that end right before `before`, oldest first; none where the partition does not reach back so far. */
export async function readBefore(log: EventLog, topic: Topic, partition: number, before: number): Promise<readonly LogRecord[]> {
  const { begin } = await log.bounds(topic, partition);
  for (let step = 64; ; step *= 8) {
    const from = Math.max(begin, before - step);
    const records: LogRecord[] = [];
    for await (const batch of log.read(topic, partition, { from, maxBatch: step })) {
      records.push(...batch.records.filter((record) => record.offset < before));
      if (batch.records.at(-1)!.offset >= before - 1) break;
    }
    if (records.length > 0 || from === begin) return records;
  }
}

/** Most records of a partition that are read back for the figures they add up to: weeks of the slow lane, hours of the fast one. */
export const MOST_READ_BACK = 2_000_000;

/** Where to begin to read what a partition's newest records add up to; bounded, however long it is kept. */
export async function recentBegin(log: EventLog, topic: Topic, partition: number): Promise<number> {
  const { begin, end } = await log.bounds(topic, partition);
  return Math.max(begin, end - MOST_READ_BACK);
}

/** Whether a record lies before the time looked for; undefined = it says nothing about time. */
export type IsEarlier = (record: LogRecord) => boolean | undefined;

/** How much more of a partition may be read than what lies after the time looked for, as a share of that. */
const EXCESS = 1 / 8;

/**
 * An offset at or before the first record of a time, and not far before it: found by stepping back from `before` in growing steps, then by
 * halving the last one, looking each time at the first record there that has a time; `begin` where the partition does not reach back so far.
 */
export async function seekBack(
  log: EventLog,
  topic: Topic,
  partition: number,
  before: number,
  isEarlier: IsEarlier,
): Promise<number> {
  const { begin } = await log.bounds(topic, partition);
  const isEarlierAt = async (offset: number): Promise<boolean> =>
    (await firstVerdict(log, topic, partition, offset, before, isEarlier)) === true;
  let step = 256;
  while (before - step > begin && !(await isEarlierAt(before - step))) step *= 4;
  let early = Math.max(begin, before - step);
  if (step === 256) return early;
  let late = before - step / 4;
  while (late - early > (before - late) * EXCESS) {
    const middle = Math.floor((early + late) / 2);
    if (await isEarlierAt(middle)) early = middle;
    else late = middle;
  }
  return early;
}

async function firstVerdict(
  log: EventLog,
  topic: Topic,
  partition: number,
  from: number,
  before: number,
  isEarlier: IsEarlier,
): Promise<boolean | undefined> {
  for await (const batch of log.read(topic, partition, { from, maxBatch: 100 })) {
    for (const record of batch.records) {
      if (record.offset >= before) return undefined;
      const verdict = isEarlier(record);
      if (verdict !== undefined) return verdict;
    }
  }
  return undefined;
}
