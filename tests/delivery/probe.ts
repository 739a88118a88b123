/**
 * Numbered records written through the production adapter while the brokers suffer, and what a read-committed reader finds of them. What
 * is not acknowledged is not tried again, so every hole and every double is the adapter's.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { TributaryError } from '#libs/errors/errors.ts';
import { openKafkaLog } from '#libs/log/kafka.ts';
import { type EventLog } from '#libs/log/port.ts';
import { add, NOTHING, type Tally } from './tally.ts';

const BATCH = 30;
const EVERY_MS = 150;

interface Lane {
  readonly begin: number;
  sent: number;
  readonly acknowledged: Set<number>;
  /** How many were sent when each window began. */
  readonly marks: number[];
}

export class Probe {
  readonly #log: EventLog;
  readonly #stop = new AbortController();
  readonly #lanes: readonly Lane[];
  readonly #writing: Promise<unknown>;

  private constructor(log: EventLog, begins: readonly number[]) {
    this.#log = log;
    this.#lanes = begins.map((begin) => ({ begin, sent: 0, acknowledged: new Set(), marks: [] }));
    this.#writing = Promise.all(this.#lanes.map((lane, partition) => this.#write(lane, partition)));
  }

  /** Begins to write, some 200 records a second into each partition of `ticks` below `topicPrefix`. */
  static async start(brokers: readonly string[], topicPrefix: string): Promise<Probe> {
    const log = await openKafkaLog({ brokers, topicPrefix });
    const partitions = Array.from({ length: await log.partitions('ticks') }, (_, partition) => partition);
    return new Probe(log, await Promise.all(partitions.map(async (partition) => (await log.bounds('ticks', partition)).end)));
  }

  /** A window begins. */
  mark(): void {
    for (const { marks, sent } of this.#lanes) marks.push(sent);
  }

  /** Ends the writing and counts each window. */
  async finish(): Promise<Tally[]> {
    this.#stop.abort();
    await this.#writing;
    const windows = await Promise.all(this.#lanes.map((lane, partition) => this.#read(lane, partition)));
    await this.#log.close();
    return windows[0]!.map((_, index) => windows.map((lane) => lane[index]!).reduce(add));
  }

  /** Where nobody wants to know any more. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#writing;
    await this.#log.close();
  }

  async #write(lane: Lane, partition: number): Promise<void> {
    const pending = new Set<Promise<void>>();
    while (!this.#stop.signal.aborted) {
      const numbers = Array.from({ length: BATCH }, () => lane.sent++);
      const records = numbers.map((number) => ({ topic: 'ticks' as const, partition, key: '', value: Buffer.from(`${number}`) }));
      const appending = this.#log
        .append(records)
        .then(
          () => {
            for (const number of numbers) lane.acknowledged.add(number);
          },
          (error: unknown) => {
            if (!(error instanceof TributaryError && error.canRetry)) throw error;
          },
        )
        .finally(() => pending.delete(appending));
      pending.add(appending);
      await delay(EVERY_MS);
    }
    await Promise.all(pending);
  }

  async #read({ begin, sent, acknowledged, marks }: Lane, partition: number): Promise<Tally[]> {
    const seen = new Set<number>();
    const doubled: number[] = [];
    const outOfOrder: number[] = [];
    let newest = -1;
    for await (const { records } of this.#log.read('ticks', partition, { from: begin })) {
      for (const { value } of records) {
        const number = Number(Buffer.from(value).toString());
        if (seen.has(number)) doubled.push(number);
        else if (number < newest) outOfOrder.push(number);
        seen.add(number);
        newest = Math.max(newest, number);
      }
    }
    return marks.map((from, index) => {
      const to = marks[index + 1] ?? sent;
      const within = (numbers: Iterable<number>): number[] => [...numbers].filter((number) => number >= from && number < to);
      const told = within(acknowledged);
      return {
        ...NOTHING,
        sent: to - from,
        acknowledged: told.length,
        seen: within(seen).length,
        lost: told.filter((number) => !seen.has(number)).length,
        doubled: within(doubled).length,
        outOfOrder: within(outOfOrder).length,
      };
    });
  }
}
