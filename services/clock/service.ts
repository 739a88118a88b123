/**
 * The clock: time in the log advances by its events only. One writer at a time puts a whole second into every partition of `ticks`,
 * into all of them in one transaction, no second twice and none backwards.
 *
 * The writer is the member of group `clock` that holds the only partition of `models`. It reads nothing there: the partition stands
 * for the office, and its committed offset is the next second that may be written. Who takes the office over learns that second, and
 * from then on whatever its predecessor still tries to write is refused (`TRB_LOG_FENCED`). A standby waits in the group.
 */
import { z } from 'zod';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { ClockWriter, OFFICE } from './writer.ts';

/** Waits before the office is sought again after the log was away, ms: the first, doubled each time up to the longest. */
const FIRST_DELAY = 200;
const LONGEST_DELAY = 3_000;
/** After this long in or near the office the next wait is a first one again, ms. */
const STEADY = 10_000;

const Options = z.object({
  intervalMs: z
    .int()
    .min(1000)
    .multipleOf(1000)
    .default(1000)
    .describe('Time between two clock events, ms, in whole seconds. Default 1,000'),
});

export interface ClockOptions extends z.input<typeof Options> {
  /** Venues' clocks minus ours, microseconds, as ingest last measured it; undefined = not known. */
  readonly skew?: () => number | undefined;
}

/** Writes the clock, or stands by, until `signal` aborts. Errors: `TRB_CLOCK_OPTIONS`, and of the log what waiting cannot mend. */
export async function runClock(context: ServiceContext, options: ClockOptions, signal: AbortSignal): Promise<void> {
  const parsed = Options.safeParse({ intervalMs: options.intervalMs });
  if (!parsed.success) throw new TributaryError('TRB_CLOCK_OPTIONS', `Options of the clock: ${z.prettifyError(parsed.error)}`);
  const writer = new ClockWriter(context, parsed.data.intervalMs, options.skew ?? (() => undefined));
  let delay = FIRST_DELAY;
  while (!signal.aborted) {
    const since = context.clock.now();
    try {
      await standForOffice(context, writer, signal);
    } catch (error) {
      if (!isPassing(error)) throw error;
      const reason = describeError(error);
      context.logger.warn(`the clock stands by: ${reason}`);
      context.health.set('clock', { ready: false, detail: reason });
      if (context.clock.now() - since > STEADY) delay = FIRST_DELAY;
      await context.clock.sleep(delay, signal);
      delay = Math.min(2 * delay, LONGEST_DELAY);
    }
  }
}

/** Waits for the office and writes while it lasts; throws what ended the writing. */
async function standForOffice(context: ServiceContext, writer: ClockWriter, signal: AbortSignal): Promise<void> {
  const ending = new AbortController();
  const stop = AbortSignal.any([signal, ending.signal]);
  let office = new AbortController();
  let writing: Promise<void> = Promise.resolve();
  context.health.set('clock', { ready: true, detail: 'standby' });
  await context.log.consume({
    group: OFFICE.group,
    topics: [OFFICE.topic],
    start: async (topic, partition, nextSecond) => {
      office = new AbortController();
      writing = writer.run(nextSecond ?? 0, AbortSignal.any([stop, office.signal])).finally(() => ending.abort());
      writing.catch(() => undefined);
      return (await context.log.bounds(topic, partition)).end;
    },
    handle: () => Promise.resolve(),
    revoked: () => office.abort(),
    signal: stop,
  });
  await writing;
}

function isPassing(error: unknown): boolean {
  return error instanceof TributaryError && (error.canRetry || error.code === 'TRB_LOG_FENCED');
}
