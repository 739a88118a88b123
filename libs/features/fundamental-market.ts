/** Category C, capitalisation: what CoinGecko says of each coin and of the market as a whole. */
import { contextBlock, type ContextFeature, type ContextReader } from './context-block.ts';
import {
  changeWarmup,
  difference,
  HOURLY,
  ln,
  logOfPercent,
  logChange,
  logChangeOver,
  logRatio,
} from './fundamental-arithmetic.ts';

const MARKETS = 'CoinGecko /coins/markets';
const GLOBAL = 'CoinGecko /global';
const CAP = 'coingecko:market_cap.{asset}';
const VOLUME = 'coingecko:volume_24h.{asset}';
const CIRCULATING = 'coingecko:circulating_supply.{asset}';
const TOTAL_SUPPLY = 'coingecko:total_supply.{asset}';
const MAX_SUPPLY = 'coingecko:max_supply.{asset}';
const DILUTED = 'coingecko:fully_diluted_valuation.{asset}';
const TOTAL_CAP = 'coingecko:total_market_cap';
const TOTAL_VOLUME = 'coingecko:total_volume_24h';
const DOMINANCE = { btc: 'coingecko:btc_dominance', eth: 'coingecko:eth_dominance' } as const;

const COIN: readonly ContextFeature[] = [
  {
    name: 'market_cap_ln',
    unit: 'log USD',
    formula: 'ln(market capitalisation)',
    reads: [CAP],
    source: MARKETS,
    warmup: HOURLY,
    compute: (read) => ln(read.value(CAP)),
  },
  {
    name: 'market_cap_rank',
    unit: 'log rank',
    formula: 'ln(rank by market capitalisation), the largest 0',
    reads: ['coingecko:market_cap_rank.{asset}'],
    source: MARKETS,
    warmup: HOURLY,
    compute: (read) => ln(read.value('coingecko:market_cap_rank.{asset}')),
  },
  {
    name: 'market_cap_chg_24h',
    unit: 'log',
    formula: 'ln(market capitalisation / that of a day before)',
    reads: [CAP],
    source: MARKETS,
    warmup: changeWarmup(1),
    compute: (read) => logChange(read, CAP, 1),
  },
  {
    name: 'volume_to_mcap',
    unit: 'log',
    formula: 'ln(traded value of 24 h / market capitalisation)',
    reads: [VOLUME, CAP],
    source: MARKETS,
    warmup: HOURLY,
    compute: (read) => logRatio(read.value(VOLUME), read.value(CAP)),
  },
  {
    name: 'volume_chg_1d',
    unit: 'log',
    formula: 'ln(traded value of 24 h / that of a day before)',
    reads: [VOLUME],
    source: MARKETS,
    warmup: changeWarmup(1),
    compute: (read) => logChange(read, VOLUME, 1),
  },
  {
    name: 'circulating_ratio',
    unit: '0..1',
    formula: 'circulating supply / largest possible supply, or total supply where there is no limit',
    reads: [CIRCULATING, MAX_SUPPLY, TOTAL_SUPPLY],
    source: MARKETS,
    warmup: HOURLY,
    compute: circulatingRatio,
  },
  logChangeOver('circulating_supply_chg_30d', CIRCULATING, 30, 'circulating supply', { source: MARKETS, cadence: HOURLY }),
  {
    name: 'fdv_to_mcap',
    unit: 'log',
    formula: 'ln(fully diluted valuation / market capitalisation)',
    reads: [DILUTED, CAP],
    source: MARKETS,
    warmup: HOURLY,
    compute: (read) => logRatio(read.value(DILUTED), read.value(CAP)),
  },
  {
    name: 'ath_drawdown',
    unit: 'log',
    formula: 'ln(price / highest price ever), dollars',
    reads: ['coingecko:ath_change_pct.{asset}'],
    source: MARKETS,
    warmup: HOURLY,
    compute: (read) => logOfPercent(read.value('coingecko:ath_change_pct.{asset}')),
  },
  {
    name: 'perp_oi_to_mcap',
    unit: 'log',
    formula: 'ln(open interest of perpetual futures over all exchanges / market capitalisation)',
    reads: ['coingecko:perp_open_interest.{asset}', CAP],
    source: 'CoinGecko /derivatives',
    warmup: HOURLY,
    compute: (read) => logRatio(read.value('coingecko:perp_open_interest.{asset}'), read.value(CAP)),
  },
];

const MARKET: readonly ContextFeature[] = [
  ...(['btc', 'eth'] as const).flatMap((coin) => dominance(coin)),
  {
    name: 'asset_dominance',
    unit: 'log',
    formula: 'ln(market capitalisation / that of all coins)',
    reads: [CAP, TOTAL_CAP],
    source: GLOBAL,
    warmup: HOURLY,
    compute: (read) => logRatio(read.value(CAP), read.value(TOTAL_CAP)),
  },
  {
    name: 'total_mcap_chg_24h',
    unit: 'log',
    formula: 'ln(1 + change of the capitalisation of all coins over 24 h), as the source gives it',
    reads: ['coingecko:total_market_cap_change_24h_pct'],
    source: GLOBAL,
    warmup: HOURLY,
    compute: (read) => logOfPercent(read.value('coingecko:total_market_cap_change_24h_pct')),
  },
  logChangeOver('total_mcap_chg_7d', TOTAL_CAP, 7, 'market capitalisation of all coins', { source: GLOBAL, cadence: HOURLY }),
  {
    name: 'total_volume_to_mcap',
    unit: 'log',
    formula: 'ln(traded value of 24 h / market capitalisation), all coins',
    reads: [TOTAL_VOLUME, TOTAL_CAP],
    source: GLOBAL,
    warmup: HOURLY,
    compute: (read) => logRatio(read.value(TOTAL_VOLUME), read.value(TOTAL_CAP)),
  },
];

export const fundamentalMarketBlock = contextBlock('C', [...COIN, ...MARKET]);

function dominance(coin: 'btc' | 'eth'): readonly ContextFeature[] {
  const series = DOMINANCE[coin];
  const level: ContextFeature = {
    name: `${coin}_dominance`,
    unit: '0..1',
    formula: `share of ${coin.toUpperCase()} in the market capitalisation of all coins`,
    reads: [series],
    source: GLOBAL,
    warmup: HOURLY,
    compute: (read) => read.value(series) / 100,
  };
  const changes = [1, 7].map((days): ContextFeature => ({
    name: `${coin}_dominance_chg_${days}d`,
    unit: 'difference',
    formula: `${coin}_dominance less that of ${days === 1 ? 'a day' : `${days} days`} before`,
    reads: [series],
    source: GLOBAL,
    warmup: changeWarmup(days),
    compute: (read) => difference(read, series, days) / 100,
  }));
  return [level, ...changes];
}

function circulatingRatio(read: ContextReader): number {
  const max = read.value(MAX_SUPPLY);
  const limit = max > 0 ? max : read.value(TOTAL_SUPPLY);
  const circulating = read.value(CIRCULATING);
  return circulating > 0 && limit > 0 ? circulating / limit : NaN;
}
