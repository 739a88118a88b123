/** Time: each whole minute that a clock completes closes the bars, advances what is kept by minute, and makes the vectors. */
import { type FeatureVector } from '../wire/tributary/v1/features.ts';
import { type Clock } from '../wire/tributary/v1/market.ts';
import { addMinute, closeMinute, endsBefore, MINUTE } from './bars.ts';
import { featureSchema } from './catalogue.ts';
import { applyContext, contextHealth } from './context.ts';
import { endSecond } from './flow.ts';
import { ASSET_PLACES, BAR_PLACES, INSTRUMENT_PLACES, WIDTH } from './layout.ts';
import { advanceConsensus, advanceLeg, isDollar } from './legs.ts';
import { BLOCKING, QUALITY } from './quality.ts';
import { applyReferences, trailReferences } from './references.ts';
import { type AssetState, type FoldState, type InstrumentState } from './state.ts';
import { type View } from './view.ts';

const HEARTBEAT_LIMIT = 3_000;
const SKEW_LIMIT = 250;
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
  for (const { instruments } of state.assets.values()) {
    for (const instrument of instruments) {
      const { flow, bid, ask } = instrument;
      if (flow !== undefined && !endSecond(flow, t, bid > 0 ? (bid + ask) / 2 : NaN)) instrument.flow = undefined;
    }
  }
}

/** Begins anew, as at a cold start. Context values say themselves until when they may serve: a hole takes nothing from them. */
function forget(state: FoldState): void {
  state.assets.clear();
  state.references.clear();
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
    feed.isMasked = isSilent(instrument, state.t) || !feed.isHealthy || !feed.isTradable;
    advanceLeg(instrument, state.references, minute);
    if (feed.isMasked) asset.quality |= QUALITY.LEG_MASKED;
    if (isDollar(instrument.quote) && leg.conversion.old) asset.quality |= QUALITY.RATE_OLD;
    if (leg.conversion.depegged) asset.quality |= QUALITY.DEPEG;
  }
  advanceConsensus(asset);
  const instrument = asset.lead ?? asset.instruments[0];
  if (instrument === undefined) return;
  const view: View = { t: minute, asset, instrument, references: state.references, context: state.context };
  asset.values.fill(NaN);
  ASSET_PLACES.forEach(({ block, at }, index) => block.write(asset.blocks[index], view, asset.values, at));
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
  const view: View = { t: minute, asset, instrument, references: state.references, context: state.context };
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
    values: rounded(values),
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
  const { feed } = instrument;
  let bits = 0;
  if (isSilent(instrument, state.t)) bits |= QUALITY.STALE_FEED;
  if (!feed.isHealthy) bits |= QUALITY.UNHEALTHY;
  if (minute - feed.gapAt < MINUTE) bits |= QUALITY.GAP;
  if (!feed.isTradable) bits |= QUALITY.NOT_TRADABLE;
  if (instrument.stale > 30) bits |= QUALITY.STALE_PRICE;
  if (instrument.late > 0) bits |= QUALITY.LATE_EVENTS;
  if (Math.abs(feed.skew) > SKEW_LIMIT) bits |= QUALITY.CLOCK_SKEW;
  if (state.contextIsOld) bits |= QUALITY.CONTEXT_OLD;
  return bits;
}

/** An instrument that has had heartbeats and has none now; history has none and is not silent for it. */
function isSilent(instrument: InstrumentState, t: number): boolean {
  return t - instrument.feed.heartbeatAt > HEARTBEAT_LIMIT;
}

/** Float32, as it is stored and as models see it. */
function rounded(wide: Float64Array): number[] {
  const narrow = new Array<number>(wide.length);
  for (let i = 0; i < wide.length; i++) {
    const value = wide[i]!;
    narrow[i] = value - value === 0 ? Math.fround(value) : NaN;
  }
  return narrow;
}
