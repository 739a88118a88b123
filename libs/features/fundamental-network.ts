/** Category C, networks: mining, use and fees of the chains, and the supply of stablecoins. */
import { contextBlock, type ContextFeature } from './context-block.ts';
import { DAILY, HOURLY, logChangeOver, logCount, logOfPercent, logRatio } from './fundamental-arithmetic.ts';

const MEMPOOL = 'mempool.space';
const CHARTS = 'blockchain.info charts';
const COIN_METRICS = { source: 'Coin Metrics community', cadence: DAILY };
const LLAMA = { source: 'DefiLlama stablecoins', cadence: DAILY };
const HASH_RATE = 'mempool-space:hash_rate';
const ADDRESSES = 'blockchain-charts:unique_addresses.{asset}';
const TRANSACTIONS = 'blockchain-charts:transactions.{asset}';
const MOVED = 'blockchain-charts:transaction_value.{asset}';
const CAP = 'coingecko:market_cap.{asset}';
const TOTAL_CAP = 'coingecko:total_market_cap';
const STABLES = 'defillama:stablecoin_supply';

const MINING: readonly ContextFeature[] = [
  ...[7, 30].map((days) =>
    logChangeOver(`hash_rate_chg_${days}d`, HASH_RATE, days, "Bitcoin's hash rate, mean of a day", {
      source: MEMPOOL,
      cadence: DAILY,
    }),
  ),
  {
    name: 'difficulty_chg',
    unit: 'log',
    formula: "ln(Bitcoin's difficulty / that before its last adjustment)",
    reads: ['mempool-space:difficulty_adjustment'],
    source: MEMPOOL,
    warmup: 14 * DAILY,
    compute: (read) => logRatio(read.value('mempool-space:difficulty_adjustment'), 1),
  },
  {
    name: 'difficulty_next_chg',
    unit: 'log',
    formula: "ln(1 + change of Bitcoin's difficulty that the next adjustment would make by now)",
    reads: ['mempool-space:difficulty_next_pct'],
    source: MEMPOOL,
    warmup: HOURLY,
    compute: (read) => logOfPercent(read.value('mempool-space:difficulty_next_pct')),
  },
  {
    name: 'fee_rate',
    unit: 'log sat/vB',
    formula: 'ln(1 + fee rate for a confirmation within half an hour), Bitcoin',
    reads: ['mempool-space:fee_half_hour'],
    source: MEMPOOL,
    warmup: HOURLY,
    compute: (read) => logCount(read.value('mempool-space:fee_half_hour')),
  },
  {
    name: 'fee_urgency',
    unit: 'log',
    formula: 'ln(fee rate for the next block / economy fee rate), Bitcoin',
    reads: ['mempool-space:fee_fastest', 'mempool-space:fee_economy'],
    source: MEMPOOL,
    warmup: HOURLY,
    compute: (read) => logRatio(read.value('mempool-space:fee_fastest'), read.value('mempool-space:fee_economy')),
  },
  {
    name: 'mempool_blocks',
    unit: 'log count',
    formula: 'ln(1 + blocks that the waiting transactions of Bitcoin would fill)',
    reads: ['mempool-space:mempool_vsize'],
    source: MEMPOOL,
    warmup: HOURLY,
    compute: (read) => logCount(read.value('mempool-space:mempool_vsize') / 1e6),
  },
];

const USE: readonly ContextFeature[] = [
  logChangeOver('active_addresses_chg_7d', 'coin-metrics:active_addresses.{asset}', 7, 'active addresses, one day', COIN_METRICS),
  logChangeOver('tx_count_chg_7d', 'coin-metrics:transactions.{asset}', 7, 'transactions, one day', COIN_METRICS),
  logChangeOver('unique_addresses_chg_7d', ADDRESSES, 7, 'addresses used, one day', { source: CHARTS, cadence: DAILY }),
  {
    name: 'tx_per_address',
    unit: 'log',
    formula: 'ln(transactions / addresses used), one day',
    reads: [TRANSACTIONS, ADDRESSES],
    source: CHARTS,
    warmup: DAILY,
    compute: (read) => logRatio(read.value(TRANSACTIONS), read.value(ADDRESSES)),
  },
  {
    name: 'nvt',
    unit: 'log days',
    formula: 'ln(market capitalisation / value moved on the chain in a day), dollars',
    reads: [CAP, MOVED],
    source: `${CHARTS} (estimated transaction value), CoinGecko`,
    warmup: DAILY,
    compute: (read) => logRatio(read.value(CAP), read.value(MOVED)),
  },
];

const STABLECOINS: readonly ContextFeature[] = [
  logChangeOver('stablecoin_supply_chg_7d', STABLES, 7, 'dollar stablecoins in circulation', LLAMA),
  {
    name: 'stablecoin_supply_ratio',
    unit: 'log',
    formula: 'ln(market capitalisation of all coins / dollar stablecoins in circulation)',
    reads: [TOTAL_CAP, STABLES],
    source: LLAMA.source,
    warmup: DAILY,
    compute: (read) => logRatio(read.value(TOTAL_CAP), read.value(STABLES)),
  },
  logChangeOver('usdt_supply_chg_7d', 'defillama:usdt_supply', 7, 'Tether in circulation', LLAMA),
];

export const fundamentalNetworkBlock = contextBlock('C', [...MINING, ...USE, ...STABLECOINS]);
