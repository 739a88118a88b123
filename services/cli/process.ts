/** The edge of a process: signals of the system, the log's adapter, the clock and the metrics, handed to a service that knows only ports. */
import { setMaxListeners } from 'node:events';
import { systemClock } from '#libs/clock/clock.ts';
import { describeError } from '#libs/errors/errors.ts';
import { openKafkaLog } from '#libs/log/kafka.ts';
import { observeLog } from '#libs/log/kafka/metrics.ts';
import { type ServiceContext, type Source } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger, type Logger } from '#libs/telemetry/logger.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { openSpanExport, type SpanExport } from '#libs/telemetry/otlp.ts';
import { serveWhile } from '#libs/telemetry/server.ts';
import { Trail } from '#libs/telemetry/trail.ts';
import { type KafkaChoice, toKafkaOptions } from './kafka.ts';

/** What `serviceOptions` parse to. */
export interface ServiceOptions extends KafkaChoice {
  readonly sessionTimeoutMs: number;
  readonly source: Source;
  readonly metricsPort: number;
  readonly metricsHost: string;
  readonly logLevel: string;
  readonly traces?: string;
}

/** Milliseconds a service has to drain before the process ends without it. */
const DRAIN_MS = 10_000;

/**
 * Aborts on SIGINT and SIGTERM; a second one, or ten seconds, ends the process at once.
 * The returned signal goes down the whole tree.
 */
export function untilStopped(): AbortSignal {
  const stopping = new AbortController();
  // Every part of the tree listens: that is no leak.
  setMaxListeners(0, stopping.signal);
  const stop = (): void => {
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort();
    setTimeout(() => {
      const left = process.getActiveResourcesInfo().join(', ');
      process.stderr.write(`error: not everything stopped within ${DRAIN_MS / 1000} s; still there: ${left} [TRB_DRAIN]\n`);
      process.exit(1);
    }, DRAIN_MS).unref();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return stopping.signal;
}

/** Where spans go that a process makes under this name; undefined = nowhere. */
export function tracesTo(url: string | undefined, name: string, source: Source, logger: Logger): SpanExport | undefined {
  return url === undefined ? undefined : openSpanExport({ url, resource: { 'service.name': name, source }, logger });
}

/** Runs one service alone on Kafka until the process is told to stop. */
export async function runAlone(
  name: string,
  options: ServiceOptions,
  run: (context: ServiceContext, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const signal = untilStopped();
  const logger = createLogger({ level: options.logLevel, source: options.source }).child({ service: name });
  signal.addEventListener('abort', () => logger.info('draining'));
  const metrics = createMetrics({ source: options.source });
  const health = new Health();
  health.set(name, { ready: false, detail: 'starting' });
  const { sessionTimeoutMs } = options;
  const observer = observeLog(metrics, logger);
  const log = await openKafkaLog({ ...toKafkaOptions(options), clientId: `tributary-${name}`, sessionTimeoutMs, observer });
  const spans = tracesTo(options.traces, `tributary-${name}`, options.source, logger);
  const trail = Trail.open(logger, spans);
  const context: ServiceContext = { log, clock: systemClock, logger, metrics, health, source: options.source, trail };
  try {
    const server = {
      port: options.metricsPort,
      host: options.metricsHost,
      metrics,
      health,
      listening: (url: string) => logger.info({ url }, 'metrics'),
    };
    await serveWhile(server, signal, () => run(context, signal));
  } catch (thrown) {
    logger.error({ err: thrown }, describeError(thrown));
    throw thrown;
  } finally {
    await log.close();
    await spans?.close();
    logger.info('stopped');
  }
}
