/** Category A from bars: shape and volume of each timeframe's bar, returns, VWAP, illiquidity. */
import { type BarBlock, each, type MinuteBlock, TIMEFRAME_MINUTES, TIMEFRAMES } from './declaration.ts';
import { closeLocation } from './legs.ts';
import { createRolling, push, type Rolling, valueAgo } from './rolling.ts';

export const shapeBlock: BarBlock<null> = {
  kind: 'bars',
  category: 'A',
  over: each(...TIMEFRAMES),
  features: [
    { name: 'range', unit: 'ratio', formula: '(high - low) / close of the bar', inputs: ['bars'], warmup: 0 },
    { name: 'clv', unit: '-1..1', formula: '(2 close - high - low) / (high - low), 0 if flat', inputs: ['bars'], warmup: 0 },
    { name: 'upper_wick', unit: 'log', formula: 'ln(high / max(open, close))', inputs: ['bars'], warmup: 0 },
    { name: 'lower_wick', unit: 'log', formula: 'ln(min(open, close) / low)', inputs: ['bars'], warmup: 0 },
  ],
  create: () => null,
  closed: () => undefined,
  write: (_state, { open, high, low, close }, out, at) => {
    out[at] = (high - low) / close;
    out[at + 1] = closeLocation(high, low, close);
    out[at + 2] = Math.log(high / Math.max(open, close));
    out[at + 3] = Math.log(Math.min(open, close) / low);
  },
};

const VOLUME_BARS = 20;

export const volumeBlock: BarBlock<Rolling> = {
  kind: 'bars',
  category: 'A',
  over: each(...TIMEFRAMES),
  features: [
    {
      name: 'vol_z',
      unit: 'z',
      formula: 'ln(1 + volume) less its mean over 20 bars, this one included, over their sd; 0 where all are equal',
      inputs: ['bars'],
      warmup: VOLUME_BARS - 1,
    },
  ],
  create: () => createRolling(VOLUME_BARS - 1),
  closed: (closed, bar) => push(closed, Math.log1p(bar.volume)),
  write: (closed, bar, out, at) => {
    if (closed.count < VOLUME_BARS - 1) return;
    const now = Math.log1p(bar.volume);
    let sum = now;
    for (const value of closed.ring) sum += value;
    const middle = sum / VOLUME_BARS;
    let squares = (now - middle) ** 2;
    for (const value of closed.ring) squares += (value - middle) ** 2;
    const spread = Math.sqrt(squares / (VOLUME_BARS - 1));
    out[at] = spread > 1e-12 ? (now - middle) / spread : 0;
  },
};

/** The close by minute over a day, as logs. */
export const returnBlock: MinuteBlock<Rolling> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  variants: ['close'],
  features: TIMEFRAMES.map((window) => ({
    name: `ret_${window}`,
    unit: 'log return',
    formula: `ln(close / close ${window} before)`,
    inputs: ['bars' as const],
    warmup: TIMEFRAME_MINUTES[window] + 1,
  })),
  create: () => createRolling(TIMEFRAME_MINUTES['1d'] + 1),
  write: (closes, { instrument }, out, at) => {
    push(closes, Math.log(instrument.minute.close));
    const now = valueAgo(closes, 0);
    for (let i = 0; i < TIMEFRAMES.length; i++) out[at + i] = now - valueAgo(closes, TIMEFRAME_MINUTES[TIMEFRAMES[i]!]);
  },
};

const VWAP_WINDOWS = ['1m', '15m', '1h', '1d'] as const;

interface Vwap {
  readonly values: readonly Rolling[];
  readonly volumes: readonly Rolling[];
}

export const vwapBlock: MinuteBlock<Vwap> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  features: VWAP_WINDOWS.map((window) => ({
    name: `vwap_dev_${window}`,
    unit: 'log',
    formula: `ln(close / VWAP of the last ${window}), of the minutes' typical price (high + low + close) / 3; without volume missing`,
    inputs: ['bars' as const],
    warmup: TIMEFRAME_MINUTES[window],
  })),
  create: () => ({
    values: VWAP_WINDOWS.map((window) => createRolling(TIMEFRAME_MINUTES[window])),
    volumes: VWAP_WINDOWS.map((window) => createRolling(TIMEFRAME_MINUTES[window])),
  }),
  write: ({ values, volumes }, { instrument: { minute } }, out, at) => {
    for (let i = 0; i < VWAP_WINDOWS.length; i++) {
      const value = values[i]!;
      const volume = volumes[i]!;
      push(value, minute.quoteVolume);
      push(volume, minute.volume);
      const isFull = volume.count === volume.ring.length;
      // What is left of a sum after all trades have left the window is rounding, far below the smallest lot.
      out[at + i] = isFull && volume.sum > 1e-9 ? Math.log((minute.close * volume.sum) / value.sum) : NaN;
    }
  },
};

const AMIHUD_MINUTES = 60;

interface Amihud {
  last: number;
  readonly ratios: Rolling;
  readonly traded: Rolling;
}

export const amihudBlock: MinuteBlock<Amihud> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  features: [
    {
      name: 'amihud_1h',
      unit: 'per million',
      formula:
        'mean over the traded minutes of an hour of |one-minute log return| / traded value in millions of the quote currency',
      inputs: ['bars'],
      source: 'Amihud 2002',
      warmup: AMIHUD_MINUTES + 1,
    },
  ],
  create: () => ({ last: NaN, ratios: createRolling(AMIHUD_MINUTES), traded: createRolling(AMIHUD_MINUTES) }),
  write: (state, { instrument: { minute } }, out, at) => {
    const price = Math.log(minute.close);
    const move = Math.abs(price - state.last);
    state.last = price;
    if (Number.isNaN(move)) return;
    const isTraded = minute.quoteVolume > 0;
    push(state.ratios, isTraded ? (move / minute.quoteVolume) * 1e6 : 0);
    push(state.traded, isTraded ? 1 : 0);
    if (state.traded.count === AMIHUD_MINUTES && state.traded.sum > 0) out[at] = state.ratios.sum / state.traded.sum;
  },
};

export const staleBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  features: [
    { name: 'staleness', unit: 'ln min', formula: 'ln(1 + whole minutes since the last trade)', inputs: ['bars'], warmup: 1 },
  ],
  create: () => null,
  write: (_state, { instrument }, out, at) => {
    out[at] = Math.log1p(instrument.stale);
  },
};
