/**
 * Rollout: watches what comes of the decisions and changes the slots of both lanes, with who and why, as libs/registry/rollout.ts says.
 *
 * One member of group `rollout` acts: it holds the only partition of `models`, and writes there in transactions of that office, so that who
 * has lost it is refused. It keeps no state: a start reads the outcomes that the log still has, from when the oldest bundle that is judged was trained.
 */
import { setMaxListeners } from 'node:events';
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type Topic } from '#libs/log/topics.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { seekBack } from '#libs/readback/readback.ts';
import { type Trust } from '#libs/registry/operator-key.ts';
import { type Append } from '#libs/registry/registry.ts';
import { DEFAULT_ROLLOUT } from '#libs/registry/rollout.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { Outcome } from '#libs/wire/tributary/v1/signals.ts';
import { Judge, type JudgeOptions } from './judge.ts';
import { rolloutMetrics } from './metrics.ts';

export const ROLLOUT_GROUP = 'rollout';
const OFFICE = { group: ROLLOUT_GROUP, topic: 'models', partition: 0 } as const;
const OUTCOME_TOPICS = ['outcomes', 'shadow-outcomes'] as const;

const share = z.number().gt(0).lt(1);
export const rolloutOptionsSchema = z.strictObject({
  alpha: share
    .default(DEFAULT_ROLLOUT.alpha)
    .describe('most challengers promoted of those that are no better, as a share; default 0.05'),
  blockMs: z
    .number()
    .positive()
    .default(DEFAULT_ROLLOUT.blockMs)
    .describe('block of time within which outcomes may depend on each other, milliseconds; default four hours'),
  floor: share.default(DEFAULT_ROLLOUT.floor).describe('least accuracy of what is said, on moves; default 0.6'),
  floorAlpha: share
    .default(DEFAULT_ROLLOUT.floorAlpha)
    .describe('most rolled back of those that are as accurate as the floor, as a share; default 0.01'),
  maxModelAgeMs: z
    .number()
    .positive()
    .default(DEFAULT_ROLLOUT.maxModelAgeMs)
    .describe('time since the end of its training data after which a champion is rolled back, milliseconds; default 14 days'),
  aim: share.default(DEFAULT_ROLLOUT.aim).describe('accuracy that thresholds are moved towards, on moves; default 0.68'),
});

export interface RolloutServiceOptions extends z.input<typeof rolloutOptionsSchema> {
  /** Whose bundles are read. */
  readonly trust: Trust;
}

/** Age is looked at this often, whatever comes, milliseconds. */
const TICK_MS = 10_000;

/** Runs until `signal` aborts. */
export async function runRollout(context: ServiceContext, options: RolloutServiceOptions, signal: AbortSignal): Promise<void> {
  const { trust, ...given } = options;
  const rollout = rolloutOptionsSchema.parse(given);
  const metrics = rolloutMetrics(context.metrics);
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const fail = (error: unknown): void => failed.abort(error);
  let office = new AbortController();
  let working: Promise<void> = Promise.resolve();
  context.health.set('rollout', { ready: true, detail: 'standby' });
  try {
    await context.log.consume({
      group: ROLLOUT_GROUP,
      topics: [OFFICE.topic],
      start: async (topic, partition, committed = 0) => {
        office = new AbortController();
        const holding = AbortSignal.any([stop, office.signal]);
        working = new Holder(context, { rollout, trust, metrics }, committed, holding).run().catch(fail);
        return (await context.log.bounds(topic, partition)).end;
      },
      handle: () => Promise.resolve(),
      revoked: () => office.abort(),
      signal: stop,
    });
    await working;
  } finally {
    failed.abort();
    context.health.set('rollout', { ready: false, detail: 'stopped' });
  }
  if (!signal.aborted) throw failed.signal.reason;
}

/** One holder of the office at work. */
class Holder {
  readonly #context: ServiceContext;
  readonly #options: Omit<JudgeOptions, 'append'>;
  readonly #signal: AbortSignal;
  /** The office's offset: every step of whoever holds it is one further. */
  #steps: number;
  /** Time of the newest outcome, milliseconds. */
  #time = 0;
  #isStepping = false;
  #judges: readonly Judge[] = [];

  constructor(context: ServiceContext, options: Omit<JudgeOptions, 'append'>, steps: number, signal: AbortSignal) {
    this.#context = context;
    this.#options = options;
    this.#steps = steps;
    this.#signal = signal;
  }

  /** Works until the office is lost. */
  async run(): Promise<void> {
    const { log, health, clock } = this.#context;
    const failed = new AbortController();
    const ending = AbortSignal.any([this.#signal, failed.signal]);
    setMaxListeners(0, ending); // every reader listens
    const fail = (error: unknown): void => failed.abort(error);
    const options = { ...this.#options, append: this.#append };
    const open = (lane: Lane): Promise<Judge> => Judge.open(this.#context, lane, options, ending, fail);
    this.#judges = [await open('slow'), await open('fast')];
    const since = Math.min(...this.#judges.map((judge) => judge.since));
    const readers: (() => Promise<void>)[] = [];
    for (const topic of OUTCOME_TOPICS) {
      for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
        // What there is first, from all partitions, before anything is judged.
        let next = await firstSince(log, topic, partition, since);
        for await (const { records } of log.read(topic, partition, { from: next, signal: ending })) {
          for (const { value } of records) this.#add(value);
          next = records.at(-1)!.offset + 1;
        }
        readers.push(async (): Promise<void> => {
          for await (const { records } of log.read(topic, partition, { from: next, until: 'follow', signal: ending })) {
            for (const { value } of records) this.#add(value);
            await this.#advance();
          }
        });
      }
    }
    health.set('rollout', { ready: true, detail: 'judges' });
    const reading = readers.map((read) => read().catch(fail));
    while (!ending.aborted) {
      await this.#advance();
      await clock.sleep(TICK_MS, ending);
    }
    await Promise.all(reading);
    if (failed.signal.aborted && !this.#signal.aborted && !isLost(failed.signal.reason)) throw failed.signal.reason;
  }

  readonly #append: Append = async (outputs) => {
    await this.#context.log.commit({ ...OFFICE, offset: this.#steps + 1, outputs });
    this.#steps++;
  };

  #add(value: Uint8Array): void {
    const outcome = Outcome.decode(value);
    for (const judge of this.#judges) judge.add(outcome);
    this.#time = Math.max(this.#time, outcome.resolvedAt);
  }

  /** Takes the steps that are due, one at a time, of either lane: the office writes one after the other. */
  async #advance(): Promise<void> {
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let [seen, isDue] = [-1, false]; (isDue || seen < this.#time) && !this.#signal.aborted;) {
        [seen, isDue] = [this.#time, false];
        for (const judge of this.#judges) isDue = (await judge.advance(seen, this.#now())) || isDue;
        this.#options.metrics.time.set(seen / 1_000);
      }
    } finally {
      this.#isStepping = false;
    }
  }

  /** Of a replay, whose times are not ours, that of the newest outcome. */
  #now(): number {
    return this.#context.source === 'replay' ? this.#time : this.#context.clock.now();
  }
}

/** Where outcomes that were settled since then begin, milliseconds. */
async function firstSince(log: EventLog, topic: Topic, partition: number, since: number): Promise<number> {
  const { end } = await log.bounds(topic, partition);
  return seekBack(log, topic, partition, end, ({ value }) => Outcome.decode(value).resolvedAt < since);
}

function isLost(reason: unknown): boolean {
  return reason instanceof TributaryError && reason.code === 'TRB_LOG_FENCED';
}
