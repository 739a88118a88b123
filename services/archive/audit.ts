/** Does the archive hold what the log holds? By count and checksum of the places, for what is committed and still in the log. */
import { z } from 'zod';
import { type EventLog } from '#libs/log/port.ts';
import { ARCHIVED_TOPICS, type ArchivedTopic, TOPIC_SETTINGS } from '#libs/log/topics.ts';
import { type Store } from '#libs/store/port.ts';
import { TABLES } from './rows.ts';
import { ARCHIVE_GROUP } from './service.ts';

export interface AuditLine {
  readonly topic: ArchivedTopic;
  readonly partition: number;
  /** Records of the log in the audited range of offsets. */
  readonly records: number;
  /** Of them, those that went to dead-letter. */
  readonly unreadable: number;
  /** Rows of the store in that range, as they lie there: a double counts. */
  readonly rows: number;
  readonly isEqual: boolean;
}

const Sums = z.object({ rows: z.number(), sum: z.string() });

export async function auditArchive(log: EventLog, store: Store): Promise<AuditLine[]> {
  const lines: AuditLine[] = [];
  for (const topic of ARCHIVED_TOPICS) {
    for (let partition = 0; partition < (await log.partitions(topic)); partition++)
      lines.push(await auditPartition(log, store, topic, partition));
  }
  return lines;
}

async function auditPartition(log: EventLog, store: Store, topic: ArchivedTopic, partition: number): Promise<AuditLine> {
  const { begin } = await log.bounds(topic, partition);
  const end = (await log.committed(ARCHIVE_GROUP, topic, partition)) ?? begin;
  const isCompacted = TOPIC_SETTINGS[topic].retentionMs === undefined;
  const left: number[] = [];
  let records = 0;
  let sum = 0n;
  for await (const batch of log.read(topic, partition, { from: begin })) {
    for (const { offset } of batch.records) {
      if (offset >= end) break;
      records++;
      sum += BigInt(offset);
      if (isCompacted) left.push(offset);
    }
  }
  const query = (from: string, column: string) => {
    const range = `${column} >= {begin:Int64} AND ${column} < {end:Int64}`;
    // What compaction has removed from the log stays in the archive.
    const places = isCompacted ? `${range} AND has({left:Array(Int64)}, ${column})` : range;
    const sql = `SELECT count() AS rows, toString(sum(${column})) AS sum FROM ${from} AND ${places}`;
    return store.query(sql, Sums, { partition, begin, end, topic, ...(isCompacted && { left }) });
  };
  const [held] = await query(`${TABLES[topic].name} WHERE log_partition = {partition:Int32}`, 'log_offset');
  const letters = "dead_letter FINAL WHERE service = 'archive' AND topic = {topic:String} AND partition = {partition:Int32}";
  const [unread] = await query(letters, 'offset');
  const isEqual = held!.rows === records - unread!.rows && BigInt(held!.sum) === sum - BigInt(unread!.sum);
  return { topic, partition, records, unreadable: unread!.rows, rows: held!.rows, isEqual };
}
