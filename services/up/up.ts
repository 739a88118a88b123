/**
 * Everything in one process, on the embedded log and the embedded ClickHouse. The order at start: the page, then the feeds, then
 * history, then what depends on it; so that a person sees at once what is going on, and the first decision comes within 90 seconds.
 */
import { setMaxListeners } from 'node:events';
import { access, constants, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemClock } from '#libs/clock/clock.ts';
import { messageOf, TributaryError } from '#libs/errors/errors.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { migrate } from '#libs/store/migrate.ts';
import { openStore } from '#libs/store/open.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { Trail } from '#libs/telemetry/trail.ts';
import { tracesTo } from '#services/cli/process.ts';
import { checkPort } from './ports.ts';
import { River, type RiverOptions } from './river.ts';
import { openSource, type SourceOptions } from './source.ts';

export interface UpOptions extends RiverOptions, SourceOptions {
  readonly logLevel: string;
  readonly traces?: string;
}

/** Assets that share the work of one process; fixed when a log is made. */
const PARTITIONS = 4;

/** With the fast lane there are many decisions a second: the log keeps them for a day, the archive for as long as ever. */
const DAY = 86_400_000;
const FAST_RETENTION = { signals: DAY, outcomes: DAY, shadow: DAY, 'shadow-outcomes': DAY };

/** Runs until `signal` aborts. Errors: `TRB_PORT_IN_USE`, `TRB_DATA_DIR`, `TRB_LOG_IN_USE`, `TRB_NO_VENUE`, and those of a part that trying again cannot mend. */
export async function up(options: UpOptions, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const running = AbortSignal.any([signal, stop.signal]);
  // Every part listens: that is no leak.
  setMaxListeners(0, running);
  // Said at once, not after the minute that history and training take.
  await checkPort(options.port, '--port');
  await checkPort(options.grpcPort, '--grpc-port');
  await makeFolder(resolve(options.dataDir));
  const market = await openSource(options, createLogger({ level: options.logLevel }), running).catch((thrown: unknown) => {
    if (!running.aborted) throw thrown;
    return undefined;
  });
  if (market === undefined) return;
  const logger = createLogger({ level: options.logLevel, source: market.kind });
  const directory = resolve(options.dataDir, market.kind);
  try {
    await makeFolder(directory);
    const retention = options.lanes.includes('fast') ? FAST_RETENTION : {};
    const log = await openEmbeddedLog({ path: join(directory, 'log'), partitions: PARTITIONS, retention });
    try {
      const store = await openStore({ path: join(directory, 'clickhouse') });
      const spans = tracesTo(options.traces, 'tributary', market.kind, logger);
      const health = new Health();
      // Before any part hears of it: they register later.
      running.addEventListener('abort', () => health.drain(), { once: true });
      const context: ServiceContext = {
        log,
        clock: systemClock,
        logger,
        metrics: createMetrics({ source: market.kind }),
        health,
        source: market.kind,
        trail: Trail.open(logger, spans),
      };
      const river = new River(options, context, store, market, directory);
      try {
        await migrate(store);
        await river.run(running);
      } finally {
        stop.abort();
        await river.drained();
        await store.close();
        await spans?.close();
      }
    } finally {
      await log.close();
    }
  } finally {
    stop.abort();
    await market.close();
  }
  logger.info('stopped; the next start goes on from here');
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
  } catch (cause) {
    throw new TributaryError('TRB_DATA_DIR', `The data directory ${path} cannot be used: ${messageOf(cause)}.`, {
      hint: 'Choose one that can be written to, with --data-dir.',
      cause,
    });
  }
}
