/**
 * Archive: every record of every topic becomes one row of the store.
 *
 * A batch is a range of offsets of one partition. Its end is committed under a group of its own before it is inserted (the plan), so
 * after a crash the very same range is inserted again under the same token, which the store makes once; then the range is committed.
 * The token holds a hash of the records too, so that another log's offsets never pass for these. When the store is away the batch is tried
 * until it is back: the log is the buffer. A record that cannot be read goes to `dead-letter` in the commit that passes over it.
 */
import { featureSchema } from '#libs/features/catalogue.ts';
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { deadLetter } from '#libs/dead-letter/dead-letter.ts';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { type Batch, type LogRecord, type OutRecord } from '#libs/log/port.ts';
import { ARCHIVED_TOPICS, type ArchivedTopic, type Topic } from '#libs/log/topics.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { registerFeatureSchema } from '#libs/store/feature-schemas.ts';
import { bindSource, migrate } from '#libs/store/migrate.ts';
import { type Row, type Store } from '#libs/store/port.ts';
import { archiveMetrics } from './metrics.ts';
import { TABLES } from './rows.ts';

export const ARCHIVE_GROUP = 'archive';
/** Its committed offset is the end of the batch in hand. */
export const PLAN_GROUP = 'archive-plan';

const Options = z.object({
  batchRows: z.number().int().min(1).max(100_000).default(10_000).describe('Most rows of one insert.'),
  flushMs: z.number().int().min(0).max(60_000).default(1000).describe('Milliseconds between two inserts of one partition.'),
  maxBackoffMs: z
    .number()
    .int()
    .min(1)
    .default(10_000)
    .describe('Longest wait, milliseconds, between two tries of one insert at a store that answers.'),
});

export interface ArchiveOptions extends z.input<typeof Options> {
  readonly store: Store;
}

/** Errors: `TRB_STORE_QUERY`, `TRB_STORE_SOURCE`, `TRB_STORE_MIGRATION`, those of the log. */
export async function runArchive(context: ServiceContext, options: ArchiveOptions, signal: AbortSignal): Promise<void> {
  const archive = new Archive(context, options, signal);
  await archive.run();
}

/** Rows of the log's topics in the store, as its parts say: cheap enough to ask every second. */
export async function archivedRows(store: Store): Promise<number> {
  const tables = Object.values(TABLES).map(({ name }) => name);
  const sql = `SELECT sum(rows) AS n FROM system.parts WHERE active AND database = currentDatabase() AND table IN {tables:Array(String)}`;
  const [sum] = await store.query(sql, z.object({ n: z.number() }), { tables });
  return sum?.n ?? 0;
}

interface Partition {
  /** End of the batch that was planned and not committed. */
  planned: number;
  /** The first records of that batch, until all of them are here. */
  held: readonly LogRecord[];
  /** How long the log may fill before the next batch, milliseconds. */
  restMs: number;
}

/** Records turned into rows before the event loop gets its turn. */
const ROWS_PER_TURN = 250;
/** Many small parts are what ClickHouse dies of: with many partitions each waits longer. */
const MS_PER_PARTITION = 100;
const FIRST_BACKOFF_MS = 200;
/** A store that is away is asked as often whether it is back. */
const ASK_MS = 500;

class Archive {
  readonly #context: ServiceContext;
  readonly #store: Store;
  readonly #options: z.output<typeof Options>;
  readonly #signal: AbortSignal;
  readonly #metrics: ReturnType<typeof archiveMetrics>;
  readonly #partitions = new Map<string, Partition>();
  /** Inserts that wait for the store; ready when none does. */
  #waiting = 0;
  /** Until a store that is away is back. */
  #back: Promise<void> | undefined;

  constructor(context: ServiceContext, { store, ...options }: ArchiveOptions, signal: AbortSignal) {
    this.#context = context;
    this.#store = store;
    this.#options = Options.parse(options);
    this.#signal = signal;
    this.#metrics = archiveMetrics(context.metrics);
  }

