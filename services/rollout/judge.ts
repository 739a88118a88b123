/** What judges one lane: its slots, what came of its decisions, and the step that follows. */
import { describeError } from '#libs/errors/errors.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { openModel } from '#libs/models/signature.ts';
import { type Trust } from '#libs/registry/operator-key.ts';
import { type Append, ModelRegistry } from '#libs/registry/registry.ts';
import { type Held, Rollout, type RolloutOptions, type Step, type Watched, WATCHED } from '#libs/registry/rollout.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { type ModelSlot } from '#libs/wire/tributary/v1/models.ts';
import { type Outcome } from '#libs/wire/tributary/v1/signals.ts';
import { type RolloutMetrics } from './metrics.ts';

export interface JudgeOptions {
  readonly rollout: RolloutOptions;
  readonly trust: Trust;
  readonly append: Append;
  readonly metrics: RolloutMetrics;
}

export class Judge {
  readonly #logger: ServiceContext['logger'];
  readonly #registry: ModelRegistry;
  readonly #rollout: Rollout;
  readonly #trust: Trust;
  readonly #metrics: RolloutMetrics;
  readonly #signal: AbortSignal;
  /** By bundle: ends of their training data, milliseconds. */
  readonly #trainedTo = new Map<string, number>();

  private constructor(
    { logger }: ServiceContext,
    registry: ModelRegistry,
    { rollout, trust, metrics }: JudgeOptions,
    signal: AbortSignal,
  ) {
    this.#logger = logger;
    this.#registry = registry;
    this.#rollout = new Rollout(rollout, registry.lane);
    this.#trust = trust;
    this.#metrics = metrics;
    this.#signal = signal;
    this.#hold();
    registry.onChange(() => this.#hold());
  }

  /** Follows the slots of the lane until `signal` aborts; `failed` hears why that ended early. */
  static async open(
    context: ServiceContext,
    lane: Lane,
    options: JudgeOptions,
    signal: AbortSignal,
    failed: (error: unknown) => void,
  ): Promise<Judge> {
    const registry = await ModelRegistry.open(context.log, signal, failed, lane, options.append);
    return new Judge(context, registry, options, signal);
  }

  /**
   * What came earlier is of no bundle that is judged now, milliseconds: none decides before its training data end. The fallback, which may be old, is
   * judged where it decides.
   */
  get since(): number {
    const judged = this.#registry.slot('champion') === undefined ? WATCHED : (['champion', 'challenger'] as const);
    const held = judged.flatMap((slot) => this.#registry.slot(slot) ?? []).map((record) => this.#endOfTraining(record));
    return Math.min(...held.map((end) => (end === Infinity ? -Infinity : end)));
  }

  /** Outcomes of other lanes are passed over. */
  add(outcome: Outcome): void {
    this.#rollout.add(outcome);
  }

  /**
   * Takes the step that is due, if one is, and waits until the slots hold what it led to. `seen`: time up to which outcomes were taken; `now`: ours,
   * milliseconds.
   */
  async advance(seen: number, now: number): Promise<boolean> {
    const step = this.#rollout.step(seen, now);
    this.#metrics.show(this.#registry.lane, this.#rollout, this.#registry.slot('challenger'));
    if (step !== undefined) await this.#take(step, seen, now);
    return step !== undefined;
  }

  async #take(step: Step, seen: number, now: number): Promise<void> {
    const { lane } = this.#registry;
    const record = await this.#carryOut(step, { actor: 'rollout', reason: step.reason, now });
    this.#metrics.stepped(lane, step);
    if (step.action === 'rollback') this.#metrics.rollback.set(Math.max(0, record.effectiveT - seen) / 1_000);
    this.#logger.warn(
      { lane, slot: record.slot, bundle: record.bundleId, effectiveT: record.effectiveT },
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

  #hold(): void {
    this.#rollout.hold(Object.fromEntries(WATCHED.map((slot) => [slot, this.#held(slot)])));
  }

  #held(name: Watched): Held {
    const record = this.#registry.slot(name);
    const since = this.#registry.since(name);
    if (record === undefined) return { bundleId: '', since, share: 0, pinned: false, trainedTo: Infinity };
    const { bundleId, share, pinned } = record;
    return { bundleId, since, share, pinned, trainedTo: this.#endOfTraining(record) };
  }

  /** A bundle that does not load never decides: there is nothing to be judged by age. */
  #endOfTraining({ bundleId, bundle }: ModelSlot): number {
    let trainedTo = this.#trainedTo.get(bundleId);
    if (trainedTo !== undefined) return trainedTo;
    try {
      const model = openModel(bundle, this.#trust());
      trainedTo = 'trained' in model ? model.trained.to : Infinity;
    } catch (thrown) {
      this.#logger.warn({ bundle: bundleId }, `not judged by age: ${describeError(thrown)}`);
      trainedTo = Infinity;
    }
    this.#trainedTo.set(bundleId, trainedTo);
    return trainedTo;
  }
}
