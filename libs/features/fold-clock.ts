/** Time: each whole minute that a clock completes closes the bars, advances what is kept by minute, and makes the vectors. */
import { type FeatureVector } from '../wire/tributary/v1/features.ts';
import { type Clock } from '../wire/tributary/v1/market.ts';
import { addMinute, closeMinute, endsBefore, MINUTE } from './bars.ts';
import { featureSchema } from './catalogue.ts';
import { applyContext, contextHealth } from './context.ts';
import { endSecond } from './flow.ts';
import { createFollowing, follow } from './leader-seconds.ts';
import { ASSET_PLACES, BAR_PLACES, INSTRUMENT_PLACES, WIDTH } from './layout.ts';
import { advanceConsensus, advanceLeg } from './legs.ts';
import { BLOCKING, feedBits, isSilent, QUALITY } from './quality.ts';
import { applyReferences, trailReferences } from './references.ts';
import { storedValues } from './schema.ts';
import { advanceSeconds, createSeconds } from './seconds.ts';
import { type AssetState, type FoldState, type InstrumentState } from './state.ts';
import { type View } from './view.ts';

/** After a longer hole trailing windows mean nothing: instruments begin anew. */
const LONGEST_HOLE = 86_400_000;
const LONGEST_WINDOW = 361;

type Emit = (vector: FeatureVector) => void;

export function foldClock(state: FoldState, clock: Clock, offset: number, emit: Emit): void {
  const { t, writerEpoch } = clock;
  if (!(t > 0) || writerEpoch < state.epoch || t <= state.t) {
    state.counts.clocksDropped++;
    return;
  }
  state.epoch = writerEpoch;
  if (t - state.t > LONGEST_HOLE) forget(state);
  state.t = t;
  applyReferences(state.references, t);
  applyContext(state.context, t);
  endSeconds(state, t);
  const newest = t - (t % MINUTE);
  // The first clock closes nothing unless it stands at a minute's end: what came before may be a part of a minute.
  let minute = Number.isNaN(state.minute) ? (newest === t ? newest : newest + MINUTE) : state.minute + MINUTE;
  if (Number.isNaN(state.minute) && newest !== t) state.minute = newest;
  for (; minute <= newest; minute += MINUTE) {
    endMinute(state, minute, offset, emit);
    state.minute = minute;
  }
}

function endSeconds(state: FoldState, t: number): void {
  for (const asset of state.assets.values()) {
    for (const instrument of asset.instruments) {
      const { flow, bid, ask, seconds } = instrument;
      const mid = bid > 0 ? (bid + ask) / 2 : NaN;
      if (flow !== undefined && !endSecond(flow, t, mid)) instrument.flow = undefined;
      if (bid > 0 || seconds.count > 0) advanceSeconds(seconds, t, Math.log(mid));
    }
    for (const instrument of asset.instruments) {
      if (instrument.isTarget && instrument.seconds.count > 1)
        follow((instrument.following ??= createFollowing()), asset, instrument, t);
    }
  }
  for (const [key, { series, value }] of state.references) {
    if (series !== 'BTC-USD') continue;
    let seconds = state.coinSeconds.get(key);
    if (seconds === undefined) state.coinSeconds.set(key, (seconds = createSeconds()));
    advanceSeconds(seconds, t, Math.log(value));
  }
}

/** Begins anew, as at a cold start. Context values say themselves until when they may serve: a hole takes nothing from them. */
function forget(state: FoldState): void {
  state.assets.clear();
  state.references.clear();
  state.coinSeconds.clear();
  state.minute = NaN;
}

function endMinute(state: FoldState, minute: number, offset: number, emit: Emit): void {
  trailReferences(state.references);
  const { isOld, age } = contextHealth(state.context, minute);
  state.contextIsOld = isOld;
  state.contextAge = age;
  for (const asset of state.assets.values()) {
    advanceAsset(state, asset, minute);
    for (const instrument of asset.instruments) {
      if (instrument.isTarget && !Number.isNaN(instrument.minute.close))
        emit(makeVector(state, asset, instrument, minute, offset));
    }
  }
}

