/**
 * What the deep members are made of, chosen on an inner fold of the first week of March 2023 (trained to the 6th, judged to the 8th), never on what is
 * reported. The incumbent stands for the model that was there before: one source, 31 features, two layers.
 */
import { type NetworkOptions } from './network-trainer.ts';

/** Of TensorFlow. The results depend on their number, so it is not that of the machine's cores. */
export const TENSORFLOW_THREADS = 2;

export interface NetworkRecipe {
  readonly name: string;
  readonly options: Omit<NetworkOptions, 'seed' | 'purgeMs' | 'warmStart' | 'checkpoint'>;
  /** Fewer rows than this make no network. */
  readonly leastRows: number;
  /** A fit that starts from an earlier one takes fewer and smaller steps. */
  readonly warmEpochs: number;
  readonly warmLearningRate: number;
}

const SHARED = { batch: 256, validationShare: 0.15, patience: 4, epochs: 16 } as const;
const PACE = { leastRows: 500, warmEpochs: 4, warmLearningRate: 5e-4 };

export const LSTM_RECIPE: NetworkRecipe = {
  name: 'lstm',
  options: {
    ...SHARED,
    ...{ inputs: 160, mirrored: true },
    architecture: { kind: 'lstm', layers: 4, width: 32, dropout: 0.3, pooling: 'attention' },
    ...{ steps: 12, learningRate: 2e-3, l2: 1e-4 },
  },
  ...PACE,
};

export const TRANSFORMER_RECIPE: NetworkRecipe = {
  name: 'transformer',
  options: {
    ...SHARED,
    ...{ inputs: 160, mirrored: true },
    architecture: { kind: 'transformer', blocks: 2, width: 32, heads: 4, dropout: 0.3 },
    ...{ steps: 8, learningRate: 1e-3, l2: 1e-3 },
  },
  ...PACE,
};

/** What one venue's candles of one minute tell. */
const INCUMBENT_READS = [
  ...['own_ret', 'own_mom_3', 'own_mom_10', 'own_mom_30', 'own_clv', 'own_range', 'own_upper_wick', 'own_lower_wick'],
  ...['own_vol_z', 'own_signed_vol', 'sma_dist_20.1m', 'sma_dist_50.1m', 'ema_dist_12.1m', 'ema_dist_26.1m'],
  ...['macd.1m', 'macd_signal.1m', 'macd_hist.1m', 'adx_14.1m', 'plus_di_14.1m', 'minus_di_14.1m', 'rsi_14.1m'],
  ...['stoch_k_14_3.1m', 'stoch_d_3.1m', 'williams_r_14.1m', 'cci_20.1m', 'mfi_14.1m', 'roc_10.1m', 'obv_slope_20.1m'],
  ...['bb_pctb_20_2.1m', 'bb_width_20_2.1m', 'atr_14.1m'],
];

export const INCUMBENT_RECIPE: NetworkRecipe = {
  name: 'incumbent',
  options: {
    ...SHARED,
    ...{ inputs: INCUMBENT_READS.length, reads: INCUMBENT_READS },
    architecture: { kind: 'lstm', layers: 2, width: 48, dropout: 0.2, pooling: 'last' },
    ...{ steps: 24, learningRate: 2e-3, l2: 1e-4 },
  },
  ...PACE,
};
