/** Category D: funding, open interest, options and basis, from context values; and DVOL as crypto's fear gauge (B). */
import { contextBlock, type ContextFeature, type ContextReader } from './context-block.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A series that comes once an hour has come within so many minutes. */
const ONE_HOUR = 60;
/** Twice an hour and a day back. */
const TWO_HOURS = 121;
const ONE_DAY = 1500;
const FUNDING_VENUES = [
  { label: 'kraken', source: 'kraken-futures' },
  { label: 'binance', source: 'binance-futures' },
  { label: 'bybit', source: 'bybit' },
  { label: 'okx', source: 'okx' },
  { label: 'deribit', source: 'deribit' },
  { label: 'hyperliquid', source: 'hyperliquid' },
] as const;

const FUNDING = FUNDING_VENUES.map(({ source }) => `${source}:funding_8h.{asset}`);
const OPEN_INTEREST = FUNDING_VENUES.map(({ source }) => `${source}:open_interest.{asset}`);
/** Those that pay at set times; the others pay every hour or continuously. */
const INTERVALS = ['binance-futures', 'bybit', 'okx'].map((source) => `${source}:funding_interval.{asset}`);
const BASIS = ['deribit:basis.{asset}', 'kraken-futures:basis.{asset}'];

const FUNDING_FEATURES: readonly ContextFeature[] = [
  ...FUNDING_VENUES.map(({ label, source }) => ({
    name: `funding_${label}`,
    unit: 'bps per 8 h',
    formula: `funding rate of the perpetual on ${label}, x 8 / hours of its interval, x 1e4; positive = longs pay`,
    reads: [`${source}:funding_8h.{asset}`],
    warmup: ONE_HOUR,
    compute: ({ value }: ContextReader) => value(`${source}:funding_8h.{asset}`) * 1e4,
  })),
  {
    name: 'funding_mean',
    unit: 'bps per 8 h',
    formula: 'mean of the funding rates of the venues that answer, x 1e4',
    reads: FUNDING,
    warmup: ONE_HOUR,
    compute: ({ value }) => mean(known(FUNDING.map(value))) * 1e4,
  },
  {
    name: 'funding_dispersion',
    unit: 'bps per 8 h',
    formula: 'sample sd of the funding rates of the venues that answer, at least two, x 1e4',
    reads: FUNDING,
    warmup: ONE_HOUR,
    compute: ({ value }) => sampleDeviation(known(FUNDING.map(value))) * 1e4,
  },
  {
    name: 'minutes_to_funding',
    unit: 'min',
    formula:
      'to the next whole multiple since 00:00 UTC of the shortest funding interval that Binance, Bybit or OKX states, 8 h where none does',
    reads: INTERVALS,
    warmup: ONE_HOUR,
    compute: ({ value, t }) => {
      const interval = Math.min(8, ...known(INTERVALS.map(value))) * HOUR;
      return (interval - ((t % DAY) % interval)) / 60_000;
    },
  },
];

const OPEN_INTEREST_FEATURES: readonly ContextFeature[] = [
  { label: '1h', ms: HOUR, warmup: TWO_HOURS },
  { label: '1d', ms: DAY, warmup: ONE_DAY },
].map(({ label, ms, warmup }) => ({
  name: `open_interest_chg_${label}`,
  unit: 'log',
  formula: `ln(open interest now / ${label} before), base units, summed over the venues that have both`,
  reads: OPEN_INTEREST,
  warmup,
  compute: (read: ContextReader) => changeOfSum(OPEN_INTEREST, ms, read),
}));

