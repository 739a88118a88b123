/** Decisions of the slow lane that are made once more, from the log's vectors and the bundle that each names. A sample of them is enough. */
import { partitionOf } from '#libs/log/topics.ts';
import { SLOW_HORIZONS } from '#libs/market/horizon.ts';
import { type FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Direction, type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { directionOf } from '#services/inference/decide.ts';
import { type ServingModels } from '#services/inference/serving.ts';
import { Windows } from '#services/inference/window.ts';

/** Networks may round in another way on another machine. */
const TOLERANCE = 1e-6;
/** Reasons that follow from the score; the others say what stood in its way. */
const BY_SCORE = new Set(['', 'below_threshold', 'silenced', 'unfamiliar']);
const PARTS = 10_000;

export class SignalParity {
  readonly findings: string[] = [];
  compared = 0;
  mismatches = 0;
  skipped = 0;
  readonly #models: ServingModels;
  readonly #share: number;
  readonly #windows = new Windows();
  readonly #signals = new Map<string, Signal>();

  /** `share` of the decisions is made again: those whose key says so, so that every run takes the same. */
  constructor(models: ServingModels, share: number) {
    this.#models = models;
    this.#share = share;
  }

  /** Before its vector comes. */
  published(signal: Signal): void {
    if (signal.lane !== 'fast' && this.#isInSample(signal)) this.#signals.set(keyOf(signal, signal.horizon), signal);
  }

  /** A vector that others are read with. */
  prime(vector: FeatureVector): void {
    if (vector.lane !== 'fast') this.#windows.add(vector);
  }

  async decide(vector: FeatureVector): Promise<void> {
    if (vector.lane === 'fast' || !this.#windows.add(vector) || !this.#isInSample(vector)) return;
    for (const horizon of SLOW_HORIZONS) {
      const signal = this.#signals.get(keyOf(vector, horizon));
      if (signal !== undefined) await this.#compare(vector, signal);
    }
  }

  async #compare(vector: FeatureVector, signal: Signal): Promise<void> {
    const { venue, instrument, horizon } = signal;
    const models = await this.#models.at(vector.t);
    const scorer = models.find((model) => model.scorer.bundleId === signal.bundleId)?.scorer;
    const window = scorer === undefined ? undefined : this.#windows.ending(venue, instrument, scorer.lags);
    if (scorer === undefined || window === undefined || signal.confidence === 0) {
      this.skipped++;
      return;
    }
    const opinions = await scorer.consult(venue, instrument, window);
    const score = scorer.score(venue, instrument, horizon, window, opinions);
    this.compared++;
    const isNear = score !== undefined && Math.abs(score.probabilityUp - signal.probabilityUp) <= TOLERANCE;
    const direction = score === undefined ? undefined : directionOf({ ...score, threshold: signal.threshold });
    const wanted = signal.abstainReason === '' ? signal.direction : Direction.DIRECTION_ABSTAIN;
    if (isNear && (!BY_SCORE.has(signal.abstainReason) || direction === wanted)) return;
    this.mismatches++;
    const said = `${signal.probabilityUp} instead of ${score?.probabilityUp ?? 'nothing'}`;
    if (this.findings.length < 5) this.findings.push(`signal ${keyOf(signal, horizon)}: ${said}`);
  }

  #isInSample(each: Pick<Signal, 'venue' | 'instrument' | 't'>): boolean {
    return partitionOf(keyOf(each, ''), PARTS) < this.#share * PARTS;
  }
}

function keyOf({ venue, instrument, t }: Pick<Signal, 'venue' | 'instrument' | 't'>, horizon: string): string {
  return `${venue} ${instrument} ${horizon} ${t}`;
}
