/**
 * Category B: the classic indicators over one-minute, quarter-hour and hour bars, each as a ratio or an index. At a bar's close they equal
 * TA-Lib's values on the closed bars (technical.oracle.test.ts). Where a window is flat: RSI, stochastic, %R, MFI, CCI, ADX and DI are 0 as
 * in TA-Lib, %b and the Donchian position 0.5, what is a slope or a width 0.
 */
import { createAroon, peekAroon, pushAroon } from '../indicators/aroon.ts';
import { createAtr, peekAtr, pushAtr } from '../indicators/atr.ts';
import { createBollinger, peekBollingerPosition, peekBollingerWidth, pushBollinger } from '../indicators/bollinger.ts';
import { createCci, peekCci, pushCci } from '../indicators/cci.ts';
import { createChannel, peekDonchianPosition, peekWilliamsR, pushChannel } from '../indicators/channel.ts';
import { createDirectional, peekDirectional, pushDirectional } from '../indicators/directional.ts';
import { createEma, peekEma, pushEma } from '../indicators/ema.ts';
import { createKeltner, peekKeltner, pushKeltner } from '../indicators/keltner.ts';
import { createMacd, peekMacd, pushMacd } from '../indicators/macd.ts';
import { createMfi, peekMfi, pushMfi } from '../indicators/mfi.ts';
import { createObvSlope, peekObvSlope, pushObvSlope } from '../indicators/obv-slope.ts';
import { createParkinson, peekParkinson, pushParkinson } from '../indicators/parkinson.ts';
import { createRealizedVolatility, peekRealizedVolatility, pushRealizedVolatility } from '../indicators/realized-volatility.ts';
import { createRoc, peekRoc, pushRoc } from '../indicators/roc.ts';
import { createRsi, peekRsi, pushRsi } from '../indicators/rsi.ts';
import { createSessionVwap, peekSessionVwap, pushSessionVwap, type SessionVwapState } from '../indicators/session-vwap.ts';
import { createSma, peekSma, pushSma, type SmaState } from '../indicators/sma.ts';
import { createStochastic, peekStochastic, pushStochastic } from '../indicators/stochastic.ts';
import {
  createVolatilityOfVolatility,
  peekVolatilityOfVolatility,
  pushVolatilityOfVolatility,
} from '../indicators/volatility-of-volatility.ts';
import { type BarBlock, type Block, each, type Feature, once } from './declaration.ts';

const TECHNICAL_TIMEFRAMES = each('1m', '15m', '1h');
const SMA_LENGTHS = [20, 50, 200] as const;
const EMA_LENGTHS = [12, 26] as const;

function feature(name: string, unit: string, warmup: number, formula: string, source: string): Feature {
  return { name, unit, formula, inputs: ['bars'], source, warmup };
}

/** Smoothed values forget their start by a factor a bar: 1 - 2 / (n + 1), Wilder's 1 - 1 / n. Warm-ups are that to 1e-8 and a little more. */
const WILDER_14_WARMUP = 300;

function createTrend() {
  return {
    smas: SMA_LENGTHS.map((n): SmaState => createSma(n)),
    emas: EMA_LENGTHS.map((n) => createEma(n)),
    macd: createMacd(12, 26, 9),
    directional: createDirectional(14),
    aroon: createAroon(25),
  };
}

