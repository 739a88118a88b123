/** Bars: minutes out of trades or candles, timeframes out of minutes. */
import { type Bar, TIMEFRAME_MINUTES, TIMEFRAMES } from './declaration.ts';
import { type InstrumentState, type TimeframeBar } from './state.ts';

export const MINUTE = 60_000;

export function emptyBar(): Bar {
  return { start: NaN, open: NaN, high: NaN, low: NaN, close: NaN, volume: 0, quoteVolume: 0, trades: 0, empty: true };
}

/** Adds a trade to the forming minute. */
export function addTrade(bar: Bar, price: number, size: number): void {
  if (bar.empty) {
    bar.open = bar.high = bar.low = price;
    bar.volume = 0;
    bar.trades = 0;
    bar.empty = false;
  }
  if (price > bar.high) bar.high = price;
  if (price < bar.low) bar.low = price;
  bar.close = price;
  bar.volume += size;
  bar.trades++;
}

/** Ends the minute [m - 60 s, m): from the candle of that minute, else from its trades, else flat at the last price. */
export function closeMinute(instrument: InstrumentState, m: number): void {
  const { forming, candle, minute } = instrument;
  const start = m - MINUTE;
  if (instrument.hasCandle && candle.start <= start) {
    instrument.hasCandle = false;
    if (candle.start === start) {
      copyBar(candle, minute);
      forming.empty = true;
    } else flatMinute(minute);
  } else if (forming.empty) flatMinute(minute);
  else {
    copyBar(forming, minute);
    minute.quoteVolume = typicalValue(minute);
    forming.empty = true;
  }
  minute.start = start;
  instrument.stale = minute.empty ? instrument.stale + 1 : 0;
}

function flatMinute(minute: Bar): void {
  minute.open = minute.high = minute.low = minute.close;
  minute.volume = minute.quoteVolume = minute.trades = 0;
  minute.empty = true;
}

export function typicalValue(bar: Bar): number {
  return ((bar.high + bar.low + bar.close) / 3) * bar.volume;
}

export function copyBar(from: Bar, to: Bar): void {
  to.start = from.start;
  to.open = from.open;
  to.high = from.high;
  to.low = from.low;
  to.close = from.close;
  to.volume = from.volume;
  to.quoteVolume = from.quoteVolume;
  to.trades = from.trades;
  to.empty = from.empty;
}

export function createTimeframeBars(): TimeframeBar[] {
  return TIMEFRAMES.map(() => ({ bar: emptyBar(), isWhole: false }));
}

/** Whether the bar of timeframe `index` ends before the minute that starts at `start`, and so can change no more. */
export function endsBefore(timeframe: TimeframeBar, index: number, start: number): boolean {
  return start >= timeframe.bar.start + TIMEFRAME_MINUTES[TIMEFRAMES[index]!] * MINUTE;
}

/** Adds a closed minute to the forming bar of timeframe `index`, beginning a new one where the old has ended. */
export function addMinute(timeframe: TimeframeBar, index: number, minute: Bar): void {
  const length = TIMEFRAME_MINUTES[TIMEFRAMES[index]!] * MINUTE;
  const start = minute.start - (minute.start % length);
  const { bar } = timeframe;
  if (bar.start !== start) {
    timeframe.isWhole = minute.start === start;
    copyBar(minute, bar);
    bar.start = start;
    return;
  }
  if (minute.empty) return;
  if (bar.empty) bar.open = minute.open;
  bar.high = bar.empty ? minute.high : Math.max(bar.high, minute.high);
  bar.low = bar.empty ? minute.low : Math.min(bar.low, minute.low);
  bar.close = minute.close;
  bar.volume += minute.volume;
  bar.quoteVolume += minute.quoteVolume;
  bar.trades = bar.trades < 0 || minute.trades < 0 ? -1 : bar.trades + minute.trades;
  bar.empty = false;
}
