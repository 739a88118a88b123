/** What one venue says of one instrument, folded into that instrument's state. */
import { isConversionRate, parseInstrument } from '../market/instrument.ts';
import { type Candle, type FeedGap, type Quote, type Tick, type Trade, TradingStatus } from '../wire/tributary/v1/market.ts';
import { addTrade, createTimeframeBars, emptyBar, MINUTE, typicalValue } from './bars.ts';
import { createDedupe, isNew, noteMissing } from './dedupe.ts';
import { createFlow, flowBook, flowTrade } from './flow.ts';
import { ASSET_PLACES, BAR_PLACES, INSTRUMENT_PLACES, WIDTH } from './layout.ts';
import { createLeg } from './legs.ts';
import { createSeconds } from './seconds.ts';
import { type AssetState, type FoldState, type InstrumentState } from './state.ts';

/** Nothing traded costs as much; a price above it is a venue's mistake. */
const ABSURD_PRICE = 1e9;
const ABSURD_SIZE = 1e13;

export function foldMarket(state: FoldState, tick: Tick): void {
  const instrument = find(state, tick);
  const { event } = tick;
  if (event === undefined || event.$case === 'clock' || event.$case === 'reference') return;
  if (!isNew(instrument.dedupe, event.$case, tick)) {
    state.counts.repeats++;
    return;
  }
  switch (event.$case) {
    case 'trade':
      noteLate(state, instrument, tick);
      foldTrade(state, instrument, tick, event.value);
      return;
    case 'candle':
      foldCandle(state, instrument, event.value);
      return;
    case 'quote':
      noteLate(state, instrument, tick);
      foldQuote(state, instrument, event.value);
      return;
    case 'book':
      noteLate(state, instrument, tick);
      if (instrument.isTarget) flowBook((instrument.flow ??= createFlow()), event.value);
      return;
    case 'heartbeat':
      instrument.feed.heartbeatAt = Number.isNaN(state.t) ? -Infinity : state.t;
      instrument.feed.isHealthy = event.value.healthy;
      instrument.feed.skew = event.value.clockSkew / 1000;
      return;
    case 'gap':
      foldGap(state, instrument, event.value);
      return;
    case 'status':
      instrument.feed.isTradable = isTradable(event.value.status);
  }
}

function foldTrade(state: FoldState, instrument: InstrumentState, tick: Tick, trade: Trade): void {
  const { price, size } = trade;
  if (!(price > 0 && price < ABSURD_PRICE && size > 0 && size < ABSURD_SIZE)) {
    state.counts.malformed++;
    return;
  }
  const time = tick.exchangeTime / 1000;
  // A trade older than the newest one (repaired after a gap) brings its volume; its price is history by now.
  const isNewest = time >= instrument.lastPriceTime;
  if (time >= instrument.candleEnd) addTrade(instrument.forming, isNewest ? price : instrument.lastPrice, size);
  if (!isNewest) return;
  instrument.lastPrice = price;
  instrument.lastPriceTime = time;
  if (instrument.isTarget) flowTrade((instrument.flow ??= createFlow()), trade);
}

/** A closed minute from history. One that has been entered already, or is neither the next nor complete, is dropped. */
function foldCandle(state: FoldState, instrument: InstrumentState, candle: Candle): void {
  const { start, open, high, low, close, volume } = candle;
  const isSane = low > 0 && high < ABSURD_PRICE && low <= Math.min(open, close) && high >= Math.max(open, close) && volume >= 0;
  if (!isSane || volume > ABSURD_SIZE || start % MINUTE !== 0) {
    state.counts.malformed++;
    return;
  }
  if (start < instrument.candleEnd) {
    state.counts.repeats++;
    return;
  }
  if (start < state.minute) {
    state.counts.late++;
    instrument.late++;
    return;
  }
  instrument.candleEnd = start + MINUTE;
  // Some venues give a row for a minute without trades: the price stays that of the last trade.
  if (volume === 0 && instrument.lastPrice > 0) return;
  const bar = instrument.candle;
  bar.start = start;
  bar.open = open;
  bar.high = high;
  bar.low = low;
  bar.close = close;
  bar.volume = volume;
  bar.quoteVolume = typicalValue(bar);
  bar.trades = candle.trades;
  bar.empty = volume === 0;
  instrument.hasCandle = true;
  instrument.lastPrice = close;
  instrument.lastPriceTime = start + MINUTE;
}

