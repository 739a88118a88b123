/** More of category B: oscillators of bars, and where the price stands in the day's volume profile. */
import { createMoneyFlow, type MoneyFlowState, peekMoneyFlow, pushMoneyFlow } from '../indicators/money-flow.ts';
import { createTrix, peekTrix, pushTrix, type TrixState } from '../indicators/trix.ts';
import { createUltimate, peekUltimate, pushUltimate, type UltimateState } from '../indicators/ultimate.ts';
import {
  createVolumeProfile,
  pushVolumeProfile,
  type VolumeProfileState,
  writeVolumeProfile,
} from '../indicators/volume-profile.ts';
import { type BarBlock, each, type MinuteBlock } from './declaration.ts';

interface Oscillators {
  readonly ultimate: UltimateState;
  readonly trix: TrixState;
  readonly moneyFlow: MoneyFlowState;
}

const inputs = ['bars'] as const;

export const oscillatorBlock: BarBlock<Oscillators> = {
  kind: 'bars',
  category: 'B',
  over: each('1m', '15m', '1h'),
  features: [
    {
      name: 'ultosc_7_14_28',
      unit: '0..100',
      formula: '100 (4 a7 + 2 a14 + a28) / 7; an = sum of (close - min(low, close before)) / sum of true ranges, n bars',
      inputs,
      source: 'Williams 1985; TA-Lib ULTOSC(7, 14, 28)',
      warmup: 28,
    },
    {
      name: 'trix_15',
      unit: '%',
      formula: 'change of the triple exponential average of the close, 15, over one bar',
      inputs,
      source: 'Hutson 1983; TA-Lib TRIX(15)',
      warmup: 260,
    },
    {
      name: 'cmf_20',
      unit: '-1..1',
      formula: 'sum of (2 close - high - low) / (high - low) x volume over the sum of volume, 20 bars; 0 without volume',
      inputs,
      source: 'Chaikin',
      warmup: 19,
    },
  ],
  create: () => ({ ultimate: createUltimate(), trix: createTrix(15), moneyFlow: createMoneyFlow(20) }),
  closed: ({ ultimate, trix, moneyFlow }, bar) => {
    pushUltimate(ultimate, bar);
    pushTrix(trix, bar.close);
    pushMoneyFlow(moneyFlow, bar);
  },
  write: ({ ultimate, trix, moneyFlow }, bar, out, at) => {
    out[at] = peekUltimate(ultimate, bar);
    out[at + 1] = peekTrix(trix, bar.close);
    out[at + 2] = peekMoneyFlow(moneyFlow, bar);
  },
};

const DAY_MINUTES = 1440;

export const profileBlock: MinuteBlock<VolumeProfileState> = {
  kind: 'minute',
  category: 'B',
  scope: 'instrument',
  features: [
    {
      name: 'volume_profile_poc_dist_1d',
      unit: 'log',
      formula:
        'ln(close / centre of the bin with most volume), 1440 min, bins of 10 bps, each minute at its typical price; missing where they span more than e²',
      inputs,
      source: 'Steidlmayer 1984',
      warmup: DAY_MINUTES,
    },
    {
      name: 'volume_profile_value_area_pos_1d',
      unit: 'ratio',
      formula: '(ln close - lower edge) / (upper - lower edge) of the bins around that one that hold 70 % of the volume',
      inputs,
      source: 'Steidlmayer 1984',
      warmup: DAY_MINUTES,
    },
  ],
  create: () => createVolumeProfile(DAY_MINUTES),
  write: (profile, { instrument: { minute } }, out, at) => {
    pushVolumeProfile(profile, (minute.high + minute.low + minute.close) / 3, minute.volume);
    writeVolumeProfile(profile, minute.close, out, at);
  },
};
