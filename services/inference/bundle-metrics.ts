/** What training said of the bundles in the slots, as gauges: figures that stand in a bundle and that live ones are held against. */
import { type Registry } from 'prom-client';
import { type Lane } from '#libs/market/horizon.ts';
import { serviceMetrics } from '#libs/telemetry/metrics.ts';
import { type ServingModel } from './decide.ts';

const HEAD = ['slot', 'lane', 'venue', 'instrument', 'horizon'] as const;

const RATIOS = {
  accuracy: ['bundle_accuracy_ratio', 'Out of fold: moves on whose right side a head was, spoken or not.'],
  emittedAccuracy: ['bundle_emitted_accuracy_ratio', 'Out of fold: of the moves on which a head would have spoken.'],
  emittedCoverage: ['bundle_emitted_coverage_ratio', 'Out of fold: share of the moves on which a head would have spoken.'],
} as const;
type Ratio = keyof typeof RATIOS;

export class BundleMetrics {
  readonly #trainedUntil;
  readonly #heads;
  readonly #rows;
  readonly #ratios;
  readonly #held = new Map<Lane, readonly ServingModel[]>();
  #shown = '';

  constructor(registry: Registry) {
    const metrics = serviceMetrics(registry, 'inference');
    this.#trainedUntil = metrics.gauge('bundle_trained_until_timestamp_seconds', 'End of what it was trained on.', [
      'slot',
      'lane',
    ]);
    this.#heads = metrics.gauge('bundle_heads', 'Heads of the bundle in a slot, by whether they may speak.', [
      'slot',
      'lane',
      'state',
    ]);
    this.#rows = metrics.gauge('bundle_trained_rows', 'Moves that a head was trained on.', HEAD);
    this.#ratios = (Object.keys(RATIOS) as Ratio[]).map((ratio) => {
      const [name, help] = RATIOS[ratio];
      return [ratio, metrics.gauge(name, help, HEAD)] as const;
    });
  }

  show(lane: Lane, held: readonly ServingModel[]): void {
    this.#held.set(lane, held);
    const shown = [...this.#held]
      .map(([of, models]) => [of, ...models.map(({ slot, scorer }) => `${slot} ${scorer.bundleId}`)])
      .join();
    if (shown === this.#shown) return;
    this.#shown = shown;
    // A head that the next bundle lacks would stand there for ever.
    for (const gauge of [this.#trainedUntil, this.#heads, this.#rows, ...this.#ratios.map(([, each]) => each)]) gauge.reset();
    for (const [of, models] of this.#held) for (const model of models) this.#show(of, model);
  }

  #show(lane: Lane, { slot, scorer }: ServingModel): void {
    const { trainedTo, heads } = scorer;
    if (Number.isFinite(trainedTo)) this.#trainedUntil.set({ slot, lane }, trainedTo / 1000);
    const silenced = heads.filter((head) => head.silenced !== '').length;
    this.#heads.set({ slot, lane, state: 'silenced' }, silenced);
    this.#heads.set({ slot, lane, state: 'speaking' }, heads.length - silenced);
    for (const { venue, instrument, horizon, metrics } of heads) {
      const labels = { slot, lane, venue, instrument, horizon };
      this.#rows.set(labels, metrics.trained);
      for (const [ratio, gauge] of this.#ratios) {
        const value = metrics[ratio];
        if (value !== null) gauge.set(labels, value);
      }
    }
  }
}
