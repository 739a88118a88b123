/** One decision: what a vector and a model make of one horizon. Pure. Whatever stands in the way of a signal is said in its abstention. */
import { BLOCKING } from '#libs/features/quality.ts';
import { costBps } from '#libs/market/fees.ts';
import { type Horizon, HORIZON_MS } from '#libs/market/horizon.ts';
import { type NetworkOpinions, type Score, type Scorer } from '#libs/models/scorer.ts';
import { type SlotName } from '#libs/registry/registry.ts';
import { isServed } from '#libs/registry/share.ts';
import { type Source } from '#libs/service/service.ts';
import { type FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Direction, PriceKind, type Signal } from '#libs/wire/tributary/v1/signals.ts';

export const ABSTAIN_REASONS = [
  /** No bundle serves this venue, instrument and horizon at t. */
  'no_model',
  /** Those that could were trained too long ago. */
  'model_stale',
  /** Those that could gave no answer. */
  'model_failed',
  /** The vector came so late that a newer one must exist; in the fast lane, that its horizon is over. */
  'stale',
  /** In the fast lane: the horizon is shorter than tick to signal takes here, at the 99th percentile. */
  'too_slow',
  /** The vector is of another schema than the one that is live. */
  'feature_missing',
  /** Fewer vectors in a row than the model reads. */
  'warm_up',
  /** A bit of BLOCKING is set in the vector's quality. */
  'quality',
  /** The vector lies further from the training data than nearly all before it did. */
  'unfamiliar',
  /** The head has shown no edge on earlier data. */
  'silenced',
  'below_threshold',
] as const;
export type AbstainReason = (typeof ABSTAIN_REASONS)[number];

/** A bundle that scores, and the slot that it serves from. */
export interface ServingModel {
  readonly scorer: Scorer;
  readonly slot: SlotName;
  /** Of a challenger: the share of the decisions that it serves. */
  readonly share: number;
}

/** A model with what it needs to be asked about one vector. */
export interface Consulted extends ServingModel {
  /** Newest last, as many as the model reads; undefined = not enough. */
  readonly window: readonly (readonly number[])[] | undefined;
  /** What its networks say; undefined = it has none, or was not asked. */
  readonly opinions: NetworkOpinions | undefined;
  readonly isStale: boolean;
  /** It was asked and did not answer. */
  readonly hasFailed: boolean;
}

export interface DecisionInput {
  readonly vector: FeatureVector;
  readonly horizon: Horizon;
  readonly model: Consulted | undefined;
  /** The model does not decide here: what it says is kept for comparison. */
  readonly isShadow: boolean;
  /** Schema of the features that are live. */
  readonly schemaId: string;
  readonly isStale: boolean;
  readonly isTooSlow: boolean;
  /** Milliseconds. */
  readonly publishedAt: number;
  readonly source: Source;
}

const KIND = { entry: PriceKind.PRICE_KIND_ENTRY, close: PriceKind.PRICE_KIND_CLOSE, mid: PriceKind.PRICE_KIND_MID } as const;

export function decide(input: DecisionInput): Signal {
  const { vector, horizon, model, publishedAt } = input;
  const score = scoreOf(input);
  const reason = reasonOf(input, score);
  return {
    asset: vector.asset,
    venue: vector.venue,
    instrument: vector.instrument,
    horizon,
    t: vector.t,
    lane: vector.lane,
    direction: reason === undefined && score !== undefined ? directionOf(score) : Direction.DIRECTION_ABSTAIN,
    probabilityUp: score?.probabilityUp ?? 0.5,
    // 0 = no model was asked.
    confidence: score?.confidence ?? 0,
    threshold: score?.threshold ?? 0,
    referencePrice: vector.lane === 'fast' ? (vector.bid + vector.ask) / 2 : vector.lastPrice,
    referenceKind: KIND[model?.scorer.target ?? 'entry'],
    costBps: costBps(vector.venue, vector.bid, vector.ask),
    quality: vector.quality,
    abstainReason: reason ?? '',
    bundleId: model?.scorer.bundleId ?? '',
    slot: model?.slot ?? '',
    publishedAt,
    // A move of seconds is foreseen up to an instant: what publishing takes is no longer a part of it.
    validUntil: (vector.lane === 'fast' ? vector.t : publishedAt) + HORIZON_MS[horizon],
    source: input.source,
    shadow: input.isShadow,
    unfamiliarity: score?.unfamiliarity ?? 0,
  };
}

/** What a model is asked with. */
type Asked = Pick<DecisionInput, 'vector' | 'horizon' | 'model' | 'schemaId'>;

/**
 * Who decides on a horizon: the challenger where it can and its share says so; else the first model in order that has a head for it, was trained
 * lately and answered; where there is none, the first with a head, which says why not.
 */
export function deciderOf(models: readonly Consulted[], asked: Omit<Asked, 'model'>): Consulted | undefined {
  const { vector, horizon } = asked;
  const { venue, instrument } = vector;
  const challenger = models.find(({ slot }) => slot === 'challenger');
  if (challenger !== undefined && takesPart(challenger, asked)) return challenger;
  const able = models.filter(({ scorer, slot }) => slot !== 'challenger' && scorer.covers(venue, instrument, horizon));
  return (
    able.find(({ isStale, hasFailed }) => !isStale && !hasFailed) ?? able[0] ?? models.find(({ slot }) => slot !== 'challenger')
  );
}

function takesPart(model: Consulted, asked: Omit<Asked, 'model'>): boolean {
  const { scorer, share, isStale } = model;
  const { venue, instrument } = asked.vector;
  if (share === 0 || isStale || !scorer.covers(venue, instrument, asked.horizon)) return false;
  const score = scoreOf({ ...asked, model });
  return score !== undefined && isServed(scorer.bundleId, instrument, score.confidence, share);
}

/** Exactly one half counts as down. */
export function directionOf(score: Score): Direction {
  if (score.confidence < score.threshold || score.unfamiliarity > 1) return Direction.DIRECTION_ABSTAIN;
  return score.probabilityUp > 0.5 ? Direction.DIRECTION_UP : Direction.DIRECTION_DOWN;
}

/** Asked even where it must abstain, so that accuracy at full coverage is known. */
function scoreOf({ vector, horizon, model, schemaId }: Asked): Score | undefined {
  if (model?.window === undefined || model.hasFailed || vector.schemaId !== schemaId) return undefined;
  return model.scorer.score(vector.venue, vector.instrument, horizon, model.window, model.opinions);
}

function reasonOf(input: DecisionInput, score: Score | undefined): AbstainReason | undefined {
  const { vector, model, horizon, schemaId } = input;
  if (model === undefined) return 'no_model';
  if (input.isStale) return 'stale';
  if (input.isTooSlow) return 'too_slow';
  if (vector.schemaId !== schemaId) return 'feature_missing';
  if (!model.scorer.covers(vector.venue, vector.instrument, horizon)) return 'no_model';
  if (model.window === undefined) return 'warm_up';
  if (model.isStale) return 'model_stale';
  if (score === undefined) return 'model_failed';
  if ((vector.quality & BLOCKING) !== 0) return 'quality';
  if (score.unfamiliarity > 1) return 'unfamiliar';
  if (score.threshold > 1) return 'silenced';
  return score.confidence < score.threshold ? 'below_threshold' : undefined;
}
