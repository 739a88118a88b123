/** Thirty values of classic indicators a bar, three ways: ours, `trading-signals` (incremental), `technicalindicators` (recomputed). */
import * as recomputed from 'technicalindicators';
import * as signals from 'trading-signals';
import { type AnyIndicator, EVERY_INDICATOR } from '#libs/indicators/every-indicator.ts';
import { createEma, peekEma, pushEma } from '#libs/indicators/ema.ts';
import { type GeneratedBar } from '#libs/indicators/generated-bars.ts';
import { createMoneyFlow, peekMoneyFlow, pushMoneyFlow } from '#libs/indicators/money-flow.ts';
import { createSma, peekSma, pushSma } from '#libs/indicators/sma.ts';
import { createTrix, peekTrix, pushTrix } from '#libs/indicators/trix.ts';
import { createUltimate, peekUltimate, pushUltimate } from '#libs/indicators/ultimate.ts';

/** What all three compute: 30 values. */
const SHARED = [
  ['sma_20', 'sma_50', 'ema_12', 'ema_26', 'macd', 'macd_signal', 'macd_hist', 'rsi_14', 'adx_14', 'plus_di_14', 'minus_di_14'],
  ['stoch_k_14_3', 'stoch_d_3', 'williams_r_14', 'donchian_pos_20', 'aroon_osc_25', 'cci_20', 'mfi_14', 'roc_10'],
  ['bb_pctb_20_2', 'bb_width_20_2', 'atr_14', 'keltner_pos_20', 'obv_slope_20'],
].flat();
/** SMA 10 and 200, EMA 50, ultimate oscillator, TRIX, Chaikin money flow. */
const MORE = 6;

/** One value a bar. */
type Step = (bar: GeneratedBar) => unknown;

export const OURS = EVERY_INDICATOR.filter(({ outputs }) => outputs.every((output) => SHARED.includes(output)));
export const VALUES = OURS.reduce((count, { outputs }) => count + outputs.length, 0) + MORE;

export function oursIncremental(): readonly Step[] {
  const [short, long, ema] = [createSma(10), createSma(200), createEma(50)];
  const [ultimate, trix, flow] = [createUltimate(), createTrix(), createMoneyFlow()];
  return [
    ...OURS.map(stepOf),
    (bar) => both(peekSma(short, bar.close), () => pushSma(short, bar.close)),
    (bar) => both(peekSma(long, bar.close), () => pushSma(long, bar.close)),
    (bar) => both(peekEma(ema, bar.close), () => pushEma(ema, bar.close)),
    (bar) => both(peekUltimate(ultimate, bar), () => pushUltimate(ultimate, bar)),
    (bar) => both(peekTrix(trix, bar.close), () => pushTrix(trix, bar.close)),
    (bar) => both(peekMoneyFlow(flow, bar), () => pushMoneyFlow(flow, bar)),
  ];
}

/** The value, then the push. */
function both(value: number, push: () => void): number {
  push();
  return value;
}

/** Looks at the forming bar, then closes it: what the fold does once a minute. */
function stepOf(indicator: AnyIndicator): Step {
  const state = indicator.create();
  const out = new Float64Array(indicator.outputs.length);
  return (bar) => {
    indicator.peek(state, bar, out);
    indicator.push(state, bar);
  };
}

export function libraryIncremental(): readonly Step[] {
  const { SMA, EMA } = signals;
  const averages = [new SMA(10), new SMA(20), new SMA(50), new SMA(200), new EMA(12), new EMA(26), new EMA(50)];
  const ofClose = [
    ...averages,
    new signals.MACD(new EMA(12), new EMA(26), new EMA(9)),
    new signals.RSI(14),
    new signals.ROC(10),
    new signals.PercentB({ interval: 20, deviationMultiplier: 2 }),
    new signals.BollingerBandsWidth(new signals.BollingerBands(20, 2)),
    new signals.TRIX(15),
  ];
  const ofBar = [
    new signals.ADX(14),
    new signals.StochasticOscillator({ kPeriod: 14, kSlowingPeriod: 3, dPeriod: 3 }),
    new signals.WilliamsR(14),
    new signals.CCI(20),
    new signals.ATR(14),
    new signals.UltimateOscillator({ shortPeriod: 7, mediumPeriod: 14, longPeriod: 28 }),
    new signals.KeltnerChannels({ emaInterval: 20, atrInterval: 10, multiplier: 2 }),
    new signals.DonchianChannels(20),
    new signals.Aroon(25),
  ];
  const ofVolume = [new signals.MFI(14), new signals.CMF(20), new signals.OBV(20)];
  return [
    ...ofClose.map(
      (indicator): Step =>
        (bar) =>
          indicator.update(bar.close, false),
    ),
    ...ofBar.map(
      (indicator): Step =>
        (bar) =>
          indicator.update(bar, false),
    ),
    ...ofVolume.map(
      (indicator): Step =>
        (bar) =>
          indicator.update(bar, false),
    ),
  ];
}

/** What a program does that keeps the last bars and asks the library anew at each. */
export function libraryRecomputed(window: readonly GeneratedBar[]): void {
  const close = window.map((bar) => bar.close);
  const high = window.map((bar) => bar.high);
  const low = window.map((bar) => bar.low);
  const volume = window.map((bar) => bar.volume);
  for (const period of [10, 20, 50, 200]) recomputed.SMA.calculate({ period, values: close });
  for (const period of [12, 26, 50]) recomputed.EMA.calculate({ period, values: close });
  const macd = { fastPeriod: 12, slowPeriod: 26, signalPeriod: 9, SimpleMAOscillator: false, SimpleMASignal: false };
  recomputed.MACD.calculate({ values: close, ...macd });
  recomputed.ADX.calculate({ period: 14, high, low, close });
  recomputed.RSI.calculate({ period: 14, values: close });
  recomputed.Stochastic.calculate({ period: 14, signalPeriod: 3, high, low, close });
  recomputed.WilliamsR.calculate({ period: 14, high, low, close });
  recomputed.CCI.calculate({ period: 20, high, low, close });
  recomputed.MFI.calculate({ period: 14, high, low, close, volume });
  recomputed.ROC.calculate({ period: 10, values: close });
  recomputed.BollingerBands.calculate({ period: 20, stdDev: 2, values: close });
  recomputed.ATR.calculate({ period: 14, high, low, close });
  recomputed.OBV.calculate({ close, volume });
  recomputed.TRIX.calculate({ period: 15, values: close });
  recomputed.KeltnerChannels.calculate({ maPeriod: 20, atrPeriod: 10, useSMA: false, multiplier: 2, high, low, close });
}
