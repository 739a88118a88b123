/** Classic indicators on a new bar, incrementally; against recomputing them on the last 300 bars with `technicalindicators`. */
import * as recomputed from 'technicalindicators';
import { EVERY_INDICATOR } from '#libs/indicators/every-indicator.ts';
import { generatedBars } from '#libs/indicators/generated-bars.ts';
import { type Figure, paired, rate } from './measure.ts';

const WINDOW = 300;

export async function benchIndicators(): Promise<Figure[]> {
  const bars = generatedBars({ n: 20_000 });
  const out = new Float64Array(4);
  const incremental = await rate(`${EVERY_INDICATOR.length} indicators, incremental`, 'bars/s', bars.length, () => {
    const states = EVERY_INDICATOR.map((indicator) => indicator.create());
    for (const bar of bars) {
      for (let i = 0; i < states.length; i += 1) {
        EVERY_INDICATOR[i]!.peek(states[i], bar, out);
        EVERY_INDICATOR[i]!.push(states[i], bar);
      }
    }
  });
  const window = bars.slice(-WINDOW);
  const close = window.map((bar) => bar.close);
  const high = window.map((bar) => bar.high);
  const low = window.map((bar) => bar.low);
  const volume = window.map((bar) => bar.volume);
  const repeats = 20;
  const library = await rate('18 indicators, recomputed on 300', 'bars/s', repeats, () => {
    for (let i = 0; i < repeats; i += 1) {
      for (const period of [20, 50, 200]) recomputed.SMA.calculate({ period, values: close });
      for (const period of [12, 26]) recomputed.EMA.calculate({ period, values: close });
      recomputed.MACD.calculate({
        values: close,
        fastPeriod: 12,
        slowPeriod: 26,
        signalPeriod: 9,
        SimpleMAOscillator: false,
        SimpleMASignal: false,
      });
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
      recomputed.SD.calculate({ period: 20, values: close });
      recomputed.KeltnerChannels.calculate({ maPeriod: 20, atrPeriod: 10, useSMA: false, multiplier: 2, high, low, close });
    }
  });
  return [paired(incremental, library), library];
}
