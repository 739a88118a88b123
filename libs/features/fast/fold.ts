/**
 * The fast lane's fold: (state, event) -> (state, vectors), pure as the slow one. A quote of any of an asset's instruments whose price
 * changed makes a vector for each of the asset's targets, at most every 250 ms each, stamped with that quote's receive time.
 *
 * Deciding at every venue's changes, not at the target's alone: where others moved and the target has not yet is where it can be
 * foreseen.
 */
import { isConversionRate, parseInstrument } from '../../market/instrument.ts';
import { type FeatureVector } from '../../wire/tributary/v1/features.ts';
import { type Heartbeat, type Quote, Side, type Tick, type Trade } from '../../wire/tributary/v1/market.ts';
import { isNew, noteMissing } from '../dedupe.ts';
import { isTradable } from '../fold-market.ts';
import { feedBits } from '../quality.ts';
import { storedValues } from '../schema.ts';
import { FAST_BLOCKS, fastSchema } from './catalogue.ts';
import { fastColumns, type FastView } from './declaration.ts';
import { legOf } from './leg-block.ts';
import {
  advanceSlots,
  createFastInstrument,
  FAST_STATE_VERSION,
  type FastAsset,
  type FastInstrument,
  type FastState,
  forgetPrices,
  LEAST_SLOTS,
} from './state.ts';
import { scaleOf } from './windows.ts';

export { type FastState } from './state.ts';

export interface FastFoldOptions {
  /** Instruments that get vectors, as venue:BASE-QUOTE. Default: every one that is quoted, conversion rates apart. */
  readonly targets?: readonly string[];
}

/** Shortest time between two vectors of a target, milliseconds. */
const DECIDE_EVERY = 250;
/** A target that was not heard of for longer gets no vector: the longest horizon of the lane, milliseconds. */
const LONGEST_SILENCE = 10_000;
const SECOND = 1000;
/** Nothing traded costs as much; a price above it is a venue's mistake. */
const ABSURD_PRICE = 1e9;

const places = FAST_BLOCKS.map((block, i) => ({
  block,
  at: FAST_BLOCKS.slice(0, i).reduce((sum, earlier) => sum + fastColumns(earlier).length, 0),
}));
const values = new Float64Array(FAST_BLOCKS.reduce((sum, block) => sum + fastColumns(block).length, 0));

/** The state of one partition before its first event. */
export function createFastFold(options: FastFoldOptions = {}): FastState {
  return {
    stateVersion: FAST_STATE_VERSION,
    schemaId: fastSchema().id,
    targets: options.targets,
    clock: NaN,
    epoch: 0,
    assets: new Map(),
  };
}

/** Folds one event into the state, in place; hands each vector that it makes to `emit`. `offset` is the event's place in the log. */
export function foldFast(state: FastState, tick: Tick, offset: number, emit: (vector: FeatureVector) => void): void {
  const { event } = tick;
  if (event === undefined || event.$case === 'reference' || event.$case === 'candle') return;
  if (event.$case === 'clock') {
    const { t, writerEpoch } = event.value;
    if (writerEpoch < state.epoch || t <= state.clock) return;
    state.epoch = writerEpoch;
    state.clock = t;
    return;
  }
  // Without a clock nothing says what time it is.
  if (Number.isNaN(state.clock)) return;
  const instrument = find(state, tick);
  if (!isNew(instrument.dedupe, event.$case, tick)) return;
  const asset = state.assets.get(tick.asset)!;
  const now = timeOf(state.clock, asset.now, tick);
  asset.now = now;
  advanceSlots(asset);
  switch (event.$case) {
    case 'heartbeat':
      takeHeartbeat(state.clock, asset, instrument, event.value);
      return;
    case 'status':
      instrument.feed.isTradable = isTradable(event.value.status);
      return;
    case 'gap':
      noteMissing(instrument.dedupe, event.value.fromTradeId, event.value.toTradeId);
      instrument.feed.gapAt = state.clock;
      forgetPrices(instrument);
      return;
    case 'book':
      noteUpdate(instrument, now);
      return;
    case 'trade':
      noteUpdate(instrument, now);
      takeTrade(asset, instrument, event.value);
      return;
    case 'quote':
      noteUpdate(instrument, now);
      if (takeQuote(asset, instrument, event.value)) decide(state, asset, offset, emit);
  }
}

/** The vector of t holds what came by t: a fraction of a millisecond counts as the next. */
function timeOf(clock: number, before: number, { receiveTime }: Tick): number {
  const held = Math.min(Math.max(Math.ceil(receiveTime / 1000), clock), clock + SECOND);
  return before > held ? before : held;
}

function noteUpdate(instrument: FastInstrument, now: number): void {
  instrument.updatedAt = now;
  instrument.forming.updates++;
}

