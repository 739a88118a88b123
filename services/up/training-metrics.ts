/** How trainings of a running instance went. */
import { type Registry } from 'prom-client';
import { serviceMetrics } from '#libs/telemetry/metrics.ts';

export type TrainingMetrics = ReturnType<typeof trainingMetrics>;

export function trainingMetrics(registry: Registry) {
  const metrics = serviceMetrics(registry, 'training');
  const runs = metrics.counter('runs_total', 'Trainings that ended, by result.', ['result']);
  // A series that begins at its first event shows no increase: the first failure would go unseen.
  for (const result of ['done', 'failed']) runs.inc({ result }, 0);
  return {
    runs,
    duration: metrics.gauge('duration_seconds', 'Of the last training that was done, from its history to its bundle.', ['kind']),
  };
}
