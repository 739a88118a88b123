/** Good answers of every source, one line each: sources/ID/sample.ts. */
import { alternativeMeSample } from '../sources/alternative-me/sample.ts';
import { blockchainChartsSample } from '../sources/blockchain-charts/sample.ts';
import { coinMetricsSample } from '../sources/coin-metrics/sample.ts';
import { coingeckoSample } from '../sources/coingecko/sample.ts';
import { cryptocompareSample } from '../sources/cryptocompare/sample.ts';
import { defillamaSample } from '../sources/defillama/sample.ts';
import { githubSample } from '../sources/github/sample.ts';
import { mempoolSpaceSample } from '../sources/mempool-space/sample.ts';
import { wikipediaSample } from '../sources/wikipedia/sample.ts';
import { type SourceSample } from './sample.ts';

/** By id of the source. */
export const SAMPLES: Readonly<Record<string, SourceSample>> = {
  coingecko: coingeckoSample,
  cryptocompare: cryptocompareSample,
  'alternative-me': alternativeMeSample,
  github: githubSample,
  wikipedia: wikipediaSample,
  'mempool-space': mempoolSpaceSample,
  'blockchain-charts': blockchainChartsSample,
  'coin-metrics': coinMetricsSample,
  defillama: defillamaSample,
};