export const trendBlock: BarBlock<ReturnType<typeof createTrend>> = {
  kind: 'bars',
  category: 'B',
  over: TECHNICAL_TIMEFRAMES,
  features: [
    ...SMA_LENGTHS.map((n) => feature(`sma_dist_${n}`, 'log', n - 1, `ln(close / simple average of ${n} closes)`, 'TA-Lib SMA')),
    ...EMA_LENGTHS.map((n) => feature(`ema_dist_${n}`, 'log', 10 * n, `ln(close / exponential average, ${n})`, 'TA-Lib EMA')),
    feature('macd', 'ratio', 280, '(EMA 12 - EMA 26) / close', 'TA-Lib MACD(12, 26, 9)'),
    feature('macd_signal', 'ratio', 300, 'EMA 9 of (EMA 12 - EMA 26), / close', 'TA-Lib MACD(12, 26, 9)'),
    feature('macd_hist', 'ratio', 300, '(MACD - its signal) / close', 'TA-Lib MACD(12, 26, 9)'),
    feature('adx_14', '0..100', 420, 'Wilder average of 100 |+DI - -DI| / (+DI + -DI)', 'Wilder 1978; TA-Lib ADX(14)'),
    feature(
      'plus_di_14',
      '0..100',
      WILDER_14_WARMUP,
      '100 x smoothed upward move / true range',
      'Wilder 1978; TA-Lib PLUS_DI(14)',
    ),
    feature(
      'minus_di_14',
      '0..100',
      WILDER_14_WARMUP,
      '100 x smoothed downward move / true range',
      'Wilder 1978; TA-Lib MINUS_DI(14)',
    ),
    feature('aroon_osc_25', '-100..100', 25, '100 (bars since low - bars since high) / 25, over 26 bars', 'TA-Lib AROONOSC(25)'),
  ],
  create: createTrend,
  closed: ({ smas, emas, macd, directional, aroon }, bar) => {
    for (const sma of smas) pushSma(sma, bar.close);
    for (const ema of emas) pushEma(ema, bar.close);
    pushMacd(macd, bar.close);
    pushDirectional(directional, bar);
    pushAroon(aroon, bar);
  },
  write: ({ smas, emas, macd, directional, aroon }, bar, out, at) => {
    const { close } = bar;
    for (let i = 0; i < 3; i++) out[at + i] = Math.log(close / peekSma(smas[i]!, close));
    for (let i = 0; i < 2; i++) out[at + 3 + i] = Math.log(close / peekEma(emas[i]!, close));
    peekMacd(macd, close, out, at + 5);
    for (let i = 5; i < 8; i++) out[at + i]! /= close;
    peekDirectional(directional, bar, out, at + 8);
    out[at + 11] = peekAroon(aroon, bar);
  },
};

function createMomentum() {
  return {
    rsi: createRsi(14),
    stochastic: createStochastic(14, 3, 3),
    channel: createChannel(14),
    cci: createCci(20),
    mfi: createMfi(14),
    roc: createRoc(10),
    obv: createObvSlope(20),
  };
}

export const momentumBlock: BarBlock<ReturnType<typeof createMomentum>> = {
  kind: 'bars',
  category: 'B',
  over: TECHNICAL_TIMEFRAMES,
  features: [
    feature(
      'rsi_14',
      '0..100',
      WILDER_14_WARMUP,
      '100 x average gain / (average gain + average loss)',
      'Wilder 1978; TA-Lib RSI(14)',
    ),
    feature('stoch_k_14_3', '0..100', 15, 'mean of 3 of 100 (close - low 14) / (high 14 - low 14)', 'TA-Lib STOCH(14, 3, 3)'),
    feature('stoch_d_3', '0..100', 17, 'mean of 3 of stoch_k_14_3', 'TA-Lib STOCH(14, 3, 3)'),
    feature('williams_r_14', '-100..0', 13, '-100 (high 14 - close) / (high 14 - low 14)', 'TA-Lib WILLR(14)'),
    feature(
      'cci_20',
      'index',
      19,
      '(typical price - its mean) / (0.015 mean absolute deviation)',
      'Lambert 1980; TA-Lib CCI(20)',
    ),
    feature('mfi_14', '0..100', 14, '100 x money flow on rising typical prices / all money flow', 'TA-Lib MFI(14)'),
    feature('roc_10', '%', 10, '100 (close / close 10 bars before - 1)', 'TA-Lib ROC(10)'),
    feature(
      'obv_slope_20',
      'ratio',
      19,
      'slope of on-balance volume over 20 bars / their mean volume',
      'TA-Lib LINEARREG_SLOPE(OBV, 20)',
    ),
  ],
  create: createMomentum,
  closed: ({ rsi, stochastic, channel, cci, mfi, roc, obv }, bar) => {
    pushRsi(rsi, bar.close);
    pushStochastic(stochastic, bar);
    pushChannel(channel, bar);
    pushCci(cci, bar);
    pushMfi(mfi, bar);
    pushRoc(roc, bar.close);
    pushObvSlope(obv, bar);
  },
  write: ({ rsi, stochastic, channel, cci, mfi, roc, obv }, bar, out, at) => {
    out[at] = peekRsi(rsi, bar.close);
    peekStochastic(stochastic, bar, out, at + 1);
    out[at + 3] = peekWilliamsR(channel, bar);
    out[at + 4] = peekCci(cci, bar);
    out[at + 5] = peekMfi(mfi, bar);
    out[at + 6] = peekRoc(roc, bar.close);
    out[at + 7] = peekObvSlope(obv, bar);
  },
};

function createBands() {
  return { bollinger: createBollinger(20, 2), atr: createAtr(14), keltner: createKeltner(20, 10, 2), channel: createChannel(20) };
}

