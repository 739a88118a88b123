/**
 * The decisions in the log as callers see them: the latest of each (venue, instrument, horizon), and streams that go on from a cursor. One
 * reader a partition serves every stream of the process: it keeps the newest decisions, a stream takes from those at its own pace, and from
 * the log where they do not reach back far enough. So a slow caller costs nothing but its own delay, and any instance serves all decisions.
 */
import { setMaxListeners } from 'node:events';
import { type WallClock } from '../clock/clock.ts';
import { TributaryError } from '../errors/errors.ts';
import { type Batch, type EventLog, type LogRecord } from '../log/port.ts';
import { type Source } from '../service/service.ts';
import { Signal } from '../wire/tributary/v1/signals.ts';
import { decodeCursor, encodeCursor, foreignCursor, type Position } from './cursor.ts';

export interface FeedContext {
  readonly log: EventLog;
  readonly clock: Pick<WallClock, 'now' | 'sleep'>;
  readonly source: Source;
}

export interface StreamOptions {
  readonly wanted: (signal: Signal) => boolean;
  /** At least so often, milliseconds, an item says how far the stream is; 0 = never. */
  readonly progressMs: number;
}

export interface StreamItem {
  /** Undefined = nothing wanted up to the cursor. */
  readonly signal: Signal | undefined;
  /** Where the stream stands after this item. */
  readonly cursor: string;
}

interface Decision {
  readonly offset: number;
  readonly signal: Signal;
}

interface Tail {
  /** Every readable decision from this offset on is in `decisions`. */
  from: number;
  next: number;
  readonly decisions: Decision[];
}

interface Page {
  readonly decisions: readonly Decision[];
  readonly next: number;
}

/** Decisions kept for each partition, at least. */
const KEPT = 1_000;
const PAGE = 1_000;
const FOR_EVER = 2 ** 31 - 1;

