/** What both adapters refuse, in the same words. */
import { TributaryError } from '../errors/errors.ts';
import { type OutRecord } from './port.ts';
import { TOPICS, type Topic } from './topics.ts';

/** Largest value of one record, bytes; the broker's `max.message.bytes` is set to fit. */
export const MAX_VALUE_BYTES = 8 * 1024 * 1024;
/** Longest key of a record, bytes of UTF-8. */
export const MAX_KEY_BYTES = 512;
/** Most partitions a topic may have. */
export const MAX_PARTITIONS = 1024;
/** Records in one batch unless asked otherwise. */
export const DEFAULT_MAX_BATCH = 5000;

export function checkTopic(topic: Topic): void {
  if (TOPICS.includes(topic)) return;
  throw new TributaryError('TRB_LOG_UNKNOWN_TOPIC', `There is no topic "${topic}"`, { hint: `Topics: ${TOPICS.join(', ')}.` });
}

export function checkRecord(record: OutRecord): void {
  checkTopic(record.topic);
  const key = Buffer.byteLength(record.key, 'utf8');
  if (key <= MAX_KEY_BYTES && record.value.byteLength <= MAX_VALUE_BYTES) return;
  throw new TributaryError('TRB_LOG_TOO_LARGE', `A record of ${record.topic} has ${record.value.byteLength} bytes (key ${key})`, {
    hint: `The limits are ${MAX_VALUE_BYTES} bytes of value and ${MAX_KEY_BYTES} of key: split it.`,
  });
}

export function checkPartition(topic: Topic, partition: number, partitions: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return;
  throw new TributaryError('TRB_LOG_UNKNOWN_TOPIC', `${topic} has no partition ${partition}`, {
    hint: `It has partitions 0 to ${partitions - 1}.`,
  });
}

export function closedError(): TributaryError {
  return new TributaryError('TRB_LOG_CLOSED', 'The log is closed');
}

export function fencedError(group: string, topic: Topic, partition: number, cause?: unknown): TributaryError {
  return new TributaryError('TRB_LOG_FENCED', `${group} does not own ${topic}/${partition} any more`, {
    hint: 'Another member of the group took the partition over: drop the state kept for it.',
    cause,
  });
}
