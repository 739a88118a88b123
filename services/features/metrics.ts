/** What the feature service tells Prometheus. */
import { type Counter, type Gauge, type Histogram, type Registry } from 'prom-client';
import { QUALITY } from '#libs/features/quality.ts';
import { type FoldCounts } from '#libs/features/state.ts';
import { serviceMetrics } from '#libs/telemetry/metrics.ts';
import { type FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { MissingValues } from './missing.ts';

export class FeatureMetrics {
  readonly #counters: Readonly<Record<keyof FoldCounts, Counter>>;
  readonly #lag: Gauge<'partition'>;
  readonly #made: Counter<'instrument' | 'lane'>;
  readonly #flagged: Counter<'quality' | 'instrument' | 'lane'>;
  readonly #missing = new MissingValues();
  readonly deadLetters: Counter;
  readonly batchSeconds: Histogram;
  readonly historySeconds: Gauge;

  constructor(registry: Registry) {
    const metrics = serviceMetrics(registry, 'features');
    this.#counters = {
      events: metrics.counter('events_total', 'Events folded'),
      vectors: metrics.counter('vectors_total', 'Vectors made by the slow lane'),
      repeats: metrics.counter('repeated_events_total', 'Events dropped as repeats'),
      late: metrics.counter('late_events_total', 'Events stamped before the newest vector'),
      clocksDropped: metrics.counter('dropped_clocks_total', 'Clocks of a fenced writer, or running backwards'),
      malformed: metrics.counter('malformed_events_total', 'Events with impossible prices or sizes'),
      masked: metrics.counter('masked_vectors_total', 'Vectors no decision can be made on'),
    };
    this.#made = metrics.counter('instrument_vectors_total', 'Vectors made, by instrument', ['instrument', 'lane']);
    this.#flagged = metrics.counter('flagged_vectors_total', 'Vectors with a bit of quality set', [
      'quality',
      'instrument',
      'lane',
    ]);
    metrics.gauge(
      'missing_ratio',
      'Share of a feature that is missing in the newest vectors',
      ['feature', 'instrument'],
      (gauge) => {
        for (const { feature, instrument, ratio } of this.#missing.ratios()) gauge.set({ feature, instrument }, ratio);
      },
    );
    this.#lag = metrics.gauge('lag_records', 'Records of ticks not yet folded', ['partition']);
    this.deadLetters = metrics.counter('dead_letters_total', 'Records that could not be read');
    this.batchSeconds = metrics.histogram('batch_seconds', 'Time to fold one batch', [0.001, 0.005, 0.02, 0.1, 0.5, 2]);
    this.historySeconds = metrics.gauge('history_fold_seconds', 'Time the history took to fold at start');
  }

  counted(before: FoldCounts, after: FoldCounts): void {
    for (const name of Object.keys(this.#counters) as (keyof FoldCounts)[]) {
      const more = after[name] - before[name];
      if (more > 0) this.#counters[name].inc(more);
    }
  }

  made(vector: FeatureVector): void {
    const { lane } = vector;
    if (lane === 'slow') this.#missing.add(vector);
    const instrument = this.#missing.labelOf(vector);
    this.#made.inc({ instrument, lane });
    for (const [name, bit] of Object.entries(QUALITY))
      if ((vector.quality & bit) !== 0) this.#flagged.inc({ quality: name.toLowerCase(), instrument, lane });
  }

  lag(partition: number, records: number): void {
    this.#lag.set({ partition: String(partition) }, records);
  }

  forget(partition: number): void {
    this.#lag.remove({ partition: String(partition) });
  }
}