function advanceAsset(state: FoldState, asset: AssetState, minute: number): void {
  asset.minutes++;
  asset.quality = asset.minutes < LONGEST_WINDOW ? QUALITY.WARMING : 0;
  if (state.t - minute >= 2000) asset.quality |= QUALITY.CLOCK_HOLE;
  for (const instrument of asset.instruments) {
    const { feed, leg } = instrument;
    closeMinute(instrument, minute);
    feed.isMasked = isSilent(feed, state.t) || !feed.isHealthy || !feed.isTradable;
    advanceLeg(instrument, state.references, minute);
    if (feed.isMasked) asset.quality |= QUALITY.LEG_MASKED;
    if (leg.conversion.old) asset.quality |= QUALITY.RATE_OLD;
    if (leg.conversion.depegged) asset.quality |= QUALITY.DEPEG;
  }
  advanceConsensus(asset);
  const instrument = asset.lead ?? asset.instruments[0];
  if (instrument === undefined) return;
  const view = viewOf(state, asset, instrument, minute);
  asset.values.fill(NaN);
  ASSET_PLACES.forEach(({ block, at }, index) => block.write(asset.blocks[index], view, asset.values, at));
}

function viewOf(
  { references, coinSeconds, context }: FoldState,
  asset: AssetState,
  instrument: InstrumentState,
  t: number,
): View {
  return { t, asset, instrument, references, coinSeconds, context };
}

const values = new Float64Array(WIDTH);

function makeVector(
  state: FoldState,
  asset: AssetState,
  instrument: InstrumentState,
  minute: number,
  offset: number,
): FeatureVector {
  values.set(asset.values);
  writeBars(instrument);
  const view = viewOf(state, asset, instrument, minute);
  for (let i = 0; i < INSTRUMENT_PLACES.length; i++) {
    const { block, at } = INSTRUMENT_PLACES[i]!;
    block.write(instrument.minuteBlocks[i], view, values, at);
  }
  const quality = asset.quality | ownQuality(state, instrument, minute);
  const { late } = instrument;
  instrument.late = 0;
  state.counts.vectors++;
  if ((quality & BLOCKING) !== 0) state.counts.masked++;
  return {
    asset: asset.asset,
    venue: instrument.venue,
    instrument: instrument.name,
    t: minute,
    lane: 'slow',
    schemaId: featureSchema().id,
    values: storedValues(values),
    quality,
    lastPrice: instrument.lastPrice,
    lastPriceAge: Math.max(0, Math.round(minute - instrument.lastPriceTime)),
    bid: instrument.bid,
    ask: instrument.ask,
    lateEvents: late,
    sourceOffset: offset,
    contextAge: state.contextAge,
  };
}

function writeBars(instrument: InstrumentState): void {
  const { bars, minute, barBlocks } = instrument;
  if (Number.isNaN(minute.close)) return;
  for (let i = 0; i < bars.length; i++) {
    const timeframe = bars[i]!;
    const places = BAR_PLACES[i]!;
    const states = barBlocks[i]!;
    if (timeframe.isWhole && endsBefore(timeframe, i, minute.start)) {
      for (let k = 0; k < places.length; k++) places[k]!.block.closed(states[k], timeframe.bar);
    }
    addMinute(timeframe, i, minute);
    if (!timeframe.isWhole) continue;
    for (let k = 0; k < places.length; k++) places[k]!.block.write(states[k], timeframe.bar, values, places[k]!.at);
  }
}

function ownQuality(state: FoldState, instrument: InstrumentState, minute: number): number {
  let bits = feedBits(instrument.feed, state.t, minute);
  if (instrument.stale > 30) bits |= QUALITY.STALE_PRICE;
  if (instrument.late > 0) bits |= QUALITY.LATE_EVENTS;
  if (state.contextIsOld) bits |= QUALITY.CONTEXT_OLD;
  return bits;
}
