/** What the deep members are made of. The incumbent stands for the model that was there before: one source, 31 features, two layers. */
import { type NetworkOptions } from './network-trainer.ts';

export interface NetworkRecipe {
  readonly name: string;
  readonly options: Omit<NetworkOptions, 'seed' | 'purgeMs' | 'warmStart' | 'checkpoint'>;
  /** Fewer rows than this make no network. */
  readonly leastRows: number;
  /** A fit that starts from an earlier one takes fewer and smaller steps. */
  readonly warmEpochs: number;
  readonly warmLearningRate: number;
}

const SHARED = { steps: 24, inputs: 120, reads: 'all', batch: 256, l2: 1e-4, validationShare: 0.15 } as const;
const PACE = { leastRows: 500, warmEpochs: 4, warmLearningRate: 5e-4 };

export const LSTM_RECIPE: NetworkRecipe = {
  name: 'lstm',
  options: {
    ...SHARED,
    architecture: { kind: 'lstm', layers: 4, width: 48, dropout: 0.3, pooling: 'attention' },
    ...{ epochs: 12, patience: 3, learningRate: 2e-3 },
  },
  ...PACE,
};

export const TRANSFORMER_RECIPE: NetworkRecipe = {
  name: 'transformer',
  options: {
    ...SHARED,
    architecture: { kind: 'transformer', blocks: 2, width: 48, heads: 4, dropout: 0.3 },
    ...{ epochs: 12, patience: 3, learningRate: 1e-3 },
  },
  ...PACE,
};

export const INCUMBENT_RECIPE: NetworkRecipe = {
  name: 'incumbent',
  options: {
    ...SHARED,
    ...{ inputs: 31, reads: 'own' },
    architecture: { kind: 'lstm', layers: 2, width: 48, dropout: 0.2, pooling: 'last' },
    ...{ epochs: 12, patience: 3, learningRate: 2e-3 },
  },
  ...PACE,
};
