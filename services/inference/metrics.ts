/** What inference shows to Prometheus. */
import { type Registry } from 'prom-client';
import { SLOTS } from '#libs/registry/registry.ts';
import { serviceMetrics } from '#libs/telemetry/metrics.ts';
import { Direction, type Signal } from '#libs/wire/tributary/v1/signals.ts';

/** Close together up to the bounds that it has to keep: 50 ms in one process, 300 ms on Kafka. */
const LATENCY_BUCKETS = [
  ...[0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75],
  ...[1, 2.5, 5, 10, 30, 60, 120],
];
const SCORE_BUCKETS = [0.000_01, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.05];

const UNFAMILIARITY_BUCKETS = [0.25, 0.5, 0.75, 1, 1.5, 2, 4];

const DIRECTION = {
  [Direction.DIRECTION_UP]: 'up',
  [Direction.DIRECTION_DOWN]: 'down',
  [Direction.DIRECTION_ABSTAIN]: 'abstain',
  [Direction.DIRECTION_UNSPECIFIED]: 'abstain',
  [Direction.UNRECOGNIZED]: 'abstain',
} as const;

export type InferenceMetrics = ReturnType<typeof inferenceMetrics>;

export function inferenceMetrics(registry: Registry) {
  const metrics = serviceMetrics(registry, 'inference');
  const signals = metrics.counter('signals_total', 'Decisions published.', ['venue', 'horizon', 'direction', 'lane']);
  const decided = metrics.counter('decided_total', 'Decisions by the slot whose model was asked; none = no model.', [
    'slot',
    'lane',
  ]);
  const abstentions = metrics.counter('abstentions_total', 'Decisions that are no signal.', ['reason', 'lane']);
  const unfamiliarity = metrics.histogram(
    'unfamiliarity_ratio',
    'How far the vectors of decisions lie from what the model was trained on; above 1 it does not speak.',
    UNFAMILIARITY_BUCKETS,
    ['lane'],
  );
  const refused = metrics.counter(
    'bundles_refused_total',
    'Bundles that cannot serve: unreadable, or their features are not live.',
    ['slot'],
  );
  // A series that begins at its first event shows no increase: the first refusal would go unseen.
  const failed = metrics.counter('model_failures_total', 'Times that a model was asked and gave no answer.', ['slot']);
  for (const slot of SLOTS) {
    refused.inc({ slot }, 0);
    failed.inc({ slot }, 0);
  }
  return {
    /** From the decision time to the moment at which readers can see the decision. */
    latency: metrics.histogram(
      'tick_to_signal_seconds',
      'From the clock, or in the fast lane the quote, that made the vector to the published decision.',
      LATENCY_BUCKETS,
      ['lane'],
    ),
    score: metrics.histogram('score_seconds', 'Time to score one vector at every horizon.', SCORE_BUCKETS, ['lane']),
    slotSince: metrics.gauge('slot_effective_timestamp_seconds', 'From which decision time on the slot holds what it holds.', [
      'slot',
      'lane',
    ]),
    modelAge: metrics.gauge('model_age_seconds', 'Since the serving bundle of the slow lane was published.'),
    refused,
    failed,
    lag: metrics.gauge('lag_records', 'Vectors in the log that are not read yet.', ['partition']),
    unreadable: metrics.counter('unreadable_records_total', 'Records that went to dead-letter.'),
    repeated: metrics.counter('repeated_vectors_total', 'Vectors not newer than the last one of their instrument; passed over.'),
    streams: metrics.gauge('streams', 'Open StreamSignals calls.'),
    published(signal: Signal): void {
      const { venue, horizon, lane, slot, abstainReason: reason } = signal;
      // 0 = not known.
      if (signal.unfamiliarity > 0) unfamiliarity.observe({ lane }, signal.unfamiliarity);
      signals.inc({ venue, horizon, direction: DIRECTION[signal.direction], lane });
      decided.inc({ slot: slot === '' ? 'none' : slot, lane });
      if (reason !== '') abstentions.inc({ reason, lane });
    },
  };
}
