/** Which models are asked at a decision time: those of the slots whose bundle can be loaded and whose features are all live. */
import { type WallClock } from '#libs/clock/clock.ts';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { type FeatureSchema } from '#libs/features/schema.ts';
import { createScorer, type Scorer } from '#libs/models/scorer.ts';
import { type Bundle } from '#libs/models/bundle.ts';
import { type External } from '#libs/models/external/external.ts';
import { createExternalScorer } from '#libs/models/external/external-scorer.ts';
import { createOnnxPredictor } from '#libs/models/external/onnx-predictor.ts';
import { openModel } from '#libs/models/signature.ts';
import { type Trust } from '#libs/registry/operator-key.ts';
import { type ModelRegistry, type SlotName } from '#libs/registry/registry.ts';
import { keyOf } from '#libs/registry/thresholds.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { type ModelSlot, type ThresholdShift } from '#libs/wire/tributary/v1/models.ts';
import { type ServingModel } from './decide.ts';
import { createGrpcPredictor } from './grpc-predictor.ts';
import { MAX_LAGS } from './window.ts';

/** Scorers kept; a slot's bundle that is asked for again after it fell out is loaded again. */
const MAX_LOADED = 48;

export class ServingModels {
  readonly #registry: ModelRegistry;
  readonly #schema: FeatureSchema;
  readonly #trust: Trust;
  readonly #logger: Logger;
  readonly #clock: WallClock;
  readonly #refused: (slot: string) => void;
  /** By bundle id; undefined = refused. */
  readonly #scorers = new Map<string, Scorer | undefined>();
  readonly #moved = new WeakMap<ModelSlot, Scorer>();

  /** `refused` hears of each bundle that cannot serve, once. */
  constructor(
    registry: ModelRegistry,
    schema: FeatureSchema,
    trust: Trust,
    { logger, clock }: Pick<ServiceContext, 'logger' | 'clock'>,
    refused: (slot: string) => void,
  ) {
    this.#registry = registry;
    this.#schema = schema;
    this.#trust = trust;
    this.#logger = logger;
    this.#clock = clock;
    this.#refused = refused;
  }

  /** Models at `t`, milliseconds, in the order in which they decide, a challenger last; each bundle once. */
  async at(t: number): Promise<readonly ServingModel[]> {
    const models: ServingModel[] = [];
    for (const record of this.#registry.heldAt(t)) {
      const scorer = this.#scorer(record);
      if (scorer === undefined || models.some((known) => known.scorer.bundleId === scorer.bundleId)) continue;
      if (await this.#opens(record, scorer))
        models.push({ scorer: this.#tuned(record, scorer), slot: record.slot as SlotName, share: record.share });
    }
    return models;
  }

  /** What each slot holds, or will from its time on, where it can serve. */
  held(): readonly ServingModel[] {
    return this.#registry.slots().flatMap((record) => {
      const scorer = this.#scorer(record);
      return scorer === undefined ? [] : [{ scorer, slot: record.slot as SlotName, share: record.share }];
    });
  }

  /** With its thresholds where the record says. */
  #tuned(record: ModelSlot, scorer: Scorer): Scorer {
    if (record.thresholds.length === 0) return scorer;
    let tuned = this.#moved.get(record);
    if (tuned === undefined) this.#moved.set(record, (tuned = withThresholds(scorer, record.thresholds)));
    return tuned;
  }

  /** Loads what the slots hold before it is needed. */
  preload(): void {
    for (const record of this.#registry.slots()) this.#scorer(record);
  }

  /** Whether any slot holds a bundle that can decide, now or later. */
  get isReady(): boolean {
    return this.#registry.slots().some((record) => record.slot !== 'challenger' && this.#scorer(record) !== undefined);
  }

  #scorer(record: ModelSlot): Scorer | undefined {
    if (this.#scorers.has(record.bundleId)) return this.#scorers.get(record.bundleId);
    const scorer = this.#load(record);
    this.#scorers.set(record.bundleId, scorer);
    if (this.#scorers.size > MAX_LOADED) {
      const oldest = this.#scorers.keys().next().value!;
      void this.#scorers.get(oldest)?.close();
      this.#scorers.delete(oldest);
    }
    return scorer;
  }

  /** Opens the networks; a bundle whose networks do not open is refused. */
  async #opens(record: ModelSlot, scorer: Scorer): Promise<boolean> {
    try {
      await scorer.open();
      return true;
    } catch (thrown) {
      this.#scorers.set(record.bundleId, undefined);
      this.#logger.error({ slot: record.slot, bundle: record.bundleId }, `bundle refused: ${describeError(thrown)}`);
      this.#refused(record.slot);
      return false;
    }
  }

  #load(record: ModelSlot): Scorer | undefined {
    try {
      const model = openModel(record.bundle, this.#trust());
      if (model.id !== record.bundleId) {
        throw new TributaryError('TRB_BUNDLE_ID', `The record is of bundle ${record.bundleId} and holds ${model.id}.`);
      }
      const scorer = this.#scorerOf(model);
      if (scorer.lags > MAX_LAGS) {
        throw new TributaryError('TRB_BUNDLE_INVALID', `The bundle reads ${scorer.lags} earlier vectors; ${MAX_LAGS} are kept.`);
      }
      this.#logger.info({ slot: record.slot, bundle: record.bundleId, effectiveT: record.effectiveT }, 'bundle loaded');
      return scorer;
    } catch (thrown) {
      this.#logger.error({ slot: record.slot, bundle: record.bundleId }, `bundle refused: ${describeError(thrown)}`);
      this.#refused(record.slot);
      return undefined;
    }
  }

  #scorerOf(model: Bundle | External): Scorer {
    const { columns, id } = this.#schema;
    if (!('kind' in model)) return createScorer(model, columns);
    const predictor = model.asks.kind === 'onnx' ? createOnnxPredictor(model) : createGrpcPredictor(model, id);
    return createExternalScorer(model, columns, predictor, this.#clock);
  }
}

/** A head that training silenced stays silent. */
function withThresholds(scorer: Scorer, shifts: readonly ThresholdShift[]): Scorer {
  const moved = new Map(shifts.map((shift) => [keyOf(shift), shift.by]));
  return {
    ...scorer,
    score(venue, instrument, horizon, window, opinions) {
      const score = scorer.score(venue, instrument, horizon, window, opinions);
      const by = moved.get(keyOf({ venue, instrument, horizon })) ?? 0;
      return score === undefined || score.threshold > 1 ? score : { ...score, threshold: score.threshold + by };
    },
  };
}
