/**
 * The one that writes: everything asked for while a transaction is being flushed goes into the next one, in the order of asking.
 * Offsets are given out here, so a transaction that fails leaves no trace.
 */
import { type WallClock } from '../../clock/clock.ts';
import { slot } from '../assignment.ts';
import { closedError } from '../limits.ts';
import { type OutRecord } from '../port.ts';
import { type Topic } from '../topics.ts';
import { toBlocks, type Block, type GroupOffset, type Storage } from './storage.ts';
import { type Tail } from './tail.ts';

/** One transaction takes no more than this, unless a single request is larger. */
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_RECORDS = 20_000;

export interface RoutedRecord {
  readonly record: OutRecord;
  readonly partition: number;
}

interface Request {
  readonly records: readonly RoutedRecord[];
  readonly offset: GroupOffset | undefined;
  readonly bytes: number;
  /** Throws when the request is no longer allowed; asked right before the transaction. */
  readonly guard: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Writer {
  readonly #storage: Storage;
  readonly #clock: WallClock;
  readonly #tail: (topic: Topic, partition: number) => Tail;
  /** Makes room for so many bytes, or throws `TRB_LOG_DISK_FULL`. */
  readonly #makeRoom: (bytes: number) => Promise<void>;
  #requests: Request[] = [];
  #running: Promise<void> | undefined;
  /** The transaction under way. */
  #writing: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    storage: Storage,
    clock: WallClock,
    tail: (topic: Topic, partition: number) => Tail,
    makeRoom: (bytes: number) => Promise<void>,
  ) {
    this.#storage = storage;
    this.#clock = clock;
    this.#tail = tail;
    this.#makeRoom = makeRoom;
  }

  /** Resolves when the records, and with them the group's offset, are on disk. */
  write(records: readonly RoutedRecord[], offset?: GroupOffset, guard: () => void = () => undefined): Promise<void> {
    if (this.#closed) return Promise.reject(closedError());
    const bytes = records.reduce((sum, { record }) => sum + record.value.byteLength, 0);
    return new Promise((resolve, reject) => {
      this.#requests.push({ records, offset, bytes, guard, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when what has passed its guard by now is on disk or has failed. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  /** Refuses new requests and waits for those that were made. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // The requests of one turn of the event loop go together.
    await Promise.resolve();
    while (this.#requests.length > 0) {
      const taken = this.#take().filter(isAllowed);
      const writing = this.#transact(taken);
      this.#writing = writing.catch(() => undefined);
      try {
        await writing;
        for (const { resolve } of taken) resolve();
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    this.#running = undefined;
  }

  #take(): Request[] {
    let [bytes, records, count] = [0, 0, 0];
    for (const request of this.#requests) {
      bytes += request.bytes;
      records += request.records.length;
      if (count > 0 && (bytes > MAX_BYTES || records > MAX_RECORDS)) break;
      count += 1;
    }
    return this.#requests.splice(0, count);
  }

  async #transact(requests: readonly Request[]): Promise<void> {
    if (requests.length === 0) return;
    await this.#makeRoom(requests.reduce((sum, { bytes }) => sum + bytes, 0));
    const blocks: Block[] = [];
    const ends = new Map<Tail, number>();
    for (const { topic, partition, records } of byPartition(requests)) {
      const tail = this.#tail(topic, partition);
      blocks.push(...toBlocks(topic, partition, tail.end, records));
      ends.set(tail, tail.end + records.length);
    }
    const offsets = requests.flatMap(({ offset }) => (offset === undefined ? [] : [offset]));
    await this.#storage.write(blocks, offsets, this.#clock.now());
    for (const [tail, end] of ends) tail.moveTo(end);
    this.#storage.show(offsets);
  }
}

function isAllowed(request: Request): boolean {
  try {
    request.guard();
    return true;
  } catch (error) {
    request.reject(error);
    return false;
  }
}

interface PartitionRecords {
  readonly topic: Topic;
  readonly partition: number;
  readonly records: OutRecord[];
}

function byPartition(requests: readonly Request[]): Iterable<PartitionRecords> {
  const parts = new Map<string, PartitionRecords>();
  for (const { records } of requests) {
    for (const { record, partition } of records) {
      const name = slot(record.topic, partition);
      const part = parts.get(name);
      if (part === undefined) parts.set(name, { topic: record.topic, partition, records: [record] });
      else part.records.push(record);
    }
  }
  return parts.values();
}