  async run(): Promise<void> {
    const { log, source } = this.#context;
    const isReady = await this.#untilStored('be prepared', async () => {
      await migrate(this.#store);
      await bindSource(this.#store, source);
      await registerFeatureSchema(this.#store, featureSchema());
    });
    if (!isReady) return;
    this.#report();
    await log.consume({
      group: ARCHIVE_GROUP,
      topics: ARCHIVED_TOPICS,
      maxBatch: this.#options.batchRows,
      canWait: true,
      signal: this.#signal,
      start: (topic, partition, committed) => this.#resume(topic, partition, committed),
      handle: (batch) => this.#handle(batch),
      restMs: (topic, partition) => this.#partitions.get(keyOf(topic, partition))?.restMs ?? 0,
      revoked: (topic, partition) => {
        this.#partitions.delete(keyOf(topic, partition));
        this.#metrics.lag.remove({ topic, partition: String(partition) });
      },
    });
  }

  async #resume(topic: Topic, partition: number, committed: number | undefined): Promise<number> {
    const planned = (await this.#context.log.committed(PLAN_GROUP, topic, partition)) ?? 0;
    this.#partitions.set(keyOf(topic, partition), { planned, held: [], restMs: 0 });
    return committed ?? 0;
  }

  async #handle({ partition, records, endOffset, ...batch }: Batch): Promise<void> {
    const begun = this.#context.clock.now();
    // It consumes no other.
    const topic = batch.topic as ArchivedTopic;
    const state = this.#partitions.get(keyOf(topic, partition))!;
    state.restMs = 0;
    let rest = state.held.length === 0 ? records : [...state.held, ...records];
    if (state.planned > rest[0]!.offset) {
      const next = rest.findIndex(({ offset }) => offset >= state.planned);
      const isWhole = next >= 0 || rest.at(-1)!.offset === state.planned - 1;
      if (!isWhole) {
        state.held = rest;
        return;
      }
      const planned = next < 0 ? rest : rest.slice(0, next);
      rest = next < 0 ? [] : rest.slice(next);
      state.held = [];
      if (!(await this.#archive(topic, partition, planned))) return;
    }
    if (rest.length > 0) {
      state.planned = rest.at(-1)!.offset + 1;
      const plan = this.#context.log.commit({ group: PLAN_GROUP, topic, partition, offset: state.planned, outputs: [] });
      if (!(await this.#archive(topic, partition, rest, plan))) return;
    }
    const lag = endOffset - records.at(-1)!.offset - 1;
    this.#metrics.lag.set({ topic, partition: String(partition) }, lag);
    // While the log fills the next insert becomes a large one; who is behind has that already.
    const took = this.#context.clock.now() - begun;
    state.restMs = lag > 0 ? 0 : Math.max(this.#options.flushMs, this.#quietMs()) - took;
  }

  #quietMs(): number {
    return this.#options.flushMs === 0 ? 0 : this.#partitions.size * MS_PER_PARTITION;
  }

  /** Inserts the range once its plan is durable, and commits it; false when the signal came first. */
  async #archive(topic: ArchivedTopic, partition: number, records: readonly LogRecord[], plan?: Promise<void>): Promise<boolean> {
    const [{ rows, letters }] = await Promise.all([this.#read(topic, records), plan]);
    const { name, columns } = TABLES[topic];
    const token = tokenOf(topic, partition, records);
    const end = this.#metrics.insertSeconds.startTimer({ topic });
    if (!(await this.#untilStored(`take ${rows.length} rows of ${topic}`, () => this.#store.insert(name, columns, rows, token))))
      return false;
    end();
    await this.#context.log.commit({
      group: ARCHIVE_GROUP,
      topic,
      partition,
      offset: records.at(-1)!.offset + 1,
      outputs: letters,
    });
    this.#metrics.rows.inc({ topic }, rows.length);
    this.#metrics.deadLetters.inc({ topic }, letters.length);
    return true;
  }

  async #read(topic: ArchivedTopic, records: readonly LogRecord[]): Promise<{ rows: Row[]; letters: OutRecord[] }> {
    const rows: Row[] = [];
    const letters: OutRecord[] = [];
    const { row } = TABLES[topic];
    for (let index = 0; index < records.length; index++) {
      const record = records[index]!;
      if (index > 0 && index % ROWS_PER_TURN === 0) await nextTurn();
      try {
        rows.push(row(record));
      } catch (thrown) {
        letters.push(deadLetter(record, 'archive', thrown, this.#context.clock.now()));
        this.#context.logger.warn(
          { topic, partition: record.partition, offset: record.offset },
          'unreadable record, moved to dead-letter',
        );
      }
    }
    return { rows, letters };
  }

  /** Tries until it works; false when the signal came first. Throws what trying again cannot mend. */
  async #untilStored(what: string, work: () => Promise<void>): Promise<boolean> {
    let isWaiting = false;
    try {
      for (let backoff = FIRST_BACKOFF_MS; ; backoff = Math.min(backoff * 2, this.#options.maxBackoffMs)) {
        if (this.#signal.aborted) return false;
        try {
          await work();
          return true;
        } catch (thrown) {
          if (!(thrown instanceof TributaryError && thrown.canRetry)) throw thrown;
          this.#metrics.retries.inc();
          if (!isWaiting) {
            isWaiting = true;
            this.#waiting++;
            this.#report();
            this.#context.logger.warn(
              { code: thrown.code },
              `the store could not ${what}, trying again: ${describeError(thrown)}`,
            );
          }
          await this.#context.clock.sleep(backoff, this.#signal);
          if (thrown.code === 'TRB_STORE_UNAVAILABLE') await this.#untilBack();
        }
      }
    } finally {
      if (isWaiting) {
        this.#waiting--;
        this.#report();
      }
    }
  }

  /** One asks for all who wait: an insert that is tried again carries all its rows. */
  #untilBack(): Promise<void> {
    return (this.#back ??= this.#askUntilBack().finally(() => (this.#back = undefined)));
  }

  async #askUntilBack(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.#store.query('SELECT 1 AS one', z.object({ one: z.number() }));
        return;
      } catch (thrown) {
        if (!(thrown instanceof TributaryError && thrown.canRetry)) throw thrown;
        await this.#context.clock.sleep(ASK_MS, this.#signal);
      }
    }
  }

  #report(): void {
    const detail = this.#waiting === 0 ? 'archiving' : 'the store is away; the log keeps everything meanwhile';
    this.#context.health.set('archive', { ready: this.#waiting === 0, detail });
  }
}

function keyOf(topic: Topic, partition: number): string {
  return `${topic}/${partition}`;
}

function tokenOf(topic: Topic, partition: number, records: readonly LogRecord[]): string {
  const hash = createHash('sha1');
  for (const { value, timestamp } of records) hash.update(String(timestamp)).update(value);
  return `${keyOf(topic, partition)}/${records[0]!.offset}-${records.at(-1)!.offset + 1}/${hash.digest('base64url')}`;
}
