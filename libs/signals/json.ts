/**
 * A decision as JSON: what REST, SSE, `tributary signals tail --json` and the topic `signals-json` carry. The same fields as the message `Signal`
 * (docs/signals.md has both side by side).
 */
import { z } from 'zod';
import { Direction, PriceKind, type Signal } from '../wire/tributary/v1/signals.ts';

const milliseconds = z.int().describe('milliseconds since the Unix epoch');
const probability = z.number().min(0).max(1);

export const signalJson = z
  .strictObject({
    asset: z.string().describe('base asset'),
    venue: z.string(),
    symbol: z.string().describe('BASE-QUOTE; `instrument` in Protobuf'),
    horizon: z.string().describe('1m, 5m, 15m (slow lane); 1s, 2s, 5s, 10s (fast lane)'),
    t: milliseconds.describe('decision time, milliseconds since the Unix epoch'),
    lane: z.string().describe('slow or fast'),
    direction: z.enum(['up', 'down', 'abstain']),
    probability_up: probability.describe('calibrated; of a higher price at the end of the horizon, given that it moves'),
    confidence: probability.describe('max(p, 1 - p); 0 = no model was asked'),
    threshold: z.number().min(0).describe('least confidence at which this head speaks; above 1 = silenced'),
    reference_price: z.number().min(0).describe('last trade known at t, quote currency; 0 = none'),
    reference_kind: z.enum(['mid', 'entry', 'close']).describe('the price that the model was trained on'),
    cost_bps: z.number().describe('half spread plus taker fee, basis points, one way'),
    quality: z.int().min(0).describe('bits of what was wrong with the vector; 0 = nothing'),
    abstain_reason: z.string().describe('why it abstains; empty when it speaks'),
    bundle_id: z.string().describe('of the models that decided; empty = none'),
    slot: z.string().describe('the slot that the bundle served from; empty = none'),
    published_at: milliseconds,
    valid_until: milliseconds,
    source: z.enum(['live', 'sim', 'replay']),
    unfamiliarity: z.number().min(0).describe('distance from the training data; above 1 the model does not speak; 0 = not known'),
  })
  .meta({ id: 'Signal', description: 'One decision: a signal or a stated abstention. Identity: venue, symbol, horizon, t.' });

export type SignalJson = z.infer<typeof signalJson>;

const DIRECTIONS: Partial<Record<Direction, SignalJson['direction']>> = {
  [Direction.DIRECTION_UP]: 'up',
  [Direction.DIRECTION_DOWN]: 'down',
};
const KINDS: Partial<Record<PriceKind, SignalJson['reference_kind']>> = {
  [PriceKind.PRICE_KIND_MID]: 'mid',
  [PriceKind.PRICE_KIND_CLOSE]: 'close',
};

export function toJson(signal: Signal): SignalJson {
  return {
    asset: signal.asset,
    venue: signal.venue,
    symbol: signal.instrument,
    horizon: signal.horizon,
    t: signal.t,
    lane: signal.lane,
    direction: DIRECTIONS[signal.direction] ?? 'abstain',
    probability_up: signal.probabilityUp,
    confidence: signal.confidence,
    threshold: signal.threshold,
    reference_price: signal.referencePrice,
    reference_kind: KINDS[signal.referenceKind] ?? 'entry',
    cost_bps: signal.costBps,
    quality: signal.quality,
    abstain_reason: signal.abstainReason,
    bundle_id: signal.bundleId,
    slot: signal.slot,
    published_at: signal.publishedAt,
    valid_until: signal.validUntil,
    source: signal.source as SignalJson['source'],
    unfamiliarity: signal.unfamiliarity,
  };
}