function takeHeartbeat(clock: number, { now }: FastAsset, instrument: FastInstrument, heartbeat: Heartbeat): void {
  const { feed } = instrument;
  feed.heartbeatAt = clock;
  feed.isHealthy = heartbeat.healthy;
  feed.skew = heartbeat.clockSkew / 1000;
  instrument.updatedAt = Math.max(instrument.updatedAt, Math.min(heartbeat.lastFrameTime / 1000, now));
}

/** Whether a best price changed. */
function takeQuote(asset: FastAsset, instrument: FastInstrument, quote: Quote): boolean {
  const { bid, ask, bidSize, askSize } = quote;
  if (!(bid > 0 && ask < ABSURD_PRICE && bid < ask && bidSize >= 0 && askSize >= 0)) return false;
  const isChanged = bid !== instrument.bid || ask !== instrument.ask;
  instrument.bid = bid;
  instrument.ask = ask;
  instrument.bidSize = bidSize;
  instrument.askSize = askSize;
  if (isChanged) movePrice(asset, instrument, (bid + ask) / 2);
  return isChanged;
}

function takeTrade(asset: FastAsset, instrument: FastInstrument, trade: Trade): void {
  const { price, size, aggressor, repaired } = trade;
  // One that was filled in after a gap is history by now.
  if (repaired || !(price > 0 && price < ABSURD_PRICE && size >= 0)) return;
  const sign = aggressor === Side.SIDE_BUY ? 1 : aggressor === Side.SIDE_SELL ? -1 : signOf(instrument, price);
  const { forming } = instrument;
  forming.trades++;
  forming.signs += sign;
  forming.value += price * size;
  forming.signedValue += sign * price * size;
  instrument.tradePrice = price;
  instrument.tradedAt = asset.now;
  if (instrument.bid === 0) movePrice(asset, instrument, price);
}

/** Side of the aggressor by the quote, between the quotes by the trade before (Lee and Ready 1991). */
function signOf({ bid, ask, tradePrice }: FastInstrument, price: number): number {
  if (bid > 0 && price >= ask) return 1;
  if (bid > 0 && price <= bid) return -1;
  return tradePrice === 0 ? 0 : Math.sign(price - tradePrice);
}

function movePrice(asset: FastAsset, instrument: FastInstrument, price: number): void {
  const log = Math.log(price);
  if (log === instrument.log) return;
  instrument.jump = Number.isNaN(instrument.log) ? 0 : log - instrument.log;
  instrument.jumpedAt = asset.now;
  instrument.log = log;
  for (let i = 0; i < asset.instruments.length; i++) instrument.marks[i] = asset.instruments[i]!.log;
}

function decide(state: FastState, asset: FastAsset, offset: number, emit: (vector: FeatureVector) => void): void {
  const { now } = asset;
  for (const target of asset.instruments) {
    if (!target.isTarget || target.bid === 0 || now - target.decidedAt < DECIDE_EVERY) continue;
    if (now - target.updatedAt > LONGEST_SILENCE || target.logs[1]!.count < LEAST_SLOTS) continue;
    target.decidedAt = now;
    emit(makeVector(state, asset, target, offset));
  }
}

function makeVector(state: FastState, asset: FastAsset, target: FastInstrument, offset: number): FeatureVector {
  const { now } = asset;
  const view: FastView = { now, clock: state.clock, asset, target, scale: scaleOf(target) };
  values.fill(NaN);
  for (let i = 0; i < places.length; i++) places[i]!.block.write(view, values, places[i]!.at);
  return {
    asset: asset.asset,
    venue: target.venue,
    instrument: target.name,
    t: now,
    lane: 'fast',
    schemaId: fastSchema().id,
    values: storedValues(values),
    quality: feedBits(target.feed, state.clock, now),
    lastPrice: target.tradePrice,
    lastPriceAge: target.tradePrice === 0 ? 0 : now - target.tradedAt,
    bid: target.bid,
    ask: target.ask,
    lateEvents: 0,
    sourceOffset: offset,
    contextAge: -1,
  };
}

function find(state: FastState, tick: Tick): FastInstrument {
  let asset = state.assets.get(tick.asset);
  if (asset === undefined) {
    asset = { asset: tick.asset, venues: new Map(), instruments: [], now: NaN, slot: NaN };
    state.assets.set(tick.asset, asset);
  }
  return asset.venues.get(tick.venue)?.get(tick.instrument) ?? addInstrument(state, asset, tick);
}

function addInstrument(state: FastState, asset: FastAsset, { venue, instrument: name }: Tick): FastInstrument {
  const parsed = parseInstrument(name);
  const created = createFastInstrument({
    asset: asset.asset,
    venue,
    name,
    isTarget: state.targets === undefined ? !isConversionRate(parsed) : state.targets.includes(`${venue}:${name}`),
    leg: legOf(venue, parsed.quote),
    place: asset.instruments.length,
  });
  asset.instruments.push(created);
  const instruments = asset.venues.get(venue) ?? new Map<string, FastInstrument>();
  instruments.set(name, created);
  asset.venues.set(venue, instruments);
  return created;
}
