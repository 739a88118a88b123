/**
 * Keeps a model in use: the first one within seconds from what history there is, then a better one from deeper history, then a new one
 * every day. Training runs in a child process; what it brings replaces the champion from the next minute on.
 */
import { join } from 'node:path';
import { describeError } from '#libs/errors/errors.ts';
import { openBundle } from '#libs/models/signature.ts';
import { trustIn } from '#libs/registry/operator-key.ts';
import { ModelRegistry } from '#libs/registry/registry.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { type ModelSlot } from '#libs/wire/tributary/v1/models.ts';
import { showProgress } from './progress.ts';
import { type History } from './source.ts';
import { trainInChild } from './trainer.ts';

export interface ModelOptions {
  readonly history: History;
  /** Where the exported history and the bundles lie. */
  readonly directory: string;
  /** Of the operator: signs what is trained, and says which champion still loads. A file or the PEM itself. */
  readonly key: string;
  readonly seed: number;
  /** Told what goes on, for the page; empty = it streams. */
  readonly phase: (text: string) => void;
}

const DAY_MS = 86_400_000;

/** Runs until `signal` aborts. Errors: `TRB_TRAINING` (canRetry). */
export async function keepTrained(context: ServiceContext, options: ModelOptions, signal: AbortSignal): Promise<void> {
  const { clock, health } = context;
  const registry = await ModelRegistry.open(context.log, signal, (error) =>
    context.logger.error({ err: error }, 'models is not followed any more'),
  );
  const champion = usableChampion(context, registry, options.key);
  if (champion === undefined) {
    options.phase('training the first model');
    await train(context, registry, options, true, signal);
  }
  options.phase('');
  health.set('models', { ready: true });
  if (champion !== undefined) await clock.sleep(champion.time + DAY_MS - clock.now(), signal);
  while (!signal.aborted) {
    await options.history.deepen(signal);
    await train(context, registry, options, false, signal);
    await clock.sleep(DAY_MS, signal);
  }
}

/** The champion, if it is signed by the operator and this version reads it. */
function usableChampion({ logger }: ServiceContext, registry: ModelRegistry, key: string): ModelSlot | undefined {
  const champion = registry.slot('champion');
  if (champion === undefined) return undefined;
  try {
    openBundle(champion.bundle, trustIn(key)());
    return champion;
  } catch (thrown) {
    logger.warn(`the champion does not load, a new one is trained: ${describeError(thrown)}`);
    return undefined;
  }
}

async function train(
  context: ServiceContext,
  registry: ModelRegistry,
  options: ModelOptions,
  quick: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { logger, clock } = context;
  const history = join(options.directory, 'training.csv.gz');
  const candles = await options.history.exportTo(history);
  const contextFile = join(options.directory, 'training-context.csv.gz');
  const hasContext = ((await options.history.exportContextTo?.(contextFile)) ?? 0) > 0;
  const progress = showProgress(quick ? 'training' : 'retraining', logger);
  const startedAt = clock.now();
  try {
    const { bundle, bytes } = await trainInChild(
      {
        history,
        context: hasContext ? contextFile : undefined,
        out: join(options.directory, 'bundle.json'),
        seed: options.seed,
        key: options.key,
        quick,
        onProgress: (done, total) => progress.update(done, total),
      },
      signal,
    );
    if (signal.aborted) return;
    const speaking = bundle.heads.filter((head) => head.silenced === '').length;
    const { slot, effectiveT } = await registry.publish({
      // What the operator has pinned stays; the new one shows itself in the shadow.
      slot: registry.slot('champion')?.pinned === true ? 'challenger' : 'champion',
      bundleId: bundle.id,
      bundle: bytes,
      actor: 'up',
      reason: `${quick ? 'first' : 'regular'} training on ${candles} candles`,
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
  } finally {
    progress.stop();
  }
}
