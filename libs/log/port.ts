/**
 * EventLog: what services know of the log. Two adapters keep the same contract (libs/log/contract.test.ts): `embedded` (lmdb, one
 * process) and `kafka`.
 *
 * Contract
 * - Records of one partition have one order, the same for every reader. Offsets of a partition only grow; they may have holes.
 * - `append` and `commit` resolve only when the records are durable; what they resolved for is never lost, kill -9 included.
 * - `commit` is atomic: outputs and the input offset become visible together or not at all, and readers never see the outputs of
 *   one that failed. A group member that lost its partition cannot commit any more (`TRB_LOG_FENCED`).
 * - Errors: `TRB_LOG_CLOSED`, `TRB_LOG_FENCED`, `TRB_LOG_UNAVAILABLE` (canRetry), `TRB_LOG_DISK_FULL`, `TRB_LOG_TOO_LARGE`,
 *   `TRB_LOG_UNKNOWN_TOPIC`.
 */
import { type Topic } from './topics.ts';

export interface OutRecord {
  readonly topic: Topic;
  /** Chooses the partition (`partitionOf`), unless `partition` is given. */
  readonly key: string;
  readonly value: Uint8Array;
  readonly partition?: number;
}

export interface LogRecord {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: Uint8Array;
  /** When it was appended, milliseconds. */
  readonly timestamp: number;
}

export interface Batch {
  readonly topic: Topic;
  readonly partition: number;
  /** In offset order, never empty. */
  readonly records: readonly LogRecord[];
  /**
   * The offset after the last record of the partition, when the batch was read: its distance to the batch is the lag, none after the last record
   * whatever else the log may hold there.
   */
  readonly endOffset: number;
}

export interface Commit {
  readonly group: string;
  readonly topic: Topic;
  readonly partition: number;
  /** First offset of the input that is not yet processed. */
  readonly offset: number;
  /** Written in the same transaction. */
  readonly outputs: readonly OutRecord[];
}

export interface ConsumeOptions {
  readonly group: string;
  readonly topics: readonly Topic[];
  /**
   * Where to begin a partition this member was just given; `committed` is the group's offset there, undefined if none.
   * Default: the committed offset, else the beginning. A service that rebuilds state returns a lower offset and keeps quiet
   * until it reaches `committed`.
   */
  readonly start?: (topic: Topic, partition: number, committed: number | undefined) => Promise<number>;
  /** Batches of one partition come one after another, in order; the next is read only when the promise has settled. A throw ends `consume`. */
  readonly handle: (batch: Batch) => Promise<void>;
  /**
   * Asked after a batch: how long nothing of this partition is read, milliseconds, so that the next batch is a large one. Others are read on, which they are
   * not while `handle` waits. Default 0.
   */
  readonly restMs?: (topic: Topic, partition: number) => number;
  /** The partition went to another member; state kept for it is void. */
  readonly revoked?: (topic: Topic, partition: number) => void;
  readonly signal: AbortSignal;
  /** Most records in one batch. Default 5000. */
  readonly maxBatch?: number;
  /** Nobody waits for what this group makes of it: a record may come a moment late if it then comes with others, which is cheaper. */
  readonly canWait?: boolean;
}

export interface ReadOptions {
  /** Default: the beginning. */
  readonly from?: number;
  /** `end`: stop at the end offset found at the start; `follow`: wait for more until the signal aborts. Default `end`. */
  readonly until?: 'end' | 'follow';
  readonly signal?: AbortSignal;
  readonly maxBatch?: number;
}

export interface EventLog {
  partitions(topic: Topic): Promise<number>;
  /** First and one-past-last offset. */
  bounds(topic: Topic, partition: number): Promise<{ readonly begin: number; readonly end: number }>;
  append(records: readonly OutRecord[]): Promise<void>;
  /** Writes outputs and the input offset in one transaction. */
  commit(commit: Commit): Promise<void>;
  /** Asked by the member that has the partition, after a commit that was `TRB_LOG_UNAVAILABLE`, it says whether that was carried out, and another may follow. */
  committed(group: string, topic: Topic, partition: number): Promise<number | undefined>;
  /** Reads one partition without a group. Committed records only. */
  read(topic: Topic, partition: number, options?: ReadOptions): AsyncIterable<Batch>;
  /** Joins a group and handles what it is given until `signal` aborts; then finishes the batch in hand and resolves. */
  consume(options: ConsumeOptions): Promise<void>;
  close(): Promise<void>;
}
