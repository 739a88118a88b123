/**
 * Paper trading: follows every signal with money that is none, by the prices of the log. It consumes `ticks` a moment behind and reads all `signals`
 * of the partition before it folds a batch, so that what comes of them does not depend on who was faster. Fills, equity, the accounts' state
 * and the offset in `ticks` are one commit; a restart goes on from that state, so each fill is made exactly once.
 */
import { z } from 'zod';
import { deadLetter } from '#libs/dead-letter/dead-letter.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Batch, type EventLog, type LogRecord, type OutRecord } from '#libs/log/port.ts';
import { HORIZON_MS, isHorizon } from '#libs/market/horizon.ts';
import { paperOptionsSchema } from '#libs/paper/options.ts';
import { untilDecided } from '#libs/readback/decided.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { PaperState } from '#libs/wire/tributary/v1/paper.ts';
import { Signal } from '#libs/wire/tributary/v1/signals.ts';
import { Accounts, type AccountsOptions, outRecord } from './accounts.ts';
import { PaperMetrics } from './metrics.ts';

export const PAPER_GROUP = 'paper';

export const paperServiceOptionsSchema = z.strictObject({
  account: paperOptionsSchema.prefault({}),
  horizons: z
    .array(z.string().refine(isHorizon, `There are ${Object.keys(HORIZON_MS).join(', ')}.`))
    .readonly()
    .optional()
    .describe('whose signals are followed; default all'),
  funding: z
    .string()
    .default('')
    .describe('context source whose funding positions pay, as if they were its perpetuals; default none'),
  delayMs: z
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(2_000)
    .describe('how far behind the clock it reads ticks, so that decisions of that time are there, milliseconds; default 2000'),
});
export type PaperServiceOptions = z.input<typeof paperServiceOptionsSchema>;

/** Records after which the offset is committed though nothing happened. */
const COMMIT_EVERY = 20_000;

interface Partition {
  readonly number: number;
  readonly accounts: Accounts;
  /** Next offset to read in `signals`, and the end that they were read to. */
  nextSignal: number;
  signalsEnd: number;
  /** The group's offset in `ticks`. */
  committed: number;
}

/** Runs until `signal` aborts. */
export async function runPaper(context: ServiceContext, options: PaperServiceOptions, signal: AbortSignal): Promise<void> {
  const paper = new Paper(context, paperServiceOptionsSchema.parse(options), signal);
  context.health.set('paper', { ready: true, detail: 'follows signals on paper' });
  try {
    await paper.run();
  } finally {
    context.health.set('paper', { ready: false, detail: 'stopped' });
  }
}

class Paper {
  readonly #context: ServiceContext;
  readonly #log: EventLog;
  readonly #options: AccountsOptions;
  readonly #delayMs: number;
  readonly #metrics: PaperMetrics;
  readonly #partitions = new Map<number, Partition>();
  readonly #signal: AbortSignal;

