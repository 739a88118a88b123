/** Every context source, one line each. */
import { alternativeMe } from './alternative-me/source.ts';
import { blockchainCharts } from './blockchain-charts/source.ts';
import { coinMetrics } from './coin-metrics/source.ts';
import { coingecko } from './coingecko/source.ts';
import { cryptocompare } from './cryptocompare/source.ts';
import { defillama } from './defillama/source.ts';
import { github } from './github/source.ts';
import { mempoolSpace } from './mempool-space/source.ts';
import { krakenFutures } from './kraken-futures/source.ts';
import { binanceFutures } from './binance-futures/source.ts';
import { bybit } from './bybit/source.ts';
import { okx } from './okx/source.ts';
import { deribit } from './deribit/source.ts';
import { hyperliquid } from './hyperliquid/source.ts';
import { cftc } from './cftc/source.ts';
import { etfFlows } from './etf-flows/source.ts';
import { fred } from './fred/source.ts';
import { cboe } from './cboe/source.ts';
import { yahoo } from './yahoo/source.ts';
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
  krakenFutures,
  binanceFutures,
  bybit,
  okx,
  deribit,
  hyperliquid,
  cftc,
  etfFlows,
  fred,
  cboe,
  yahoo,
];