export const bandBlock: BarBlock<ReturnType<typeof createBands>> = {
  kind: 'bars',
  category: 'B',
  over: TECHNICAL_TIMEFRAMES,
  features: [
    feature(
      'bb_pctb_20_2',
      'ratio',
      19,
      '(close - lower) / (upper - lower), mean of 20 closes -/+ 2 sd',
      'Bollinger 2001; TA-Lib BBANDS(20, 2)',
    ),
    feature('bb_width_20_2', 'ratio', 19, '(upper - lower) / mean of 20 closes', 'Bollinger 2001; TA-Lib BBANDS(20, 2)'),
    feature('atr_14', 'ratio', WILDER_14_WARMUP, 'average true range / close', 'Wilder 1978; TA-Lib ATR(14)'),
    feature(
      'keltner_pos_20',
      'ratio',
      240,
      '(close - EMA 20) / (2 x average true range of 10 bars)',
      'Raschke; TA-Lib EMA(20), ATR(10)',
    ),
    feature('donchian_pos_20', '0..1', 19, '(close - low 20) / (high 20 - low 20)', 'Donchian; TA-Lib MAX, MIN'),
  ],
  create: createBands,
  closed: ({ bollinger, atr, keltner, channel }, bar) => {
    pushBollinger(bollinger, bar.close);
    pushAtr(atr, bar);
    pushKeltner(keltner, bar);
    pushChannel(channel, bar);
  },
  write: ({ bollinger, atr, keltner, channel }, bar, out, at) => {
    out[at] = peekBollingerPosition(bollinger, bar.close);
    out[at + 1] = peekBollingerWidth(bollinger, bar.close);
    out[at + 2] = peekAtr(atr, bar) / bar.close;
    out[at + 3] = peekKeltner(keltner, bar);
    out[at + 4] = peekDonchianPosition(channel, bar);
  },
};

const HOUR = 60;
const DAY = 1440;
const VOLATILITY_WINDOWS = { '5m': 5, '1h': HOUR, '1d': DAY } as const;

function createVolatility() {
  return {
    realized: Object.values(VOLATILITY_WINDOWS).map((n) => createRealizedVolatility(n)),
    parkinson: createParkinson(HOUR),
    ofVolatility: createVolatilityOfVolatility(HOUR, DAY),
  };
}

/** From one-minute bars whatever the window, so the windows are in the names. */
export const volatilityBlock: BarBlock<ReturnType<typeof createVolatility>> = {
  kind: 'bars',
  category: 'B',
  over: once('1m'),
  features: [
    ...Object.entries(VOLATILITY_WINDOWS).map(([window, n]) =>
      feature(
        `realized_vol_${window}`,
        'annualised',
        n,
        `root of the mean squared one-minute log return over ${window}, x root of 525600`,
        'Andersen, Bollerslev 1998',
      ),
    ),
    feature(
      'parkinson_vol_1h',
      'annualised',
      HOUR - 1,
      'root of the mean of ln(high / low)² / (4 ln 2) over 60 minutes, x root of 525600',
      'Parkinson 1980',
    ),
    feature(
      'vol_of_vol_1d',
      'annualised',
      HOUR + DAY - 1,
      'sd over the last 1440 minutes of realized_vol_1h',
      'pandas rolling std, ddof 0',
    ),
  ],
  create: createVolatility,
  closed: ({ realized, parkinson, ofVolatility }, bar) => {
    for (const state of realized) pushRealizedVolatility(state, bar.close);
    pushParkinson(parkinson, bar);
    pushVolatilityOfVolatility(ofVolatility, bar.close);
  },
  write: ({ realized, parkinson, ofVolatility }, bar, out, at) => {
    for (let i = 0; i < 3; i++) out[at + i] = peekRealizedVolatility(realized[i]!, bar.close);
    out[at + 3] = peekParkinson(parkinson, bar);
    out[at + 4] = peekVolatilityOfVolatility(ofVolatility, bar.close);
  },
};

export const sessionBlock: BarBlock<SessionVwapState> = {
  kind: 'bars',
  category: 'B',
  over: once('1m'),
  features: [
    feature(
      'vwap_session_dev',
      'log',
      DAY,
      'ln(close / VWAP since 00:00 UTC), of the minutes’ typical price (high + low + close) / 3; missing before the first trade of the day',
      'definition',
    ),
  ],
  create: createSessionVwap,
  closed: (state, bar) => pushSessionVwap(state, bar.start, bar.quoteVolume, bar.volume),
  write: (state, bar, out, at) => {
    out[at] = Math.log(bar.close / peekSessionVwap(state, bar.start, bar.quoteVolume, bar.volume));
  },
};

/** In the order of their columns. */
export const TECHNICAL_BLOCKS: readonly Block[] = [trendBlock, momentumBlock, bandBlock, volatilityBlock, sessionBlock];