  constructor(context: ServiceContext, options: z.output<typeof paperServiceOptionsSchema>, signal: AbortSignal) {
    const { account, horizons, funding, delayMs } = options;
    const isReplay = context.source === 'replay';
    this.#context = context;
    this.#log = context.log;
    this.#metrics = new PaperMetrics(context.metrics);
    // Candles begin where decisions are published: nobody could be later and still meet them.
    const atOnce = { latencyMs: 0, patienceMs: 60_000 };
    this.#options = { account: isReplay ? { ...account, ...atOnce } : account, horizons, funding, source: context.source };
    this.#delayMs = delayMs;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    try {
      await this.#log.consume({
        group: PAPER_GROUP,
        topics: ['ticks'],
        start: (_topic, partition, committed) => this.#open(partition, committed),
        handle: (batch) => this.#handle(batch),
        revoked: (_topic, partition) => this.#close(partition),
        signal: this.#signal,
      });
    } finally {
      for (const partition of [...this.#partitions.keys()]) this.#close(partition);
    }
  }

  async #open(number: number, committed: number | undefined): Promise<number> {
    this.#close(number);
    const accounts = new Accounts(number, this.#options, (account, reason) => this.#metrics.refused(account, reason));
    const ticksFrom = committed ?? (await this.#log.bounds('ticks', number)).begin;
    const nextSignal = await this.#restore(number, accounts);
    this.#partitions.set(number, { number, accounts, nextSignal, signalsEnd: 0, committed: ticksFrom });
    for (const account of accounts) this.#metrics.show(account);
    return ticksFrom;
  }

  /** The newest state of each account; resolves to the first decision that they have not seen. */
  async #restore(number: number, accounts: Accounts): Promise<number> {
    const newest = new Map<string, PaperState>();
    for await (const { records } of this.#log.read('paper-state', number)) {
      for (const record of records) newest.set(record.key, PaperState.decode(record.value));
    }
    let nextSignal = 0;
    for (const state of newest.values()) {
      if (accounts.restore(state)) nextSignal = Math.max(nextSignal, state.signalsOffset);
      else this.#context.logger.warn({ account: state.account }, 'its state is of another version: it begins anew');
    }
    return nextSignal;
  }

  #close(number: number): void {
    const partition = this.#partitions.get(number);
    if (partition === undefined) return;
    this.#partitions.delete(number);
    this.#metrics.forget(partition.accounts, number);
  }

  async #readSignals(partition: Partition): Promise<void> {
    const { number, nextSignal: from, signalsEnd } = partition;
    const { end } = await this.#log.bounds('signals', number);
    if (end === signalsEnd) return;
    for await (const batch of this.#log.read('signals', number, { from, signal: this.#signal })) {
      for (const record of batch.records) {
        partition.nextSignal = record.offset + 1;
        const decision = this.#decode(record, Signal);
        if (decision !== undefined) partition.accounts.follow(decision);
      }
    }
    partition.signalsEnd = end;
  }

  async #handle(batch: Batch): Promise<void> {
    const partition = this.#partitions.get(batch.partition);
    if (partition === undefined) throw new Error(`partition ${batch.partition} was read before it was opened`);
    const next = batch.records.at(-1)!.offset + 1;
    await this.#untilDecided(partition, batch);
    await this.#readSignals(partition);
    // Stopped while it waited: these ticks are read again by the next start.
    if (this.#signal.aborted) return;
    const letters: OutRecord[] = [];
    for (const record of batch.records) {
      const tick = this.#decode(record, Tick, letters);
      if (tick !== undefined) partition.accounts.fold(tick);
    }
    try {
      await this.#commit(partition, next, batch.endOffset, letters);
    } catch (thrown) {
      if (!(thrown instanceof TributaryError) || thrown.code !== 'TRB_LOG_FENCED') throw thrown;
      // Another member owns the partition now and goes on from what was committed.
      this.#close(partition.number);
      return;
    }
    this.#metrics.lag.set({ partition: batch.partition }, batch.endOffset - next);
  }

  async #untilDecided(partition: Partition, { records }: Batch): Promise<void> {
    const newest = records.at(-1)!;
    if (this.#context.source === 'replay') return untilDecided(this.#context, partition.number, newest.offset + 1, this.#signal);
    const wait = newest.timestamp + this.#delayMs - this.#context.clock.now();
    if (wait > 0) await this.#context.clock.sleep(Math.min(wait, this.#delayMs), this.#signal);
  }

  async #commit(partition: Partition, offset: number, end: number, letters: readonly OutRecord[]): Promise<void> {
    const made = partition.accounts.take();
    // Whoever waits for a replay sees by the committed offset that it is over.
    const isOver = offset === end && this.#context.source === 'replay';
    if (made.length + letters.length === 0 && offset < partition.committed + COMMIT_EVERY && !isOver) return;
    const outputs = [...made.map(outRecord), ...letters, ...partition.accounts.stateRecords(partition.nextSignal)];
    await this.#log.commit({ group: PAPER_GROUP, topic: 'ticks', partition: partition.number, offset, outputs });
    partition.committed = offset;
    for (const event of made) this.#metrics.made(event);
    if (made.length > 0) for (const account of partition.accounts) this.#metrics.show(account);
  }

  #decode<T>(record: LogRecord, message: { decode(bytes: Uint8Array): T }, letters?: OutRecord[]): T | undefined {
    try {
      return message.decode(record.value);
    } catch (thrown) {
      this.#metrics.unreadable.inc({ topic: record.topic });
      letters?.push(deadLetter(record, 'paper', thrown, this.#context.clock.now()));
      this.#context.logger.warn({ topic: record.topic, partition: record.partition, offset: record.offset }, 'unreadable record');
      return undefined;
    }
  }
}
