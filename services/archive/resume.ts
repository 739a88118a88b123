/**
 * After the store was restored from a backup: the archive goes on from what its tables hold. Rows stand in a table in the order of their offsets,
 * and a batch is there whole or not at all, so the newest row of a partition says where.
 */
import { z } from 'zod';
import { type EventLog } from '#libs/log/port.ts';
import { ARCHIVED_TOPICS, type ArchivedTopic } from '#libs/log/topics.ts';
import { type Store } from '#libs/store/port.ts';
import { TABLES } from './rows.ts';
import { ARCHIVE_GROUP, PLAN_GROUP } from './service.ts';

export interface Resumption {
  readonly topic: ArchivedTopic;
  readonly partition: number;
  /** First offset that is archived next. */
  readonly from: number;
  /** Offsets below it that are neither in the store nor in the log any more. */
  readonly lost: number;
}

/** Moves the archive's place in every partition; no archive may run meanwhile. */
export async function resumeArchive(log: EventLog, store: Store): Promise<Resumption[]> {
  const resumptions: Resumption[] = [];
  for (const topic of ARCHIVED_TOPICS) {
    const held = await heldOffsets(store, TABLES[topic].name);
    for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
      const { begin } = await log.bounds(topic, partition);
      const next = held.get(partition) ?? 0;
      const from = Math.max(begin, next);
      for (const group of [PLAN_GROUP, ARCHIVE_GROUP]) await log.commit({ group, topic, partition, offset: from, outputs: [] });
      resumptions.push({ topic, partition, from, lost: from - next });
    }
  }
  return resumptions;
}

/** By partition, the offset after the newest row's. */
async function heldOffsets(store: Store, table: string): Promise<Map<number, number>> {
  const row = z.object({ partition: z.number(), next: z.coerce.number() });
  const sql = `SELECT log_partition AS partition, max(log_offset) + 1 AS next FROM ${table} GROUP BY log_partition`;
  return new Map((await store.query(sql, row)).map(({ partition, next }) => [partition, next]));
}
