/**
 * Plain writing: one lane per partition with one request in flight. What comes meanwhile is gathered and goes next, which keeps the
 * order through retries, and measured faster than a request a record. One partition per `send`, always: when a leader moves during a
 * `send` to several, kafkajs 2.2.4 takes a broker's answer for one partition as its answer for all and silently loses the others.
 */
import { type WallClock } from '../../clock/clock.ts';
import { slot } from '../assignment.ts';
import { type OutRecord } from '../port.ts';
import { type Appender } from './appender.ts';
import { toLogError } from './errors.ts';

/**
 * What comes within so many milliseconds goes together (`linger.ms` of other clients). A request costs every broker that has the partition, and
 * everyone who reads it, about the same whatever it holds.
 */
const LINGER_MS = 50;
/** Nothing lingers past a whole second: the clock's event ends it there, and what comes after that counts into the next. */
const SECOND_MS = 1000;
/** A request holds no more, unless a single record is larger. */
const MAX_REQUEST_BYTES = 512 * 1024;

export interface Routed {
  /** Name on the broker. */
  readonly name: string;
  readonly partition: number;
  readonly records: readonly OutRecord[];
}

interface Waiting {
  readonly record: OutRecord;
  readonly done: (error?: unknown) => void;
}

export class Lanes {
  readonly #appender: Pick<Appender, 'send'>;
  readonly #clock: WallClock;
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(appender: Pick<Appender, 'send'>, clock: WallClock) {
    this.#appender = appender;
    this.#clock = clock;
  }

  /** Resolves when every record is acknowledged by all in-sync replicas; rejects with the first error when all are settled. */
  send(parts: readonly Routed[]): Promise<void> {
    let open = parts.reduce((sum, { records }) => sum + records.length, 0);
    if (open === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      let failure: unknown;
      const done = (error?: unknown): void => {
        failure ??= error;
        open -= 1;
        if (open > 0) return;
        if (failure === undefined) resolve();
        else reject(toLogError(failure));
      };
      for (const part of parts) this.#add(part, done);
    });
  }

  #add({ name, partition, records }: Routed, done: (error?: unknown) => void): void {
    const lane = slot(name, partition);
    const waiting = this.#waiting.get(lane);
    const added = records.map((record) => ({ record, done }));
    if (waiting !== undefined) {
      for (const each of added) waiting.push(each);
      return;
    }
    this.#waiting.set(lane, added);
    void this.#run(lane, name, partition);
  }

  async #run(lane: string, name: string, partition: number): Promise<void> {
    for (let waiting = this.#waiting.get(lane)!; waiting.length > 0;) {
      await this.#clock.sleep(Math.min(LINGER_MS, SECOND_MS - (this.#clock.now() % SECOND_MS)));
      const taken = waiting.splice(0, fitting(waiting));
      const error = await this.#request(name, partition, taken).catch((thrown: unknown) => thrown ?? new Error('unknown'));
      for (const { done } of taken) done(error);
    }
    this.#waiting.delete(lane);
  }

  async #request(topic: string, partition: number, taken: readonly Waiting[]): Promise<undefined> {
    const timestamp = String(this.#clock.now());
    const messages = taken.map(({ record }) => toMessage(record, partition, timestamp));
    await this.#appender.send(topic, partition, messages);
    return undefined;
  }
}

export function toMessage(
  { key, value }: OutRecord,
  partition: number,
  timestamp: string,
): { readonly key: string; readonly value: Buffer; readonly partition: number; readonly timestamp: string } {
  return { key, value: Buffer.from(value.buffer, value.byteOffset, value.byteLength), partition, timestamp };
}

/** How many of the first records fit one request; one at least. */
export function fitting(waiting: readonly { readonly record: OutRecord }[]): number {
  let bytes = 0;
  const over = waiting.findIndex(({ record }) => (bytes += record.value.byteLength + 32) > MAX_REQUEST_BYTES);
  return over === -1 ? waiting.length : Math.max(1, over);
}
