/**
 * Keeps models in use: the first one within seconds from what history there is, then a better one from deeper history in its place, then a new
 * one every day, as a challenger: the rollout decides what becomes of it. Where TensorFlow is staged, the incumbent in the fallback slot, once a
 * week. Training runs in a child process. What the operator put into a slot stays.
 */
import { join } from 'node:path';
import { describeError } from '#libs/errors/errors.ts';
import { openModel } from '#libs/models/signature.ts';
import { trustIn } from '#libs/registry/operator-key.ts';
import { ModelRegistry, type SlotName } from '#libs/registry/registry.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { type ModelSlot } from '#libs/wire/tributary/v1/models.ts';
import { isTensorflowStaged } from '#services/training/deep/tensorflow.ts';
import { trainingMetrics } from './training-metrics.ts';
import { showProgress } from './progress.ts';
import { type History } from './source.ts';
import { trainInChild } from './trainer.ts';

export interface ModelOptions {
  readonly history: History;
  /** Where the exported history and the bundles lie. */
  readonly directory: string;
  /** Of the operator: signs what is trained, and says which bundle still loads. A file or the PEM itself. */
  readonly key: string;
  readonly seed: number;
  /** Every training is as quick as the first one. */
  readonly quick?: boolean;
  /** Told what goes on, for the page; empty = it streams. */
  readonly phase: (text: string) => void;
}

/** Who published what this trained. */
const ACTOR = 'up';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

type Kind = 'first' | 'regular' | 'incumbent';

/** Runs until `signal` aborts. Errors: `TRB_TRAINING` (canRetry). */
export async function keepTrained(context: ServiceContext, options: ModelOptions, signal: AbortSignal): Promise<void> {
  const { clock, health, logger } = context;
  const registry = await ModelRegistry.open(context.log, signal, (error) =>
    logger.error({ err: error }, 'models is not followed any more'),
  );
  const isFirst =
    registry.slot('champion') === undefined
      ? registry.placeOfNext(clock.now()) === 'champion'
      : usable(context, registry, 'champion', options.key) === undefined;
  if (isFirst) {
    options.phase('training the first model');
    await train(context, registry, options, 'first', championOrChallenger(registry), signal);
  }
  options.phase('');
  health.set('models', { ready: true });
  const hasTensorflow = isTensorflowStaged();
  if (!hasTensorflow)
    logger.info('no incumbent for the fallback slot: `node scripts/stage-tensorflow.js` makes its training possible');
  const keepIncumbent = async (): Promise<void> => {
    const held = registry.slot('fallback');
    const loads = held !== undefined && usable(context, registry, 'fallback', options.key) !== undefined;
    if (!hasTensorflow || !isIncumbentDue(held, loads, clock.now(), registry.since('fallback'))) return;
    try {
      await train(context, registry, options, 'incumbent', 'fallback', signal);
    } catch (thrown) {
      // What decides is not to wait for it.
      logger.warn(`no new incumbent: ${describeError(thrown)}`);
    }
  };
  const times = (['champion', 'challenger'] as const).map((slot) => registry.slot(slot)?.time ?? 0);
  let trainedAt = Math.max(...times);
  // The first one is a stopgap: nothing is lost with it.
  if (isFirst) {
    await options.history.deepen(signal);
    await train(context, registry, options, 'regular', championOrChallenger(registry), signal);
    trainedAt = clock.now();
  }
  await keepIncumbent();
  await clock.sleep(Math.max(0, trainedAt + DAY_MS - clock.now()), signal);
  while (!signal.aborted) {
    const place = registry.placeOfNext(clock.now());
    if (place !== undefined) {
      await options.history.deepen(signal);
      await train(context, registry, options, 'regular', place, signal);
    }
    await keepIncumbent();
    // Where a challenger is being judged, the next one waits until it is.
    await clock.sleep(place === undefined ? HOUR_MS : DAY_MS, signal);
  }
}

/**
 * Whether the fallback slot, which holds `held`, gets a new incumbent; `loads`: this version can read what is there; `since`: when what it holds
 * came, or what it held went. What the rollout silenced stays silent for a week.
 */
export function isIncumbentDue(held: ModelSlot | undefined, loads: boolean, now: number, since = -Infinity): boolean {
  return held === undefined ? now - since >= WEEK_MS : held.actor === ACTOR && (!loads || now - held.time >= WEEK_MS);
}

/** What the slot holds, if it is signed by the operator and this version reads it. */
function usable({ logger }: ServiceContext, registry: ModelRegistry, slot: SlotName, key: string): ModelSlot | undefined {
  const held = registry.slot(slot);
  if (held === undefined) return undefined;
  try {
    openModel(held.bundle, trustIn(key)());
    return held;
  } catch (thrown) {
    logger.warn(`the ${slot} does not load: ${describeError(thrown)}`);
    return undefined;
  }
}

async function train(
  context: ServiceContext,
  registry: ModelRegistry,
  options: ModelOptions,
  kind: Kind,
  place: SlotName,
  signal: AbortSignal,
): Promise<void> {
  const { logger, clock } = context;
  const history = join(options.directory, 'training.csv.gz');
  const candles = await options.history.exportTo(history);
  const contextFile = join(options.directory, 'training-context.csv.gz');
  const hasContext = ((await options.history.exportContextTo?.(contextFile)) ?? 0) > 0;
  const progress = showProgress({ first: 'training', regular: 'retraining', incumbent: 'incumbent' }[kind], logger);
  const { runs, duration } = trainingMetrics(context.metrics);
  const startedAt = clock.now();
  const isIncumbent = kind === 'incumbent';
  try {
    const { bundle, bytes } = await trainInChild(
      {
        history,
        context: hasContext ? contextFile : undefined,
        out: join(options.directory, isIncumbent ? 'incumbent.json' : 'bundle.json'),
        seed: options.seed,
        key: options.key,
        quick: kind === 'first',
        models: isIncumbent ? 'incumbent' : undefined,
        onProgress: (done, total) => progress.update(done, total),
      },
      signal,
    );
    if (signal.aborted) return;
    runs.inc({ result: 'done' });
    duration.set({ kind }, (clock.now() - startedAt) / 1000);
    const speaking = bundle.heads.filter((head) => head.silenced === '').length;
    const { slot, effectiveT } = await registry.publish({
      slot: place,
      bundleId: bundle.id,
      bundle: bytes,
      actor: ACTOR,
      reason: `${isIncumbent ? 'the incumbent, trained' : `${kind} training`} on ${candles} candles`,
      now: clock.now(),
    });
    logger.info(
      {
        bundle: bundle.id,
        slot,
        heads: bundle.heads.length,
        speaking,
        seconds: Math.round((clock.now() - startedAt) / 1000),
        effectiveT,
      },
      `model ${bundle.id}: ${speaking} of ${bundle.heads.length} heads speak, the others stay silent`,
    );
  } catch (thrown) {
    if (!signal.aborted) runs.inc({ result: 'failed' });
    throw thrown;
  } finally {
    progress.stop();
  }
}

/** What the operator has pinned stays; the new one shows itself in the shadow. */
function championOrChallenger(registry: ModelRegistry): SlotName {
  return registry.slot('champion')?.pinned === true ? 'challenger' : 'champion';
}
