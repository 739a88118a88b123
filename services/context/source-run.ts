/**
 * One source at work: its polls on their schedule, what they give published, and the source switched off where going on is no use: it
 * refuses us (once a day it is tried again), it lacks its key, or the month's requests are used up. Each of these is said once.
 */
import { z } from 'zod';
import { type WallClock } from '#libs/clock/clock.ts';
import { describeError, messageOf, TributaryError } from '#libs/errors/errors.ts';
import { type ContextRow } from '#libs/history/events.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { type SourceMemory } from './memory.ts';
import { type ContextMetrics, type Gauged, type SourceState } from './metrics.ts';
import { nextMonth, planOf } from './plan.ts';
import { type ContextSource, type Poll, type SourceContext } from './sources/source.ts';
import { newValues } from './values.ts';

export interface SourceRunOptions {
  readonly source: ContextSource;
  readonly context: SourceContext;
  readonly memory: SourceMemory;
  readonly metrics: ContextMetrics;
  readonly clock: WallClock;
  readonly logger: Logger;
  /** Uniform in [0, 1): polls of many sources do not go at the same moment. */
  readonly random: () => number;
  /** Writes values and memory; resolves when both are durable. What it rejects with ends the run. */
  readonly publish: (rows: readonly ContextRow[], memory: SourceMemory) => Promise<void>;
  /** Hears of every change of state. */
  readonly changed: () => void;
}

const DAY = 86_400_000;
/** How long polls are spread over at the start, and the share of the interval by which they stray later. */
const FIRST_SPREAD_MS = 5_000;
const SPREAD = 0.02;
/** A poll that failed is tried again after this, doubled each time up to the longest, or at its usual time. */
const FIRST_RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 3_600_000;

export class SourceRun {
  readonly #options: SourceRunOptions;
  readonly #newest = new Map<string, number>();
  /** Polls that failed when they last ran: what has been said of them. */
  readonly #failing = new Set<string>();
  #state: SourceState = 'on';
  /** Said already, and not yet over. */
  #isRefused = false;
  #detail = 'on';

  constructor(options: SourceRunOptions) {
    this.#options = options;
    for (const [name, { lastSeq }] of options.memory.series) this.#newest.set(name, lastSeq);
  }

  /** For people: `on`, or why not. */
  get detail(): string {
    const failing = this.#failing.size === 0 ? '' : ` (${[...this.#failing].join(', ')} fails)`;
    return `${this.#options.source.id} ${this.#detail}${this.#state === 'on' ? failing : ''}`;
  }

  get gauged(): Gauged {
    const { source, memory, clock, context } = this.#options;
    const now = clock.now();
    const { callsPerDay } = planOf(source, context);
    const rest = this.#state === 'on' ? (callsPerDay * (nextMonth(now) - now)) / DAY : 0;
    const calls = memory.calls(now);
    return { provider: source.id, state: this.#state, calls, projected: Math.round(calls + rest), newest: this.#newest };
  }

  /** Resolves when `signal` aborts, or when the source is off for good. */
  async run(signal: AbortSignal): Promise<void> {
    const { source, context, clock, logger } = this.#options;
    const { key } = source;
    if (key?.isRequired === true && !context.hasKey) {
      this.#become('needs_key', `off: needs ${key.env}`);
      logger.warn(`${source.title} is off: it needs a key in ${key.env} (or ${key.env}_FILE)`);
      return;
    }
    while (!signal.aborted) {
      const pause = await this.#pollAll(signal);
      if (pause !== undefined) await clock.sleep(pause, signal);
    }
  }

  /** Runs the polls until `signal` aborts or the source has to be left alone; then for how long, milliseconds. */
  async #pollAll(signal: AbortSignal): Promise<number | undefined> {
    const { source, context } = this.#options;
    const round = new AbortController();
    const stop = (): void => round.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    let pause: number | undefined;
    const leave = (ms: number): void => {
      pause ??= ms;
      stop();
    };
    try {
      await Promise.all(source.polls(context).map((poll) => this.#keepPolling(poll, round.signal, leave).finally(stop)));
    } finally {
      signal.removeEventListener('abort', stop);
    }
    return pause;
  }

  async #keepPolling(poll: Poll, signal: AbortSignal, leave: (ms: number) => void): Promise<void> {
    const { clock, random } = this.#options;
    const isOver = (): boolean => signal.aborted;
    await clock.sleep(random() * Math.min(FIRST_SPREAD_MS, poll.everyMs), signal);
    let retry = FIRST_RETRY_MS;
    while (!isOver()) {
      const pause = this.#spent(poll);
      if (pause !== undefined) {
        leave(pause);
        return;
      }
      const started = clock.now();
      const isWell = await this.#poll(poll, signal, leave);
      if (isOver()) return;
      const usual = poll.everyMs * (1 - SPREAD + 2 * SPREAD * random());
      const wait = isWell ? usual : Math.min(usual, retry);
      retry = isWell ? FIRST_RETRY_MS : Math.min(2 * retry, LONGEST_RETRY_MS);
      await clock.sleep(Math.max(0, started + wait - clock.now()), signal);
    }
  }

  /** How long the source must rest because the month's requests are used up. */
  #spent(poll: Poll): number | undefined {
    const { source, memory, clock, logger } = this.#options;
    const { callsPerMonth } = source.terms;
    const now = clock.now();
    if (callsPerMonth === undefined || memory.calls(now) + poll.calls <= callsPerMonth) return undefined;
    if (this.#state !== 'spent') {
      logger.warn(`${source.title} rests until the month is over: its ${callsPerMonth} requests are used up`);
      this.#become('spent', `off: the month's ${callsPerMonth} requests are used up`);
    }
    return nextMonth(now) - now;
  }