const OPTION_FEATURES: readonly ContextFeature[] = [
  {
    name: 'put_call_volume',
    unit: 'log',
    formula: 'ln(puts / calls) of the base units of options traded on Deribit in 24 h, block trades included',
    reads: ['deribit:put_call_volume.{asset}'],
    source: 'Deribit public/get_trade_volumes',
    warmup: ONE_HOUR,
    compute: ({ value }) => Math.log(value('deribit:put_call_volume.{asset}')),
  },
  {
    name: 'put_call_oi',
    unit: 'log',
    formula: 'ln(puts / calls) of the open interest of all options on Deribit',
    reads: ['deribit:put_call_oi.{asset}'],
    source: 'Deribit public/get_book_summary_by_currency',
    warmup: ONE_HOUR,
    compute: ({ value }) => Math.log(value('deribit:put_call_oi.{asset}')),
  },
  {
    name: 'atm_iv_7d',
    unit: 'per year',
    formula: 'implied volatility at the forward, 7 days out: total variance linear in time between the expiries around',
    reads: ['deribit:atm_iv_7d.{asset}'],
    source: 'mark volatilities of Deribit',
    warmup: ONE_HOUR,
    compute: ({ value }) => value('deribit:atm_iv_7d.{asset}'),
  },
  {
    name: 'skew_25d_7d',
    unit: 'per year',
    formula: 'implied volatility of the put of Black-76 delta -0.25 less that of the call of delta 0.25, 7 days out',
    reads: ['deribit:skew_25d_7d.{asset}'],
    source: 'Black (1976); mark volatilities of Deribit',
    warmup: ONE_HOUR,
    compute: ({ value }) => value('deribit:skew_25d_7d.{asset}'),
  },
  {
    name: 'dvol',
    unit: 'per year',
    formula: "the asset's DVOL index / 100: 30-day implied volatility",
    reads: ['deribit:dvol.{asset}'],
    source: 'Deribit public/get_volatility_index_data',
    warmup: ONE_HOUR,
    compute: ({ value }) => value('deribit:dvol.{asset}') / 100,
  },
];

const BASIS_FEATURES: readonly ContextFeature[] = [
  {
    name: 'futures_basis',
    unit: 'per year',
    formula:
      'mean of Deribit and Kraken: ln(mark of the future that ends nearest 60 days from now, 20 to 100 / index) x 365 / days',
    reads: BASIS,
    warmup: ONE_HOUR,
    compute: ({ value }) => mean(known(BASIS.map(value))),
  },
  {
    name: 'futures_basis_chg_1d',
    unit: 'per year',
    formula: 'futures_basis less what it was 1 day before, over the venues that have both',
    reads: BASIS,
    warmup: ONE_DAY,
    compute: ({ value, before }) => mean(known(BASIS.map((series) => value(series) - before(series, DAY)))),
  },
];

export const derivativesBlock = contextBlock('D', [
  ...FUNDING_FEATURES,
  ...OPEN_INTEREST_FEATURES,
  ...OPTION_FEATURES,
  ...BASIS_FEATURES,
]);

const BITCOIN_DVOL = 'deribit:dvol.BTC';

/** The same for every asset: the market's fear gauge is Bitcoin's. */
export const cryptoVixBlock = contextBlock('B', [
  {
    name: 'crypto_vix',
    unit: 'per year',
    formula: 'DVOL of Bitcoin / 100, for every asset',
    reads: [BITCOIN_DVOL],
    source: 'Deribit public/get_volatility_index_data',
    warmup: ONE_HOUR,
    compute: ({ value }) => value(BITCOIN_DVOL) / 100,
  },
  {
    name: 'crypto_vix_chg_1d',
    unit: 'log',
    formula: 'ln(DVOL of Bitcoin now / 1 day before)',
    reads: [BITCOIN_DVOL],
    source: 'Deribit public/get_volatility_index_data',
    warmup: ONE_DAY,
    compute: ({ value, before }) => Math.log(value(BITCOIN_DVOL) / before(BITCOIN_DVOL, DAY)),
  },
]);

function changeOfSum(series: readonly string[], ms: number, { value, before }: ContextReader): number {
  let now = 0;
  let then = 0;
  for (const name of series) {
    const newest = value(name);
    const older = before(name, ms);
    if (Number.isNaN(newest) || Number.isNaN(older)) continue;
    now += newest;
    then += older;
  }
  return then > 0 ? Math.log(now / then) : NaN;
}

function known(values: readonly number[]): readonly number[] {
  return values.filter((value) => !Number.isNaN(value));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function sampleDeviation(values: readonly number[]): number {
  if (values.length < 2) return NaN;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}
