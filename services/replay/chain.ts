/**
 * The services from ticks to outcomes, and where asked for the rollout, beside each other on a log of their own, in a replay's time: whoever
 * joins two topics waits for those upstream, so what comes of a minute does not depend on how fast anybody is.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock, type WallClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type Topic } from '#libs/log/topics.ts';
import { type Horizon } from '#libs/market/horizon.ts';
import { readTail } from '#libs/readback/readback.ts';
import { type Trust } from '#libs/registry/operator-key.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { migrate } from '#libs/store/migrate.ts';
import { type Store } from '#libs/store/port.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { Outcome } from '#libs/wire/tributary/v1/signals.ts';
import { ARCHIVE_GROUP, runArchive } from '#services/archive/service.ts';
import { EVALUATION_GROUP, runEvaluation } from '#services/evaluation/service.ts';
import { FEATURES_GROUP, runFeatures } from '#services/features/service.ts';
import { INFERENCE_GROUP, runInference } from '#services/inference/service.ts';
import { runRollout, type RolloutServiceOptions } from '#services/rollout/service.ts';

export interface ChainOptions {
  /** Of the log. */
  readonly path: string;
  readonly partitions: number;
  readonly store: Store;
  readonly horizons: readonly Horizon[];
  /** First decision, milliseconds. */
  readonly from: number;
  readonly trust: Trust;
  readonly logLevel: string;
  /** Default: the system's. */
  readonly clock?: WallClock;
  /** Default: nobody changes the slots. */
  readonly rollout?: Omit<RolloutServiceOptions, 'trust'>;
}

export interface Chain {
  readonly context: ServiceContext;
  /** Ends with the services; rejects with what one of them throws. */
  readonly ended: Promise<unknown>;
  /** Aborts with the chain. */
  readonly running: AbortSignal;
  /** Resolves when everything on the log is decided and archived. `onShare` hears how much of it is settled. */
  caughtUp(onShare?: (share: number) => void): Promise<void>;
  /** Resolves when everything on the log is decided, settled and judged. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** How often the readers are asked how far they are, milliseconds. */
const POLL_MS = 100;
/** The same for who waits at every minute. */
const STEP_POLL_MS = 1;
const UPSTREAM_FIRST: readonly [string, Topic][] = [
  [FEATURES_GROUP, 'ticks'],
  [INFERENCE_GROUP, 'features'],
  [EVALUATION_GROUP, 'ticks'],
  [ARCHIVE_GROUP, 'ticks'],
  [ARCHIVE_GROUP, 'features'],
  [ARCHIVE_GROUP, 'signals'],
  [ARCHIVE_GROUP, 'outcomes'],
  [ARCHIVE_GROUP, 'shadow'],
  [ARCHIVE_GROUP, 'shadow-outcomes'],
  [ARCHIVE_GROUP, 'models'],
];

/** Runs until it is closed or `signal` aborts. */
export async function openChain(options: ChainOptions, signal: AbortSignal): Promise<Chain> {
  const { path, partitions, store, horizons, from, trust, logLevel, clock = systemClock, rollout } = options;
  const log = await openEmbeddedLog({ path, partitions, clock });
  const stop = new AbortController();
  const running = AbortSignal.any([signal, stop.signal]);
  // Every part listens: that is no leak.
  setMaxListeners(0, running);
  const context: ServiceContext = {
    log,
    clock,
    logger: createLogger({ level: logLevel, source: 'replay' }),
    metrics: createMetrics({ source: 'replay' }),
    health: new Health(),
    source: 'replay',
  };
  await migrate(store);
  const services = [
    runFeatures(context, {}, running),
    runInference(context, { trust, horizons, from }, running),
    runEvaluation(context, {}, running),
    // Large inserts are worth waiting for on the wall, however fast time passes in the log.
    runArchive({ ...context, clock: systemClock }, { store }, running),
    ...(rollout === undefined ? [] : [runRollout(context, { ...rollout, trust }, running)]),
  ];
  const ended = Promise.all(services);
  // Whoever races with it hears it; nobody else has to.
  ended.catch(() => stop.abort());
  return {
    context,
    ended,
    running,
    async caughtUp(onShare = () => undefined) {
      for (const [group, topic] of UPSTREAM_FIRST) {
        for (;;) {
          const { read, written } = await progressOf(log, group, topic);
          if (group === EVALUATION_GROUP) onShare(written === 0 ? 1 : read / written);
          if (read === written || running.aborted) break;
          await systemClock.sleep(POLL_MS, running);
        }
      }
    },
    async settled() {
      const isSettled = async (): Promise<boolean> => {
        const { read, written } = await progressOf(log, EVALUATION_GROUP, 'ticks');
        return read === written;
      };
      while (!running.aborted && !(await isSettled())) await delay(STEP_POLL_MS);
      if (rollout === undefined) return;
      const newest = await newestOutcome(log);
      while (!running.aborted && (await judgedUntil(context)) < newest) await delay(STEP_POLL_MS);
    },
    async close() {
      stop.abort();
      await Promise.allSettled(services);
      await log.close();
    },
  };
}

/** Offsets of a topic that a group has passed, and those that there are, of all partitions together. */
export async function progressOf(log: EventLog, group: string, topic: Topic): Promise<{ read: number; written: number }> {
  let read = 0;
  let written = 0;
  for (let partition = 0; partition < (await log.partitions(topic)); partition += 1) {
    const { begin, end } = await log.bounds(topic, partition);
    read += Math.min(end, (await log.committed(group, topic, partition)) ?? begin);
    written += end;
  }
  return { read, written };
}

/** When it was settled, milliseconds; 0 = there is none. */
async function newestOutcome(log: EventLog): Promise<number> {
  let newest = 0;
  for (const topic of ['outcomes', 'shadow-outcomes'] as const) {
    for (let partition = 0; partition < (await log.partitions(topic)); partition += 1) {
      const [last] = await readTail(log, topic, partition, 1);
      if (last !== undefined) newest = Math.max(newest, Outcome.decode(last.value).resolvedAt);
    }
  }
  return newest;
}

async function judgedUntil({ metrics }: ServiceContext): Promise<number> {
  const shown = await metrics.getSingleMetric('tributary_rollout_time_seconds')?.get();
  return (shown?.values[0]?.value ?? 0) * 1_000;
}
