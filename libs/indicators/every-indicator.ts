/** Every indicator in one shape, for the checks and the benchmark: what it starts from, how a bar enters, what it says. */
import { createAroon, peekAroon, pushAroon } from './aroon.ts';
import { createAtr, peekAtr, pushAtr } from './atr.ts';
import { type Bar } from './bar.ts';
import { createBollinger, peekBollingerPosition, peekBollingerWidth, pushBollinger } from './bollinger.ts';
import { createCci, peekCci, pushCci } from './cci.ts';
import { createChannel, peekDonchianPosition, peekWilliamsR, pushChannel } from './channel.ts';
import { createDirectional, peekDirectional, pushDirectional } from './directional.ts';
import { createEma, peekEma, pushEma } from './ema.ts';
import { createEwma, peekEwma, pushEwma } from './ewma.ts';
import { createKeltner, peekKeltner, pushKeltner } from './keltner.ts';
import { createMacd, peekMacd, pushMacd } from './macd.ts';
import { createMfi, peekMfi, pushMfi } from './mfi.ts';
import { createObvSlope, peekObvSlope, pushObvSlope } from './obv-slope.ts';
import { createParkinson, peekParkinson, pushParkinson } from './parkinson.ts';
import { createRealizedVolatility, peekRealizedVolatility, pushRealizedVolatility } from './realized-volatility.ts';
import { createRoc, peekRoc, pushRoc } from './roc.ts';
import { createRollingMoments, peekRollingSd, peekRollingZ, pushRollingMoments } from './rolling-moments.ts';
import { createRollingSum, peekRollingSum, pushRollingSum } from './rolling-sum.ts';
import { createRsi, peekRsi, pushRsi } from './rsi.ts';
import { createSma, peekSma, pushSma } from './sma.ts';
import { createStochastic, peekStochastic, pushStochastic } from './stochastic.ts';
import {
  createVolatilityOfVolatility,
  peekVolatilityOfVolatility,
  pushVolatilityOfVolatility,
} from './volatility-of-volatility.ts';

export interface AnyIndicator {
  readonly outputs: readonly string[];
  create(): unknown;
  push(state: unknown, bar: Bar): void;
  /** Writes one value per output. */
  peek(state: unknown, bar: Bar, out: Float64Array): void;
}

type Peek<State> = (state: State, bar: Bar) => number;

function many<State>(
  outputs: readonly string[],
  create: () => State,
  push: (state: State, bar: Bar) => void,
  peek: (state: State, bar: Bar, out: Float64Array) => void,
): AnyIndicator {
  return {
    outputs,
    create,
    push: (state, bar) => push(state as State, bar),
    peek: (state, bar, out) => peek(state as State, bar, out),
  };
}

function one<State>(
  output: string,
  create: () => State,
  push: (state: State, bar: Bar) => void,
  peek: Peek<State>,
): AnyIndicator {
  return many([output], create, push, (state, bar, out) => {
    out[0] = peek(state, bar);
  });
}

/** An indicator of one number a bar, its close. */
function ofClose<State>(
  output: string,
  create: () => State,
  push: (state: State, price: number) => void,
  peek: (state: State, price: number) => number,
): AnyIndicator {
  return one(
    output,
    create,
    (state, bar) => push(state, bar.close),
    (state, bar) => peek(state, bar.close),
  );
}

/** With the parameters of the catalogue's category B, and shorter windows of the volatilities. */
export const EVERY_INDICATOR: readonly AnyIndicator[] = [
  ofClose('sma_20', () => createSma(20), pushSma, peekSma),
  ofClose('sma_50', () => createSma(50), pushSma, peekSma),
  ofClose('ema_12', () => createEma(12), pushEma, peekEma),
  ofClose('ema_26', () => createEma(26), pushEma, peekEma),
  many(
    ['macd', 'macd_signal', 'macd_hist'],
    () => createMacd(),
    (state, bar) => pushMacd(state, bar.close),
    (state, bar, out) => peekMacd(state, bar.close, out, 0),
  ),
  ofClose('rsi_14', () => createRsi(), pushRsi, peekRsi),
  many(
    ['adx_14', 'plus_di_14', 'minus_di_14'],
    () => createDirectional(),
    pushDirectional,
    (state, bar, out) => peekDirectional(state, bar, out, 0),
  ),
  many(
    ['stoch_k_14_3', 'stoch_d_3'],
    () => createStochastic(),
    pushStochastic,
    (state, bar, out) => peekStochastic(state, bar, out, 0),
  ),
  one('williams_r_14', () => createChannel(14), pushChannel, peekWilliamsR),
  one('donchian_pos_20', () => createChannel(20), pushChannel, peekDonchianPosition),
  one('aroon_osc_25', () => createAroon(), pushAroon, peekAroon),
  one('cci_20', () => createCci(), pushCci, peekCci),
  one('mfi_14', () => createMfi(), pushMfi, peekMfi),
  ofClose('roc_10', () => createRoc(), pushRoc, peekRoc),
  many(
    ['bb_pctb_20_2', 'bb_width_20_2'],
    () => createBollinger(),
    (state, bar) => pushBollinger(state, bar.close),
    (state, bar, out) => {
      out[0] = peekBollingerPosition(state, bar.close);
      out[1] = peekBollingerWidth(state, bar.close);
    },
  ),
  many(
    ['sd_20', 'z_20'],
    () => createRollingMoments(20),
    (state, bar) => pushRollingMoments(state, bar.close),
    (state, bar, out) => {
      out[0] = peekRollingSd(state, bar.close);
      out[1] = peekRollingZ(state, bar.close);
    },
  ),
  one('atr_14', () => createAtr(), pushAtr, peekAtr),
  one('keltner_pos_20', () => createKeltner(), pushKeltner, peekKeltner),
  one('obv_slope_20', () => createObvSlope(), pushObvSlope, peekObvSlope),
  one(
    'volume_sum_20',
    () => createRollingSum(20),
    (state, bar) => pushRollingSum(state, bar.volume),
    (state, bar) => peekRollingSum(state, bar.volume),
  ),
  ofClose('realized_vol_60', () => createRealizedVolatility(60), pushRealizedVolatility, peekRealizedVolatility),
  one('parkinson_60', () => createParkinson(60), pushParkinson, peekParkinson),
  ofClose('vol_of_vol_30_60', () => createVolatilityOfVolatility(30, 60), pushVolatilityOfVolatility, peekVolatilityOfVolatility),
  ofClose('ewma_10', () => createEwma(10), pushEwma, peekEwma),
];
