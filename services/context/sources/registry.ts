/** Every context source, one line each. */
import { alternativeMe } from './alternative-me/source.ts';
import { blockchainCharts } from './blockchain-charts/source.ts';
import { coinMetrics } from './coin-metrics/source.ts';
import { coingecko } from './coingecko/source.ts';
import { cryptocompare } from './cryptocompare/source.ts';
import { defillama } from './defillama/source.ts';
import { github } from './github/source.ts';
import { mempoolSpace } from './mempool-space/source.ts';
import { type ContextSource } from './source.ts';
import { wikipedia } from './wikipedia/source.ts';

export const SOURCES: readonly ContextSource[] = [
  coingecko(process.env['COINGECKO_PLAN']),
  cryptocompare,
  alternativeMe,
  github,
  wikipedia,
  mempoolSpace,
  blockchainCharts,
  coinMetrics,
  defillama,
];
