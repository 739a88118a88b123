/**
 * Copies of compacted topics in a file, and back. The newest record of each key is all that a reader of such a topic goes by, so it is all that is
 * kept: lines of JSON, compressed.
 */
import { rename, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import { messageOf, TributaryError } from '../errors/errors.ts';
import { type EventLog, type OutRecord } from './port.ts';
import { type Topic, TOPICS } from './topics.ts';

const Line = z.strictObject({
  topic: z.enum(TOPICS),
  partition: z.int().min(0),
  key: z.string(),
  /** Base64. */
  value: z.base64(),
});
/** A file that somebody else made unpacks to no more. */
const MOST_BYTES = 2 ** 30;

/** Writes the file, whole or not at all; resolves to how many records are in it. */
export async function backupTopics(log: EventLog, topics: readonly Topic[], file: string): Promise<number> {
  const lines: z.input<typeof Line>[] = [];
  for (const topic of topics) {
    for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
      const newest = new Map<string, Uint8Array>();
      for await (const { records } of log.read(topic, partition)) {
        for (const { key, value } of records) {
          // In the order of the newest.
          newest.delete(key);
          newest.set(key, value);
        }
      }
      for (const [key, value] of newest) lines.push({ topic, partition, key, value: Buffer.from(value).toString('base64') });
    }
  }
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  await writeFile(`${file}.part`, await promisify(gzip)(text));
  await rename(`${file}.part`, file);
  return lines.length;
}

/** Writes what the file holds into topics that are empty; resolves to how many records. Throws `TRB_LOG_BACKUP`. */
export async function restoreTopics(log: EventLog, file: string): Promise<number> {
  const records = await readBackup(file);
  for (const topic of new Set(records.map((record) => record.topic))) {
    for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
      const { begin, end } = await log.bounds(topic, partition);
      if (end > begin) {
        throw new TributaryError('TRB_LOG_BACKUP', `${topic} is not empty: what it holds is newer than the backup.`, {
          hint: 'Restore into topics that `tributary topics apply` has just made.',
        });
      }
    }
  }
  await log.append(records);
  return records.length;
}

async function readBackup(file: string): Promise<OutRecord[]> {
  try {
    const text = (await promisify(gunzip)(await readFile(file), { maxOutputLength: MOST_BYTES })).toString('utf8');
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => {
      const { value, ...place } = Line.parse(JSON.parse(line));
      return { ...place, value: Buffer.from(value, 'base64') };
    });
  } catch (cause) {
    throw new TributaryError('TRB_LOG_BACKUP', `${file} is no backup of topics: ${messageOf(cause)}.`, { cause });
  }
}