function foldQuote(state: FoldState, instrument: InstrumentState, { bid, ask, bidSize, askSize }: Quote): void {
  if (!(bid > 0 && ask < ABSURD_PRICE && bid < ask && bidSize >= 0 && askSize >= 0)) {
    state.counts.malformed++;
    return;
  }
  instrument.bid = bid;
  instrument.ask = ask;
  instrument.bidSize = bidSize;
  instrument.askSize = askSize;
  if (instrument.isTarget) instrument.flow ??= createFlow();
}

function foldGap(state: FoldState, instrument: InstrumentState, gap: FeedGap): void {
  noteMissing(instrument.dedupe, gap.fromTradeId, gap.toTradeId);
  instrument.feed.gapAt = state.t;
  instrument.bid = instrument.ask = 0;
  instrument.flow = undefined;
}

export function isTradable(status: TradingStatus): boolean {
  switch (status) {
    case TradingStatus.TRADING_STATUS_HALTED:
    case TradingStatus.TRADING_STATUS_AUCTION:
    case TradingStatus.TRADING_STATUS_CANCEL_ONLY:
    case TradingStatus.TRADING_STATUS_DELISTED:
      return false;
    default:
      return true;
  }
}

function noteLate(state: FoldState, instrument: InstrumentState, tick: Tick): void {
  if (tick.exchangeTime === 0 || !(tick.exchangeTime / 1000 < state.minute)) return;
  instrument.late++;
  state.counts.late++;
}

function find(state: FoldState, tick: Tick): InstrumentState {
  const asset = state.assets.get(tick.asset) ?? addAsset(state, tick.asset);
  return asset.venues.get(tick.venue)?.get(tick.instrument) ?? addInstrument(state, asset, tick);
}

function addAsset(state: FoldState, asset: string): AssetState {
  const created: AssetState = {
    asset,
    venues: new Map(),
    instruments: [],
    blocks: ASSET_PLACES.map(({ block }) => block.create()),
    values: new Float64Array(WIDTH).fill(NaN),
    lead: undefined,
    consensus: NaN,
    fair: NaN,
    minutes: 0,
    quality: 0,
  };
  state.assets.set(asset, created);
  return created;
}

function addInstrument(state: FoldState, asset: AssetState, tick: Tick): InstrumentState {
  const parsed = parseInstrument(tick.instrument);
  const isTarget =
    state.targets === undefined
      ? parsed.quote === 'USD' && !isConversionRate(parsed)
      : state.targets.includes(`${tick.venue}:${tick.instrument}`);
  const created: InstrumentState = {
    asset: asset.asset,
    venue: tick.venue,
    name: tick.instrument,
    quote: parsed.quote,
    isTarget,
    dedupe: createDedupe(),
    lastPrice: 0,
    lastPriceTime: -Infinity,
    bid: 0,
    ask: 0,
    bidSize: 0,
    askSize: 0,
    forming: emptyBar(),
    candle: emptyBar(),
    hasCandle: false,
    candleEnd: -Infinity,
    minute: emptyBar(),
    stale: 0,
    leg: createLeg(),
    feed: { heartbeatAt: NaN, isHealthy: true, skew: 0, gapAt: NaN, isTradable: true, isMasked: false },
    late: 0,
    seconds: createSeconds(),
    following: undefined,
    flow: undefined,
    bars: isTarget ? createTimeframeBars() : [],
    barBlocks: isTarget ? BAR_PLACES.map((places) => places.map(({ block, timeframe }) => block.create(timeframe))) : [],
    minuteBlocks: isTarget ? INSTRUMENT_PLACES.map(({ block }) => block.create()) : [],
  };
  const venue = asset.venues.get(tick.venue) ?? new Map<string, InstrumentState>();
  venue.set(tick.instrument, created);
  asset.venues.set(tick.venue, venue);
  asset.instruments.push(created);
  asset.instruments.sort((a, b) => compare(a.venue, b.venue) || compare(a.name, b.name));
  return created;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
