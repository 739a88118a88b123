/** Reading one partition without a group. */
import { setTimeout as delay } from 'node:timers/promises';
import { closedError, DEFAULT_MAX_BATCH } from '../limits.ts';
import { type Batch, type ReadOptions } from '../port.ts';
import { type Topic } from '../topics.ts';
import { type Connection } from './connection.ts';
import { isOutOfRange, isPassing, toLogError } from './errors.ts';
import { type Fetched, type Fetcher } from './fetch.ts';
import { toRecord } from './membership.ts';
import { type LogObserver } from './observer.ts';

/** A reader to the end gives up after so many failures in a row: about the time that a partition needs for a new leader. */
const MOST_ATTEMPTS = 60;
const RETRY_DELAY = 250;

/** The open readers of a log: closing the log closes them, for a connection that outlives it holds the process. */
export class Readers {
  readonly #open = new Set<Fetcher>();

  async begin(connection: Connection, topic: Topic, partition: number): Promise<Fetcher> {
    const fetcher = await connection.fetcher(topic, partition);
    this.#open.add(fetcher);
    return fetcher;
  }

  async end(fetcher: Fetcher): Promise<void> {
    this.#open.delete(fetcher);
    await fetcher.close();
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#open].map((fetcher) => this.end(fetcher)));
  }
}

interface Place {
  readonly topic: Topic;
  readonly partition: number;
  readonly bounds: () => Promise<{ readonly begin: number; readonly end: number }>;
  readonly observer: LogObserver;
}

/** Batches of [from, end) or, following, of [from, …). A follower outlives a broker that goes away for a while. */
export async function* readPartition(
  connection: Connection,
  readers: Readers,
  { topic, partition, bounds, observer }: Place,
  { from = 0, until = 'end', signal, maxBatch = DEFAULT_MAX_BATCH }: ReadOptions,
  closed: AbortSignal,
): AsyncGenerator<Batch, void, undefined> {
  const { begin, end } = await bounds();
  const stop = until === 'end' ? end : Infinity;
  const isOver = (): boolean => signal?.aborted === true;
  const isClosed = (): boolean => closed.aborted;
  const stopped = stopOf(signal, closed);
  let position = Math.max(from, begin);
  let fetcher: Fetcher | undefined;
  let failures = 0;
  try {
    while (position < stop && !isOver()) {
      if (isClosed()) throw closedError();
      let fetched: Fetched | undefined;
      try {
        fetcher ??= await readers.begin(connection, topic, partition);
        fetched = await Promise.race([fetcher.fetch(position, maxBatch), stopped.now]);
        failures = 0;
      } catch (error) {
        if (isClosed() || isOver()) continue;
        const failure = toLogError(error);
        failures += 1;
        const isPatient = until === 'follow' || failures < MOST_ATTEMPTS;
        if (!isPatient || !isPassing(failure)) throw failure;
        observer.retried?.('read', error);
        if (fetcher !== undefined) await readers.end(fetcher);
        fetcher = undefined;
        await delay(RETRY_DELAY);
        // Retention went past the reader.
        if (isOutOfRange(error)) position = Math.max(position, (await bounds()).begin);
      }
      if (fetched === undefined) continue;
      const records = fetched.messages
        .filter(({ offset }) => Number(offset) < stop)
        .map((message) => toRecord(topic, partition, message));
      for (let at = 0; at < records.length; at += maxBatch) {
        if (isOver()) return;
        if (isClosed()) throw closedError();
        yield { topic, partition, records: records.slice(at, at + maxBatch), endOffset: fetched.endOffset };
      }
      position = fetched.next;
    }
    if (isClosed()) throw closedError();
  } finally {
    stopped.forget();
    if (fetcher !== undefined) await readers.end(fetcher);
  }
}

/** `now` resolves when either signal aborts. */
function stopOf(
  signal: AbortSignal | undefined,
  closed: AbortSignal,
): { readonly now: Promise<undefined>; readonly forget: () => void } {
  const waiting = new AbortController();
  const now = new Promise<undefined>((resolve) => {
    for (const each of [signal, closed]) {
      if (each?.aborted === true) resolve(undefined);
      each?.addEventListener('abort', () => resolve(undefined), { signal: waiting.signal });
    }
  });
  return { now, forget: () => waiting.abort() };
}
