/**
 * The lmdb environment: one database per topic, one for the newest offset of each key of compacted topics, one for group offsets, one
 * for what was fixed at creation. Every write is one transaction, on disk when its promise resolves.
 *
 * A full disk never reaches lmdb: lmdb 3.5 answers a failed commit with an unhandled rejection besides the handled one, which would
 * end the process. So disk space is taken in advance, behind the pages in use, and when that fails the transaction is not begun.
 */
import { open as openFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { open, type Database, type RootDatabase } from 'lmdb';
import { TributaryError } from '../../errors/errors.ts';
import { type LogRecord, type OutRecord } from '../port.ts';
import { TOPIC_SETTINGS, TOPICS, type Topic } from '../topics.ts';
import { BLOCK_BYTES, countOf, decodeBlock, encodeBlock, keyOf, offsetOf, sizeOf, timestampOf } from './layout.ts';

/** A batch ends early at this many bytes, whatever its records are. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;
/** Space is taken in steps of this many bytes while there is plenty. */
const GROWTH = 8 * 1024 * 1024;
/** Keys ordered [group, topic, partition] and [topic, partition, key]. */
type Path = [string, string, number] | [string, number, string];

interface Stats {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
  readonly lastPageNumber: number;
}

/** Records with neighbouring offsets from `offset` on. */
export interface Block {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: number;
  readonly records: readonly OutRecord[];
}

export interface GroupOffset {
  readonly group: string;
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: number;
}

export class Storage {
  /** Of the partitioned topics; fixed when the log was made. */
  readonly partitions: number;
  readonly #environment: RootDatabase;
  readonly #topics: ReadonlyMap<Topic, Database<Buffer, number>>;
  readonly #newest: Database<number, Path>;
  readonly #groups: Database<number, Path>;
  /** Committed offsets as readers see them. */
  readonly #shown = new Map<string, number>();
  readonly #path: string;
  #file: FileHandle | undefined;
  /** The file is at least as long: it never becomes shorter. */
  #length = 0;

  /** `partitions` counts for a new log only. */
  constructor(directory: string, partitions: number) {
    this.#path = join(directory, 'data.mdb');
    // One a topic, offsets of groups, what is fixed; and the environment's own.
    const maxDbs = TOPICS.length + 4;
    this.#environment = open({ path: this.#path, noSubdir: true, maxDbs, encoding: 'binary', overlappingSync: false });
    const database = (name: string): Database<Buffer, number> => this.#environment.openDB({ name, encoding: 'binary' });
    this.#topics = new Map(TOPICS.map((topic) => [topic, database(topic)]));
    this.#newest = this.#environment.openDB({ name: 'newest', encoding: 'msgpack' });
    this.#groups = this.#environment.openDB({ name: 'groups', encoding: 'msgpack' });
    for (const { key, value } of this.#groups.getRange()) this.#shown.set(key.join('\0'), value);
    const fixed = this.#environment.openDB<number, string>({ name: 'fixed', encoding: 'msgpack' });
    const existing = fixed.get('partitions');
    this.partitions = existing ?? partitions;
    if (existing === undefined) fixed.putSync('partitions', this.partitions);
  }

  /** First record's offset, `undefined` where there is none. */
  first(topic: Topic, partition: number): number | undefined {
    const range = { start: keyOf(partition, 0), end: keyOf(partition + 1, 0), limit: 1 };
    for (const key of this.#topic(topic).getKeys(range)) return offsetOf(key);
    return undefined;
  }

  /** The offset after the last record, 0 where there is none. */
  end(topic: Topic, partition: number): number {
    const newest = this.#blockAtOrBefore(topic, partition, Infinity);
    return newest === undefined ? 0 : offsetOf(newest.key) + countOf(newest.value);
  }

  /** At most `limit` records of [from, end). */
  read(topic: Topic, partition: number, from: number, end: number, limit: number): LogRecord[] {
    const records: LogRecord[] = [];
    const start = this.#blockAtOrBefore(topic, partition, from)?.key ?? keyOf(partition, from);
    let bytes = 0;
    for (const { key, value } of this.#topic(topic).getRange({ start, end: keyOf(partition, end) })) {
      const range = { from, end: Math.min(end, Math.max(from, offsetOf(key)) + limit - records.length) };
      decodeBlock({ topic, partition, offset: offsetOf(key) }, value, range, records);
      bytes += value.length;
      if (bytes > MAX_BATCH_BYTES || records.length >= limit) break;
    }
    return records;
  }

  /** The oldest blocks, at most `limit`, never the newest block of the partition: it says where the partition ends. */
  oldest(topic: Topic, partition: number, limit: number): { readonly offset: number; readonly timestamp: number }[] {
    const newest = this.#blockAtOrBefore(topic, partition, Infinity)?.key ?? 0;
    const range = this.#topic(topic).getRange({ start: keyOf(partition, 0), end: newest, limit });
    return Array.from(range, ({ key, value }) => ({ offset: offsetOf(key), timestamp: timestampOf(value) }));
  }

  committed(group: string, topic: Topic, partition: number): number | undefined {
    return this.#shown.get([group, topic, partition].join('\0'));
  }

  /** Lets readers see offsets that `write` made durable: after the records of the same transaction, never before them. */
  show(offsets: readonly GroupOffset[]): void {
    for (const { group, topic, partition, offset } of offsets) this.#shown.set([group, topic, partition].join('\0'), offset);
  }

  /** Writes all of it or, when it throws, nothing. Of a compacted topic only the newest record of each key is left. */
  async write(blocks: readonly Block[], offsets: readonly GroupOffset[], timestamp: number): Promise<void> {
    const encoded = blocks.map((block) => ({ ...block, bytes: encodeBlock(block.records, timestamp) }));
    const bytes = encoded.reduce((sum, block) => sum + block.bytes.length, 0);
    await this.#takeSpace(bytes, blocks.length + offsets.length);
    const superseded = new Map<string, number>();
    await this.#environment.batch(() => {
      for (const block of encoded) {
        if (isCompacted(block.topic)) this.#supersede(block, superseded);
        void this.#topic(block.topic).put(keyOf(block.partition, block.offset), block.bytes);
      }
      for (const { group, topic, partition, offset } of offsets) void this.#groups.put([group, topic, partition], offset);
    });
  }

  /** Removes the blocks with these first offsets. */
  async remove(topic: Topic, partition: number, offsets: readonly number[]): Promise<void> {
    await this.#takeSpace(0, offsets.length);
    await this.#environment.batch(() => {
      for (const offset of offsets) void this.#topic(topic).remove(keyOf(partition, offset));
    });
  }

  /** Bytes of the pages that hold something; pages that were freed are used again. */
  usedBytes(): number {
    return TOPICS.reduce((sum, topic) => sum + pagesOf(stats(this.#topic(topic))) * stats(this.#topic(topic)).pageSize, 0);
  }

  async close(): Promise<void> {
    await this.#environment.close();
    await this.#file?.close();
  }

  #topic(topic: Topic): Database<Buffer, number> {
    return this.#topics.get(topic)!;
  }

  #blockAtOrBefore(
    topic: Topic,
    partition: number,
    offset: number,
  ): { readonly key: number; readonly value: Buffer } | undefined {
    const start = Math.min(keyOf(partition, offset), keyOf(partition + 1, 0) - 1);
    const range = { start, end: keyOf(partition, 0) - 1, reverse: true, limit: 1 };
    for (const block of this.#topic(topic).getRange(range)) return block;
    return undefined;
  }

  #supersede({ topic, partition, offset, records: [record] }: Block, superseded: Map<string, number>): void {
    const path: Path = [topic, partition, record!.key];
    const name = path.join('\0');
    const older = superseded.get(name) ?? this.#newest.get(path);
    if (older !== undefined) void this.#topic(topic).remove(keyOf(partition, older));
    superseded.set(name, offset);
    void this.#newest.put(path, offset);
  }

  /**
   * Makes sure that the file reaches far enough behind the last page in use for a transaction of `bytes` in `entries`. Twice the
   * bytes allow for half-full pages and whole pages for large values; the rest is for the branches that are rewritten.
   */
  async #takeSpace(bytes: number, entries: number): Promise<void> {
    const { lastPageNumber, pageSize } = stats(this.#environment);
    const needed = (lastPageNumber + 1) * pageSize + 2 * bytes + (64 + Math.min(entries, 1024) * 4) * pageSize;
    if (this.#length >= needed) return;
    this.#file ??= await openFile(this.#path, 'r+');
    this.#length = (await this.#file.stat()).size;
    if (this.#length >= needed) return;
    try {
      await writeZeros(this.#file, this.#length, needed + GROWTH).catch(() => writeZeros(this.#file!, this.#length, needed));
    } catch (cause) {
      throw new TributaryError('TRB_LOG_DISK_FULL', 'No space is left on the disk for the log', {
        hint: 'Free some space; the log goes on by itself, and nothing acknowledged is lost.',
        canRetry: true,
        cause,
      });
    }
  }
}

/** Cuts neighbours into blocks; in a compacted topic each record is its own, so that it can go when a newer one comes. */
export function toBlocks(topic: Topic, partition: number, offset: number, records: readonly OutRecord[]): Block[] {
  const blocks: { topic: Topic; partition: number; offset: number; records: OutRecord[] }[] = [];
  let room = 0;
  records.forEach((record, index) => {
    room -= sizeOf(record);
    if (room < 0 || isCompacted(topic)) {
      blocks.push({ topic, partition, offset: offset + index, records: [] });
      room = BLOCK_BYTES - sizeOf(record);
    }
    blocks.at(-1)!.records.push(record);
  });
  return blocks;
}

function isCompacted(topic: Topic): boolean {
  return TOPIC_SETTINGS[topic].retentionMs === undefined;
}

function stats(database: { getStats(): object }): Stats {
  return database.getStats() as Stats;
}

function pagesOf({ treeBranchPageCount, treeLeafPageCount, overflowPages }: Stats): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages;
}

/** Real zeros, not a hole: a hole takes no space until it is written. */
async function writeZeros(file: FileHandle, from: number, to: number): Promise<void> {
  const zeros = Buffer.alloc(Math.min(1024 * 1024, to - from));
  for (let position = from; position < to; position += zeros.length) {
    await file.write(zeros, 0, Math.min(zeros.length, to - position), position);
  }
}
