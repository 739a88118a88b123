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
import { krakenFuturesSample } from '../sources/kraken-futures/sample.ts';
import { binanceFuturesSample } from '../sources/binance-futures/sample.ts';
import { bybitSample } from '../sources/bybit/sample.ts';
import { okxSample } from '../sources/okx/sample.ts';
import { deribitSample } from '../sources/deribit/sample.ts';
import { hyperliquidSample } from '../sources/hyperliquid/sample.ts';
import { cftcSample } from '../sources/cftc/sample.ts';
import { etfFlowsSample } from '../sources/etf-flows/sample.ts';
import { fredSample } from '../sources/fred/sample.ts';
import { cboeSample } from '../sources/cboe/sample.ts';
import { yahooSample } from '../sources/yahoo/sample.ts';
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
  'kraken-futures': krakenFuturesSample,
  'binance-futures': binanceFuturesSample,
  bybit: bybitSample,
  okx: okxSample,
  deribit: deribitSample,
  hyperliquid: hyperliquidSample,
  cftc: cftcSample,
  'etf-flows': etfFlowsSample,
  fred: fredSample,
  cboe: cboeSample,
  yahoo: yahooSample,
};
