/** Keeps the parts of the one-process shape running: a part that fails starts again after a growing pause, and says so. */
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { type ServiceContext } from '#libs/service/service.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A part that ran this long before it failed starts again with the first pause. */
const STEADY_MS = 60_000;

/**
 * Runs `run` again and again until `signal` aborts. An error that trying again cannot mend (a `TributaryError` without `canRetry`)
 * rejects: the whole process has to stop and say so. Anything else is an accident and is retried.
 */
export async function supervise(
  part: string,
  context: ServiceContext,
  run: (context: ServiceContext, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const logger = context.logger.child({ service: part });
  let pause = FIRST_PAUSE_MS;
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    const startedAt = context.clock.now();
    try {
      await run({ ...context, logger }, signal);
      return;
    } catch (thrown) {
      if (isOver()) return;
      if (thrown instanceof TributaryError && !thrown.canRetry) throw thrown;
      context.health.set(part, { ready: false, detail: describeError(thrown) });
      if (context.clock.now() - startedAt > STEADY_MS) pause = FIRST_PAUSE_MS;
      logger.error({ err: thrown, restartInMs: pause }, `${part} failed: ${describeError(thrown)}`);
      await context.clock.sleep(pause, signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }
}