  async #poll(poll: Poll, signal: AbortSignal, leave: (ms: number) => void): Promise<boolean> {
    const { source, context, clock, metrics, memory, publish } = this.#options;
    const answer = await poll.run(signal).then(
      (observations) => ({ observations }),
      (error: unknown) => ({ error }),
    );
    if ('error' in answer) {
      if (!signal.aborted) this.#failed(poll, answer.error, leave);
      await publish([], memory);
      return false;
    }
    this.#succeeded(poll);
    const { rows, refused } = newValues(source, context.assets, answer.observations, memory, clock.now());
    for (const { reason } of refused) metrics.refused.inc({ provider: source.id, reason });
    await publish(rows, memory);
    metrics.values.inc({ provider: source.id }, rows.length);
    for (const { series, availableAt } of rows) this.#newest.set(series, availableAt);
    return true;
  }

  #failed(poll: Poll, thrown: unknown, leave: (ms: number) => void): void {
    const { source, metrics, logger } = this.#options;
    const error = asError(thrown, source.title);
    metrics.failures.inc({ provider: source.id, code: error.code });
    if (error.code === 'TRB_HTTP_FORBIDDEN') {
      if (!this.#isRefused) logger.warn({ code: error.code }, `${source.title} is off for a day: ${describeError(error)}`);
      this.#isRefused = true;
      this.#become('blocked', `off: ${error.message}`);
      leave(DAY);
      return;
    }
    if (this.#failing.has(poll.name)) return;
    this.#failing.add(poll.name);
    const unexpected = error.code === 'TRB_CONTEXT_SOURCE' ? { err: thrown } : {};
    logger.warn({ ...unexpected, code: error.code }, `${source.title} gives no ${poll.name}: ${describeError(error)}`);
    this.#options.changed();
  }

  #succeeded(poll: Poll): void {
    const { source, logger } = this.#options;
    const wasFailing = this.#failing.delete(poll.name);
    if (wasFailing || this.#isRefused) logger.info(`${source.title} gives ${poll.name} again`);
    this.#isRefused = false;
    if (this.#state !== 'on') this.#become('on', 'on');
    else if (wasFailing) this.#options.changed();
  }

  #become(state: SourceState, detail: string): void {
    this.#state = state;
    this.#detail = detail;
    this.#options.changed();
  }
}

/** A source may throw what it likes; what it throws has a code, and an answer of another shape has the client's. */
function asError(thrown: unknown, title: string): TributaryError {
  if (thrown instanceof TributaryError) return thrown;
  if (thrown instanceof z.ZodError) {
    const first = thrown.issues[0];
    const where = first === undefined ? '' : ` At ${first.path.join('.') || 'the top'}: ${first.message}`;
    return new TributaryError('TRB_HTTP_SHAPE', `${title} answered in a form that is not known.${where}`, { cause: thrown });
  }
  return new TributaryError('TRB_CONTEXT_SOURCE', `${title} cannot be read: ${messageOf(thrown)}`, { cause: thrown });
}
