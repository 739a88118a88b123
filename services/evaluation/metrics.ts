/** What evaluation shows to Prometheus: outcomes as they come, and the live accuracy as gauges. */
import { type Registry } from 'prom-client';
import { serviceMetrics } from '#libs/telemetry/metrics.ts';
import { OutcomeStatus, type Outcome } from '#libs/wire/tributary/v1/signals.ts';
import { type AccuracyRow } from './accuracy.ts';
import { type SlotRow } from './slots.ts';

const STATUS = {
  [OutcomeStatus.OUTCOME_STATUS_UP]: 'up',
  [OutcomeStatus.OUTCOME_STATUS_DOWN]: 'down',
  [OutcomeStatus.OUTCOME_STATUS_FLAT]: 'flat',
} as const;

const ROW = ['venue', 'instrument', 'horizon'] as const;

const SLOT_ROW = [...ROW, 'slot'] as const;

const RATIOS = {
  accuracy: ['accuracy_ratio', 'Emitted signals that were right; flats are misses.'],
  low: ['accuracy_low_ratio', 'Lower end of the 95 % Wilson interval of the accuracy.'],
  high: ['accuracy_high_ratio', 'Upper end of the 95 % Wilson interval of the accuracy.'],
  accuracyOnMoves: ['accuracy_on_moves_ratio', 'Emitted signals that were right, where the price moved.'],
  accuracyAll: ['accuracy_full_coverage_ratio', 'All decisions on the right side, where the price moved.'],
  majority: ['majority_ratio', 'Share of the more frequent direction among the moves.'],
  coverage: ['coverage_ratio', 'Share of the decisions that spoke.'],
  flatShare: ['flat_ratio', 'Share of the decisions whose price did not move.'],
} as const;
type Ratio = keyof typeof RATIOS;

const SLOT_RATIOS = {
  accuracy: [
    'slot_accuracy_ratio',
    "Decisions of a slot's bundle on the right side, where the price moved; published or in shadow.",
  ],
  emittedAccuracy: [
    'slot_emitted_accuracy_ratio',
    'Of those that spoke, or would have, the ones that were right, where the price moved.',
  ],
  pairedAccuracy: ['slot_paired_accuracy_ratio', 'A shadow, on the moves on which the published decision had a probability too.'],
  publishedAccuracy: ['slot_published_accuracy_ratio', 'The published decisions on those same moves.'],
} as const;
type SlotRatio = keyof typeof SLOT_RATIOS;

export class EvaluationMetrics {
  readonly outcomes;
  readonly pending;
  readonly lag;
  readonly unreadable;
  readonly #ratios;
  readonly #slotRatios;
  readonly #slotMoves;
  readonly #bucketAccuracy;

  constructor(registry: Registry) {
    const metrics = serviceMetrics(registry, 'evaluation');
    this.outcomes = metrics.counter('outcomes_total', 'Decisions settled.', [...ROW, 'status']);
    this.pending = metrics.gauge('pending_decisions', 'Decisions whose horizon has not passed yet.', ['partition']);
    this.lag = metrics.gauge('lag_records', 'Ticks in the log that are not read yet.', ['partition']);
    this.unreadable = metrics.counter('unreadable_records_total', 'Records that went to dead-letter.', ['topic']);
    // A series that begins at its first event shows no increase: the first letter would go unseen.
    for (const topic of ['ticks', 'signals', 'shadow']) this.unreadable.inc({ topic }, 0);
    this.#ratios = (Object.keys(RATIOS) as Ratio[]).map((ratio) => {
      const [name, help] = RATIOS[ratio];
      return [ratio, metrics.gauge(name, help, ROW)] as const;
    });
    this.#slotRatios = (Object.keys(SLOT_RATIOS) as SlotRatio[]).map((ratio) => {
      const [name, help] = SLOT_RATIOS[ratio];
      return [ratio, metrics.gauge(name, help, SLOT_ROW)] as const;
    });
    this.#slotMoves = metrics.gauge('slot_moves', "Decisions of a slot's bundle whose price moved.", SLOT_ROW);
    this.#bucketAccuracy = metrics.gauge(
      'bucket_accuracy_ratio',
      'Decisions on the right side, by confidence, where the price moved.',
      [...ROW, 'confidence'],
    );
  }

  settled({ signal, status }: Outcome): void {
    if (signal === undefined) return;
    const { venue, instrument, horizon } = signal;
    this.outcomes.inc({ venue, instrument, horizon, status: status in STATUS ? STATUS[status as keyof typeof STATUS] : 'void' });
  }

  show(row: AccuracyRow): void {
    const labels = { venue: row.venue, instrument: row.symbol, horizon: row.horizon };
    for (const [ratio, gauge] of this.#ratios) {
      const value = row[ratio];
      if (value !== null) gauge.set(labels, value);
    }
    for (const bucket of row.buckets) {
      if (bucket.accuracy !== null) this.#bucketAccuracy.set({ ...labels, confidence: bucket.from.toFixed(2) }, bucket.accuracy);
    }
  }

  showSlots(rows: readonly SlotRow[]): void {
    for (const row of rows) {
      const labels = { venue: row.venue, instrument: row.symbol, horizon: row.horizon, slot: row.slot };
      this.#slotMoves.set(labels, row.moves);
      for (const [ratio, gauge] of this.#slotRatios) {
        const value = row[ratio];
        if (value === null) gauge.remove(labels);
        else gauge.set(labels, value);
      }
    }
  }

  /** The partition went to another member, which shows its rows now. */
  forget(rows: readonly AccuracyRow[], slots: readonly SlotRow[], partition: number): void {
    for (const { venue, symbol: instrument, horizon, slot } of slots) {
      const gauges = [this.#slotMoves, ...this.#slotRatios.map(([, gauge]) => gauge)];
      for (const gauge of gauges) gauge.remove({ venue, instrument, horizon, slot });
    }
    for (const { venue, symbol: instrument, horizon, buckets } of rows) {
      for (const [, gauge] of this.#ratios) gauge.remove({ venue, instrument, horizon });
      for (const { from } of buckets) this.#bucketAccuracy.remove({ venue, instrument, horizon, confidence: from.toFixed(2) });
    }
    this.pending.remove({ partition });
    this.lag.remove({ partition });
  }
}
