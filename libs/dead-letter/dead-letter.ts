/** What a service does with a record that it cannot read: the original bytes go to `dead-letter`, in the commit that passes over them. */
import { messageOf, TributaryError } from '../errors/errors.ts';
import { type LogRecord, type OutRecord } from '../log/port.ts';
import { DeadLetter } from '../wire/tributary/v1/features.ts';

/** `now`: milliseconds. */
export function deadLetter(record: LogRecord, service: string, thrown: unknown, now: number): OutRecord {
  const { topic, partition, offset, key, value } = record;
  const code = thrown instanceof TributaryError ? thrown.code : 'TRB_UNREADABLE';
  const letter: DeadLetter = { topic, partition, offset, key, value, service, code, detail: messageOf(thrown), time: now };
  return { topic: 'dead-letter', key, value: DeadLetter.encode(letter).finish() };
}
