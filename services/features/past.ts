/** `ticks` as the fold needs it: out of the archive, where there is one, what the log no longer has, then the log. */
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { type LogRecord } from '#libs/log/port.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { bindSource } from '#libs/store/migrate.ts';
import { type Store } from '#libs/store/port.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { ARCHIVE_GROUP } from '#services/archive/service.ts';
import { type ArchivedTick, readTicks } from '#services/archive/ticks.ts';

/** Folded before the event loop gets its turn. */
const MAX_BATCH = 1_000;
const RETRY_MS = 1_000;
/**
 * Offsets in a row that may hold no tick: on Kafka the marks of transactions, and what one that was broken off had written (a source's
 * context values). What retention or a restored backup takes away is more.
 */
const MOST_EMPTY = 1_000;

export class Past {
  readonly #context: ServiceContext;
  readonly #open: (() => Promise<Store>) | undefined;
  readonly #signal: AbortSignal;
  #opening: Promise<Store> | undefined;

  /** `open`: the archive, when it is needed. */
  constructor(context: ServiceContext, open: (() => Promise<Store>) | undefined, signal: AbortSignal) {
    this.#context = context;
    this.#open = open;
    this.#signal = signal;
  }

  /** Whether it reaches further back than the log. */
  get hasArchive(): boolean {
    return this.#open !== undefined;
  }

  /** Where the records of a partition begin: of all that there ever were, or of those that the log has. */
  async begin(partition: number): Promise<number> {
    return this.hasArchive ? 0 : (await this.#context.log.bounds('ticks', partition)).begin;
  }

  /**
   * Records of [from, end) in their order; from 0 on they begin where the archive does. Ends early when the signal aborts; waits for an archive
   * that is away. Throws `TRB_ARCHIVE_HOLE`, `TRB_ARCHIVE_MIXED`, `TRB_STORE_…`.
   */
  async *records(partition: number, from: number, end: number): AsyncGenerator<readonly LogRecord[]> {
    const { log } = this.#context;
    let next = from;
    for (let isOver = false; !isOver && next < end && !this.#isStopped();) {
      const { begin } = await log.bounds('ticks', partition);
      if (this.hasArchive && next < begin) {
        const until = Math.min(begin, end);
        yield* this.#archived(partition, next, until);
        next = until;
        continue;
      }
      isOver = true;
      for await (const { records } of log.read('ticks', partition, { from: next, signal: this.#signal, maxBatch: MAX_BATCH })) {
        // Retention may overtake whoever reads what is oldest.
        isOver = !(this.hasArchive && records[0]!.offset > next && next < (await log.bounds('ticks', partition)).begin);
        if (!isOver) break;
        const due = records.filter(({ offset }) => offset < end);
        if (due.length > 0) yield due;
        if (due.length < records.length) return;
        next = due.at(-1)!.offset + 1;
      }
    }
  }

  async close(): Promise<void> {
    await (await this.#opening?.catch(() => undefined))?.close();
  }

  async *#archived(partition: number, from: number, end: number): AsyncGenerator<readonly LogRecord[]> {
    const archived = (await this.#context.log.committed(ARCHIVE_GROUP, 'ticks', partition)) ?? 0;
    if (archived < end) throw hole(partition, archived, end);
    let next = from;
    while (next < end && !this.#isStopped()) {
      try {
        const store = await this.#store();
        for await (const ticks of readTicks(store, { partition, from: next, end })) {
          for (let at = 0; at < ticks.length; at += MAX_BATCH) {
            const some = ticks.slice(at, at + MAX_BATCH);
            let expected = next;
            for (const { offset } of some) {
              if (expected > 0 && offset - expected > MOST_EMPTY) await this.#checkEmpty(store, partition, expected, offset);
              expected = offset + 1;
            }
            yield some.map((each) => recordOf(partition, each));
            next = expected;
            await turn();
            if (this.#isStopped()) return;
          }
        }
        if (end - next > MOST_EMPTY) await this.#checkEmpty(store, partition, next, end);
        next = end;
      } catch (thrown) {
        if (!(thrown instanceof TributaryError && thrown.canRetry)) throw thrown;
        this.#context.logger.warn(
          { code: thrown.code, partition, offset: next },
          `waits for the archive: ${describeError(thrown)}`,
        );
        await this.#context.clock.sleep(RETRY_MS, this.#signal);
      }
    }
  }

  #isStopped(): boolean {
    return this.#signal.aborted;
  }

  #store(): Promise<Store> {
    this.#opening ??= this.#openFirst().catch((thrown: unknown) => {
      this.#opening = undefined;
      throw thrown;
    });
    return this.#opening;
  }

  async #openFirst(): Promise<Store> {
    const store = await this.#open!();
    try {
      await bindSource(store, this.#context.source);
      return store;
    } catch (thrown) {
      await store.close();
      throw thrown;
    }
  }

  /** Throws where more is missing of [from, end) than what there is no tick for, or what the archive could not read. */
  async #checkEmpty(store: Store, partition: number, from: number, end: number): Promise<void> {
    const [letters] = await store.query(
      `SELECT uniqExact(offset) AS count FROM dead_letter WHERE service = 'archive' AND topic = 'ticks'
         AND partition = {partition:Int32} AND offset >= {from:Int64} AND offset < {end:Int64}`,
      z.object({ count: z.number() }),
      { partition, from, end },
    );
    if (end - from - letters!.count > MOST_EMPTY) throw hole(partition, from, end);
  }
}

function recordOf(partition: number, { offset, timestamp, tick }: ArchivedTick): LogRecord {
  return { topic: 'ticks', partition, offset, key: tick.asset, value: Tick.encode(tick).finish(), timestamp };
}

function hole(partition: number, from: number, end: number): TributaryError {
  return new TributaryError(
    'TRB_ARCHIVE_HOLE',
    `Neither log nor archive has the ticks of partition ${partition} from ${from} to ${end}.`,
    {
      hint: 'Restore them into ClickHouse from a backup, or start once without --rebuild-from: then the fold begins with what the log has.',
    },
  );
}