export class SignalFeed {
  readonly #context: FeedContext;
  readonly #latest = new Map<string, Signal>();
  readonly #sleepers = new Set<() => void>();
  #tails: readonly Tail[] = [];
  /** Reading back is done for one stream at a time, so that many that come back at once do not ask the log all together. */
  #readingBack: Promise<unknown> = Promise.resolve();
  #isReady: () => void = () => undefined;
  /** Resolves when it has read what was there at the start. */
  readonly ready = new Promise<void>((resolve) => (this.#isReady = resolve));

  constructor(context: FeedContext) {
    this.#context = context;
  }

  /** Follows the last `back` offsets of each partition and what comes then, until `signal` aborts; `onRead` is called with each decision. */
  async follow(signal: AbortSignal, back: number, onRead: (decision: Signal) => void = () => undefined): Promise<void> {
    const { log } = this.#context;
    setMaxListeners(0, signal); // the reader of every partition listens
    const partitions = Array.from({ length: await log.partitions('signals') }, (_, partition) => partition);
    this.#tails = await Promise.all(
      partitions.map(async (partition) => {
        const { begin, end } = await log.bounds('signals', partition);
        const from = Math.max(begin, end - back);
        return { from, next: from, decisions: [] };
      }),
    );
    const read = async (partition: number, until: 'end' | 'follow'): Promise<void> => {
      const from = this.#tails[partition]!.next;
      for await (const batch of log.read('signals', partition, { from, until, signal })) this.#add(batch, onRead);
    };
    await Promise.all(partitions.map((partition) => read(partition, 'end')));
    this.#isReady();
    await Promise.all(partitions.map((partition) => read(partition, 'follow')));
  }

  latest(): readonly Signal[] {
    return [...this.#latest.values()];
  }

  /** Behind the newest decision. */
  cursor(): string {
    return encodeCursor(this.#context.source, this.#now());
  }

  /**
   * What comes after the cursor (undefined = what is new), until `signal` aborts. Throws, before it gives anything, `TRB_CURSOR`, and
   * `TRB_CURSOR_EXPIRED` where the log has lost what would come next.
   */
  async open(after: string | undefined, options: StreamOptions, signal: AbortSignal): Promise<AsyncGenerator<StreamItem>> {
    await this.ready;
    return this.#stream(after === undefined ? this.#now() : await this.#positionAt(after), options, signal);
  }

  /** At most `limit` decisions after the cursor that are there now, and the cursor behind them. Throws like `open`. */
  async page(after: string, wanted: (signal: Signal) => boolean, limit: number): Promise<{ signals: Signal[]; cursor: string }> {
    await this.ready;
    const position = await this.#positionAt(after);
    const signals: Signal[] = [];
    while (this.#isBehind(position) && signals.length < limit) {
      for await (const decision of this.#unread(position)) {
        if (wanted(decision)) signals.push(decision);
        if (signals.length === limit) break;
      }
    }
    return { signals, cursor: encodeCursor(this.#context.source, position) };
  }

  #now(): Position {
    return this.#tails.map(({ next }) => next);
  }

  async #positionAt(cursor: string): Promise<Position> {
    const position = decodeCursor(cursor, this.#context.source, this.#tails.length);
    for (const [partition, { from, next }] of this.#tails.entries()) {
      const at = position[partition]!;
      if (at >= from && at <= next) continue;
      const { begin, end } = await this.#context.log.bounds('signals', partition);
      if (at > end) throw foreignCursor('It lies behind the end of this log');
      if (at < begin) {
        throw new TributaryError('TRB_CURSOR_EXPIRED', 'The log does not reach back to the cursor any more.', {
          hint: 'Begin without a cursor; what was missed is in the archive.',
        });
      }
    }
    return position;
  }

  async *#stream(position: Position, options: StreamOptions, signal: AbortSignal): AsyncGenerator<StreamItem> {
    const { clock, source } = this.#context;
    const { wanted, progressMs } = options;
    let saidAt = clock.now();
    const item = (decision: Signal | undefined): StreamItem => {
      saidAt = clock.now();
      return { signal: decision, cursor: encodeCursor(source, position) };
    };
    while (!signal.aborted) {
      for await (const decision of this.#unread(position)) if (wanted(decision)) yield item(decision);
      if (progressMs > 0 && clock.now() - saidAt >= progressMs) yield item(undefined);
      const rest = progressMs === 0 ? FOR_EVER : Math.max(0, saidAt + progressMs - clock.now());
      if (!this.#isBehind(position)) await this.#sleep(rest, signal);
    }
  }

  /** What is there after the position, which moves along; in the order of the log for each partition. */
  async *#unread(position: Position): AsyncGenerator<Signal> {
    for (const [partition, tail] of this.#tails.entries()) {
      if (position[partition]! >= tail.next) continue;
      const { decisions, next } = await this.#page(partition, position[partition]!);
      for (const { offset, signal } of decisions) {
        position[partition] = offset + 1;
        yield signal;
      }
      position[partition] = next;
    }
  }

  async #page(partition: number, at: number): Promise<Page> {
    const tail = this.#tails[partition]!;
    if (at < tail.from) return this.#readBack(partition, at, tail.from);
    const first = tail.decisions.findLastIndex(({ offset }) => offset < at) + 1;
    return { decisions: tail.decisions.slice(first), next: tail.next };
  }

  #readBack(partition: number, from: number, until: number): Promise<Page> {
    const reading = this.#readingBack.then(async () => {
      for await (const { records } of this.#context.log.read('signals', partition, { from, maxBatch: PAGE })) {
        return { decisions: decisionsIn(records), next: records.at(-1)!.offset + 1 };
      }
      return { decisions: [], next: until };
    });
    this.#readingBack = reading.catch(() => undefined);
    return reading;
  }

  #isBehind(position: Readonly<Position>): boolean {
    return this.#tails.some(({ next }, partition) => position[partition]! < next);
  }

  #add({ partition, records }: Batch, onRead: (decision: Signal) => void): void {
    const tail = this.#tails[partition]!;
    for (const decision of decisionsIn(records)) {
      tail.decisions.push(decision);
      const { signal } = decision;
      const key = `${signal.instrument}|${signal.venue}|${signal.horizon}`;
      if (signal.t > (this.#latest.get(key)?.t ?? -Infinity)) this.#latest.set(key, signal);
      onRead(signal);
    }
    tail.next = records.at(-1)!.offset + 1;
    if (tail.decisions.length > 2 * KEPT) {
      tail.decisions.splice(0, tail.decisions.length - KEPT);
      tail.from = tail.decisions[0]!.offset;
    }
    for (const wake of this.#sleepers) wake();
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const rest = new AbortController();
    const wake = (): void => rest.abort();
    if (signal.aborted) return;
    this.#sleepers.add(wake);
    signal.addEventListener('abort', wake);
    await this.#context.clock.sleep(ms, rest.signal);
    signal.removeEventListener('abort', wake);
    this.#sleepers.delete(wake);
  }
}

/** What cannot be read is passed over: dead letters are the archive's to write. */
function decisionsIn(records: readonly LogRecord[]): Decision[] {
  return records.flatMap(({ offset, value }) => {
    try {
      return [{ offset, signal: Signal.decode(value) }];
    } catch {
      return [];
    }
  });
}
