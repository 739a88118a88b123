/** What the adapter does by itself, as Prometheus sees it and as the log lines say it. */
import { type Registry } from 'prom-client';
import { describeError } from '../../errors/errors.ts';
import { type Logger } from '../../telemetry/logger.ts';
import { serviceMetrics } from '../../telemetry/metrics.ts';
import { type LogObserver } from './observer.ts';

export function observeLog(registry: Registry, logger: Logger): LogObserver {
  const metrics = serviceMetrics(registry, 'log');
  const rebalances = metrics.counter('rebalances_total', 'Times a consumer group gave this process its partitions.', ['group']);
  const retries = metrics.counter(
    'retries_total',
    'What the log’s adapter had to begin anew: append, read, partition or consume.',
    ['what'],
  );
  return {
    rebalanced: (group) => rebalances.inc({ group }),
    retried: (what, error) => {
      retries.inc({ what });
      logger.warn({ what }, `begun anew: ${describeError(error)}`);
    },
  };
}
