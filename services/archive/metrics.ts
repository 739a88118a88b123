/** What archive shows to Prometheus. */
import { type Registry } from 'prom-client';
import { serviceMetrics } from '#libs/telemetry/metrics.ts';

export function archiveMetrics(registry: Registry) {
  const metrics = serviceMetrics(registry, 'archive');
  return {
    rows: metrics.counter('rows_total', 'Rows inserted and committed.', ['topic']),
    lag: metrics.gauge('lag_records', 'Records of the partition that are not archived.', ['topic', 'partition']),
    insertSeconds: metrics.histogram(
      'insert_seconds',
      'Time of one insert, retries included.',
      [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60],
      ['topic'],
    ),
    retries: metrics.counter('retries_total', 'Inserts that the store could not take and that were tried again.'),
    deadLetters: metrics.counter('dead_letters_total', 'Records that could not be read.', ['topic']),
  };
}
