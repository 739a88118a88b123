/** What is old goes: by the topic's time, and before that, the oldest ticks and features first, when the disk cap is near. */
import { TributaryError } from '../../errors/errors.ts';
import { type Topic } from '../topics.ts';
import { type Storage } from './storage.ts';

/** Blocks removed in one transaction. */
const STEP = 1000;
/** Trimming starts at this share of the cap and goes on to the second. */
const [TRIM_ABOVE, TRIM_TO] = [0.9, 0.8];
/** Share of the cap that is written before it is measured again, which costs more than a small transaction. */
const MEASURE_EVERY = 0.01;
/** In this order; compacted topics are never trimmed. */
const TRIMMED: readonly (readonly Topic[])[] = [
  ['ticks', 'features'],
  ['shadow', 'shadow-outcomes'],
  ['signals', 'signals-json', 'outcomes', 'paper', 'dead-letter'],
];

export interface RetentionLimits {
  /** Milliseconds by topic; undefined = kept. */
  readonly retentionMs: Readonly<Record<Topic, number | undefined>>;
  readonly diskCapBytes: number;
}

export class Retention {
  readonly #storage: Storage;
  readonly #limits: RetentionLimits;
  readonly #partitions: (topic: Topic) => number;
  /** Bytes since there was found to be plenty of room. */
  #unmeasured = Infinity;

  constructor(storage: Storage, limits: RetentionLimits, partitions: (topic: Topic) => number) {
    this.#storage = storage;
    this.#limits = limits;
    this.#partitions = partitions;
  }

  /** Removes what is older than its topic's retention. The newest block of a partition stays. */
  async expire(now: number): Promise<void> {
    for (const [topic, retentionMs] of Object.entries(this.#limits.retentionMs) as [Topic, number | undefined][]) {
      if (retentionMs === undefined) continue;
      for (let partition = 0; partition < this.#partitions(topic); partition += 1) {
        await this.#expirePartition(topic, partition, now - retentionMs);
      }
    }
  }

  /** Trims when `bytes` more would come near the cap; `TRB_LOG_DISK_FULL` if they would not fit even then. */
  async makeRoom(bytes: number): Promise<void> {
    const { diskCapBytes } = this.#limits;
    this.#unmeasured += bytes;
    if (this.#unmeasured < diskCapBytes * MEASURE_EVERY) return;
    this.#unmeasured = Infinity;
    if (this.#storage.usedBytes() + bytes <= diskCapBytes * TRIM_ABOVE) {
      this.#unmeasured = 0;
      return;
    }
    for (const topics of TRIMMED) {
      while (this.#storage.usedBytes() + bytes > diskCapBytes * TRIM_TO && (await this.#trimOldest(topics)));
    }
    if (this.#storage.usedBytes() + bytes <= diskCapBytes) return;
    throw new TributaryError('TRB_LOG_DISK_FULL', `The log has reached its disk cap of ${diskCapBytes} bytes`, {
      hint: 'Raise the cap.',
      canRetry: true,
    });
  }

  async #expirePartition(topic: Topic, partition: number, before: number): Promise<void> {
    for (;;) {
      const oldest = this.#storage.oldest(topic, partition, STEP);
      const expired = oldest.filter(({ timestamp }) => timestamp < before).map(({ offset }) => offset);
      if (expired.length > 0) await this.#storage.remove(topic, partition, expired);
      if (expired.length < STEP) return;
    }
  }

  /** Removes a step of the partition whose first record is the oldest of all; false if there is nothing left to remove. */
  async #trimOldest(topics: readonly Topic[]): Promise<boolean> {
    const candidates = topics.flatMap((topic) =>
      Array.from({ length: this.#partitions(topic) }, (_, partition) => {
        const [first] = this.#storage.oldest(topic, partition, 1);
        return first === undefined ? [] : [{ topic, partition, timestamp: first.timestamp }];
      }).flat(),
    );
    const [oldest] = candidates.sort((a, b) => a.timestamp - b.timestamp);
    if (oldest === undefined) return false;
    const { topic, partition } = oldest;
    const offsets = this.#storage.oldest(topic, partition, STEP);
    // At most a tenth of the partition in one step, so that not all is taken for the want of little.
    const most = Math.max(1, Math.ceil(offsets.length / 10));
    await this.#storage.remove(
      topic,
      partition,
      offsets.slice(0, offsets.length === STEP ? STEP : most).map(({ offset }) => offset),
    );
    return true;
  }
}
