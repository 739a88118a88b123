/**
 * Rollout: watches what comes of the decisions and changes the slots of the slow lane, with who and why, as libs/registry/rollout.ts says.
 *
 * One member of group `rollout` acts: it holds the only partition of `models`, and writes there in transactions of that office, so that who
 * has lost it is refused. It keeps no state: a start reads the outcomes that the log still has.
 */
import { z } from 'zod';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { openModel } from '#libs/models/signature.ts';
import { type Trust } from '#libs/registry/operator-key.ts';
import { type Append, ModelRegistry } from '#libs/registry/registry.ts';
import { DEFAULT_ROLLOUT, type Held, Rollout, type Step, type Watched, WATCHED } from '#libs/registry/rollout.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { type ModelSlot } from '#libs/wire/tributary/v1/models.ts';
import { Outcome } from '#libs/wire/tributary/v1/signals.ts';
import { rolloutMetrics, type RolloutMetrics } from './metrics.ts';

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
  const settings = rolloutOptionsSchema.parse(given);
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
        const holder = new Holder(
          context,
          new Rollout(settings),
          trust,
          metrics,
          committed,
          AbortSignal.any([stop, office.signal]),
        );
        working = holder.run().catch(fail);
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
  readonly #rollout: Rollout;
  readonly #trust: Trust;
  readonly #metrics: RolloutMetrics;
  readonly #signal: AbortSignal;
  /** By bundle: ends of their training data, milliseconds. */
  readonly #trainedTo = new Map<string, number>();
  /** The office's offset: every step of whoever holds it is one further. */
  #steps: number;
  /** Time of the newest outcome, milliseconds. */
  #time = 0;
  #isStepping = false;
  #registry!: ModelRegistry;

  constructor(
    context: ServiceContext,
    rollout: Rollout,
    trust: Trust,
    metrics: RolloutMetrics,
    steps: number,
    signal: AbortSignal,
  ) {
    this.#context = context;
    this.#rollout = rollout;
    this.#trust = trust;
    this.#metrics = metrics;
    this.#steps = steps;
    this.#signal = signal;
  }

  /** Works until the office is lost. */
  async run(): Promise<void> {
    const { log, health, clock } = this.#context;
    const failed = new AbortController();
    const ending = AbortSignal.any([this.#signal, failed.signal]);
    const fail = (error: unknown): void => failed.abort(error);
    this.#registry = await ModelRegistry.open(log, ending, fail, 'slow', this.#append);
    this.#hold();
    this.#registry.onChange(() => this.#hold());
    const readers: (() => Promise<void>)[] = [];
    for (const topic of OUTCOME_TOPICS) {
      for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
        // What there is first, from all partitions, before anything is judged.
        let next = (await log.bounds(topic, partition)).begin;
        for await (const { records } of log.read(topic, partition, { signal: ending })) {
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
    this.#rollout.add(outcome);
    this.#time = Math.max(this.#time, outcome.resolvedAt);
  }

  #hold(): void {
    this.#rollout.hold(Object.fromEntries(WATCHED.map((slot) => [slot, this.#held(slot)])));
  }

  #held(name: Watched): Held {
    const record = this.#registry.slot(name);
    const since = this.#registry.since(name);
    if (record === undefined) return { bundleId: '', since, share: 0, pinned: false, trainedTo: Infinity };
    const { bundleId, share, pinned } = record;
    return { bundleId, since, share, pinned, trainedTo: this.#ageOf(record) };
  }

  /** A bundle that does not load never decides: there is nothing to be judged by age. */
  #ageOf({ bundleId, bundle }: ModelSlot): number {
    let trainedTo = this.#trainedTo.get(bundleId);
    if (trainedTo !== undefined) return trainedTo;
    try {
      const model = openModel(bundle, this.#trust());
      trainedTo = 'trained' in model ? model.trained.to : Infinity;
    } catch (thrown) {
      this.#context.logger.warn({ bundle: bundleId }, `not judged by age: ${describeError(thrown)}`);
      trainedTo = Infinity;
    }
    this.#trainedTo.set(bundleId, trainedTo);
    return trainedTo;
  }

  /** Takes the steps that are due, one at a time: the next is asked for when the slots hold what the last one led to. */
  async #advance(): Promise<void> {
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (
        let [seen, step] = [-1, undefined as Step | undefined];
        (step !== undefined || seen < this.#time) && !this.#signal.aborted;
      ) {
        seen = this.#time;
        const now = this.#now();
        step = this.#rollout.step(seen, now);
        this.#metrics.show(this.#rollout, this.#registry.slot('challenger'));
        if (step !== undefined) await this.#take(step, now);
        this.#metrics.time.set(seen / 1_000);
      }
    } finally {
      this.#isStepping = false;
    }
  }

  async #take(step: Step, now: number): Promise<void> {
    const change = { actor: 'rollout', reason: step.reason, now };
    const record = await this.#carryOut(step, change);
    this.#metrics.stepped(step);
    if (step.action === 'rollback') this.#metrics.rollback.set(Math.max(0, record.effectiveT - this.#time) / 1_000);
    this.#context.logger.warn(
      { slot: record.slot, bundle: record.bundleId, effectiveT: record.effectiveT },
      `${step.action}: ${step.reason}`,
    );
    await new Promise<void>((resolve) => {
      const isThere = (): boolean => this.#signal.aborted || this.#registry.since(record.slot as Watched) >= record.effectiveT;
      const forget = this.#registry.onChange(() => {
        if (!isThere()) return;
        forget();
        resolve();
      });
      this.#signal.addEventListener('abort', () => resolve(), { once: true });
      if (isThere()) resolve();
    });
  }

  #carryOut(step: Step, change: { actor: string; reason: string; now: number }): Promise<ModelSlot> {
    if (step.action === 'serve') return this.#registry.serve(change, step.share);
    if (step.action === 'clear') return this.#registry.clear(change, step.slot);
    if (step.action === 'promote') return this.#registry.promote(change);
    if (step.action === 'tune') return this.#registry.tune(change, step.head, step.by);
    // What has shown itself to be bad need not go on in the shadow: the slot is free for what is trained next.
    return this.#registry.rollback(change, true);
  }

  /** Of a replay, whose times are not ours, that of the newest outcome. */
  #now(): number {
    return this.#context.source === 'replay' ? this.#time : this.#context.clock.now();
  }
}

function isLost(reason: unknown): boolean {
  return reason instanceof TributaryError && reason.code === 'TRB_LOG_FENCED';
}
