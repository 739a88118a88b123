/** What one instrument at one venue leaves in the log a day: records by topic, as the wire's own encoders make them. */
import { fastSchema } from '#libs/features/fast/catalogue.ts';
import { featureSchema } from '#libs/features/catalogue.ts';
import { type Topic, TOPIC_SETTINGS } from '#libs/log/topics.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Side, Tick } from '#libs/wire/tributary/v1/market.ts';
import { Direction, Outcome, OutcomeStatus, Signal } from '#libs/wire/tributary/v1/signals.ts';

export interface Weight {
  readonly name: string;
  readonly topic: Topic;
  readonly lane: Lane;
  /** Records a second. */
  readonly rate: number;
  /** Of one record. */
  readonly bytes: number;
}

/** Of a busy market, a second. */
const TRADES = 2;
const QUOTES = 5;
const SLICES = 10;
/** As many as there can be: a vector each 250 ms. */
const FAST_VECTORS = 4;
/** Horizons at which a head may speak. */
const SLOW_HEADS = 3;
const FAST_HEADS = 2;
/** Slots asked beside the one that decides: challenger and fallback. */
const SHADOWS = 2;

const T = Date.UTC(2026, 0, 5);
const LEVELS = Array.from({ length: 20 }, (_, i) => 60_000.5 + i);

const TRADE = { tradeId: 1e9, price: 60_000.5, size: 0.012_5, aggressor: Side.SIDE_BUY, repaired: false };
const QUOTE = { bid: 60_000.5, bidSize: 0.5, ask: 60_000.6, askSize: 0.5 };
const SLICE = {
  ...{ bidPrices: LEVELS, bidSizes: LEVELS, askPrices: LEVELS, askSizes: LEVELS, orderFlow: [0.1, 0.2, 0.3, 0.4, 0.5] },
  ...{ bidValue10bps: 1e6, askValue10bps: 1e6, bidValue50bps: 1e7, askValue50bps: 1e7, updates: 12 },
};

export function weights(): readonly Weight[] {
  const published = signal();
  const shadow = { ...published, slot: 'challenger', shadow: true };
  const of = (lane: Lane, decisions: number): Weight[] => [
    { name: 'decisions', topic: 'signals', lane, rate: decisions, bytes: Signal.encode(published).finish().length },
    { name: 'their outcomes', topic: 'outcomes', lane, rate: decisions, bytes: outcome(published).length },
    { name: 'shadows', topic: 'shadow', lane, rate: SHADOWS * decisions, bytes: Signal.encode(shadow).finish().length },
    {
      name: 'their outcomes',
      topic: 'shadow-outcomes',
      lane,
      rate: SHADOWS * decisions,
      bytes: outcome(shadow, published).length,
    },
  ];
  return [
    { name: 'trades', topic: 'ticks', lane: 'slow', rate: TRADES, bytes: tick({ $case: 'trade', value: TRADE }) },
    { name: 'best quotes', topic: 'ticks', lane: 'slow', rate: QUOTES, bytes: tick({ $case: 'quote', value: QUOTE }) },
    { name: 'book slices', topic: 'ticks', lane: 'slow', rate: SLICES, bytes: tick({ $case: 'book', value: SLICE }) },
    { name: 'vectors', topic: 'features', lane: 'slow', rate: 1 / 60, bytes: vector(featureSchema().columns.length) },
    ...of('slow', SLOW_HEADS / 60),
    { name: 'vectors', topic: 'features', lane: 'fast', rate: FAST_VECTORS, bytes: vector(fastSchema().columns.length) },
    ...of('fast', FAST_VECTORS * FAST_HEADS),
  ];
}

/** GB a day. */
export function daily({ rate, bytes }: Weight): number {
  return (rate * bytes * 86_400) / 1e9;
}

/** GB that one copy of the log holds when the oldest record goes. */
export function kept(weight: Weight): number {
  return daily(weight) * ((TOPIC_SETTINGS[weight.topic].retentionMs ?? 0) / 86_400_000);
}

function tick(event: NonNullable<Tick['event']>): number {
  const times = { exchangeTime: T * 1_000, receiveTime: T * 1_000, sequence: 1e9 };
  return Tick.encode({ asset: 'BTC', venue: 'coinbase', instrument: 'BTC-USD', ...times, event }).finish().length;
}

function vector(columns: number): number {
  const vector = FeatureVector.fromPartial({
    ...{ asset: 'BTC', venue: 'coinbase', instrument: 'BTC-USD', t: T, lane: 'slow', schemaId: '0'.repeat(16) },
    ...{
      values: Array.from({ length: columns }, () => 0.5),
      lastPrice: 60_000.5,
      lastPriceAge: 250,
      bid: 60_000.5,
      ask: 60_000.6,
    },
    sourceOffset: 1e9,
  });
  return FeatureVector.encode(vector).finish().length;
}

function signal(): Signal {
  return Signal.fromPartial({
    ...{
      asset: 'BTC',
      venue: 'coinbase',
      instrument: 'BTC-USD',
      horizon: '1m',
      lane: 'slow',
      t: T,
      publishedAt: T,
      validUntil: T,
    },
    ...{
      probabilityUp: 0.61,
      confidence: 0.61,
      threshold: 0.6,
      direction: Direction.DIRECTION_UP,
      referencePrice: 60_000.5,
      costBps: 61.5,
    },
    ...{ bundleId: '0'.repeat(64), slot: 'champion', source: 'live', unfamiliarity: 0.4 },
  });
}

function outcome(of: Signal, published?: Signal): Uint8Array {
  const come = {
    status: OutcomeStatus.OUTCOME_STATUS_UP,
    voidReason: '',
    entryPrice: 60_000.5,
    exitPrice: 60_001,
    logReturn: 8e-6,
    resolvedAt: T,
  };
  return Outcome.encode({ ...come, signal: of, published }).finish();
}
