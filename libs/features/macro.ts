/** Category D: equities, volatility, the dollar, gold and yields, and how Bitcoin has moved with them. */
import { DAY_MS } from '../calendar/dates.ts';
import { newYorkClock } from '../calendar/zones.ts';
import { arbitrageBlock } from './arbitrage.ts';
import { type Feature, type MinuteBlock } from './declaration.ts';
import { type DailyValue, dailyValues, firstServing } from './daily-series.ts';
import { derivativesBlock } from './derivatives.ts';
import { fundFlowBlock, positioningBlock, premiumBlock } from './institutional.ts';
import { isFresh, preferred } from './references.ts';
import { volatilityPremiumBlock } from './volatility-premium.ts';

/** In order of preference; the first that answers is used alone. */
const SERIES = {
  spx: ['fred:sp500', 'yahoo:sp500'],
  gold: ['yahoo:gold'],
  dxy: ['fred:dollar_index', 'yahoo:dxy'],
  us10y: ['fred:us10y', 'yahoo:us10y'],
  vix: ['cboe:vix', 'fred:vix', 'yahoo:vix'],
} as const;

const BITCOIN_SOURCES = ['coinbase', 'kraken', 'binanceus', 'cryptocom'];
const DAYS = 30;
/** 30 days are 20 to 22 trading days. */
const LEAST_RETURNS = 12;
const CLOSE_HOUR = 16;
const WEEK_MINUTES = 10 * 1440;

interface BitcoinCloses {
  /** ln of the BTC-USD reference at 16:00 in New York by day, newest last, at most 31. */
  closes: { day: number; price: number }[];
  /** By correlation: its value, and what it was made of, so that it is made once for each change. */
  readonly made: { from: string; value: number }[];
}

function correlation(key: 'spx' | 'gold' | 'dxy' | 'us10y', what: string): Feature {
  return {
    name: `corr_${key}_30d`,
    unit: '-1..1',
    formula:
      `Pearson correlation of ${what} from one trading day to the next with the log return of the BTC-USD reference between ` +
      `16:00 in New York on the same two days, over the last ${DAYS} days, at least ${LEAST_RETURNS} pairs`,
    inputs: ['context', 'references'],
    reads: SERIES[key],
    warmup: (DAYS + 2) * 1440,
  };
}

const CORRELATIONS = [
  { key: 'spx', what: 'log returns of the S&P 500' },
  { key: 'gold', what: 'log returns of gold' },
  { key: 'dxy', what: 'log returns of the US dollar index' },
  { key: 'us10y', what: 'changes of the US 10-year yield' },
] as const;

export const correlationBlock: MinuteBlock<BitcoinCloses> = {
  kind: 'minute',
  category: 'D',
  scope: 'asset',
  features: CORRELATIONS.map(({ key, what }) => correlation(key, what)),
  create: () => ({ closes: [], made: CORRELATIONS.map(() => ({ from: '', value: NaN })) }),
  write: (state, { context, references, t }, out, at) => {
    const today = Math.floor(t / DAY_MS);
    const { closes, made } = state;
    if (newYorkClock(t) % DAY_MS === CLOSE_HOUR * 3_600_000) {
      const bitcoin = preferred(references, BITCOIN_SOURCES, 'BTC-USD', t);
      if (bitcoin !== undefined && isFresh(bitcoin, t)) closes.push({ day: today, price: Math.log(bitcoin.value) });
      while (closes.length > 0 && closes[0]!.day < today - DAYS) closes.shift();
    }
    CORRELATIONS.forEach(({ key }, index) => {
      const series = firstServing(context, SERIES[key], t);
      if (series === undefined) return;
      const cached = made[index]!;
      const { lastSeq, pending } = context.get(series)!;
      const from = `${series} ${lastSeq} ${pending.length} ${today} ${closes.at(-1)?.day}`;
      if (cached.from !== from) {
        const daily = dailyValues(context, series, t, DAYS + 1).filter(({ day }) => day >= today - DAYS);
        Object.assign(cached, { from, value: correlationOf(daily, closes, key === 'us10y') });
      }
      out[at + index] = cached.value;
    });
  },
};

/** `daily` newest first. A pair counts where Bitcoin's price is known on both days. */
function correlationOf(daily: readonly DailyValue[], closes: BitcoinCloses['closes'], isYield: boolean): number {
  const priceOn = new Map(closes.map(({ day, price }) => [day, price]));
  const xs: number[] = [];
  const ys: number[] = [];
  for (let i = 0; i + 1 < daily.length; i++) {
    const [newer, older] = [daily[i]!, daily[i + 1]!];
    const y = (priceOn.get(newer.day) ?? NaN) - (priceOn.get(older.day) ?? NaN);
    const x = isYield ? newer.value - older.value : Math.log(newer.value / older.value);
    if (Number.isNaN(x - y)) continue;
    xs.push(x);
    ys.push(y);
  }
  return xs.length < LEAST_RETURNS ? NaN : pearson(xs, ys);
}

function pearson(xs: readonly number[], ys: readonly number[]): number {
  const middle = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [middle(xs), middle(ys)];
  let xx = 0;
  let yy = 0;
  let xy = 0;
  xs.forEach((x, i) => {
    xx += (x - meanX) ** 2;
    yy += (ys[i]! - meanY) ** 2;
    xy += (x - meanX) * (ys[i]! - meanY);
  });
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : NaN;
}

const levels = { inputs: ['context'], warmup: WEEK_MINUTES } as const;

export const macroBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'D',
  scope: 'asset',
  features: [
    { ...levels, name: 'vix', unit: 'per year', formula: 'close of the VIX / 100, newest day published', reads: SERIES.vix },
    { ...levels, name: 'vix_chg_1d', unit: 'log', formula: 'ln(VIX / that of the trading day before)', reads: SERIES.vix },
    {
      ...levels,
      name: 'dxy_chg_5d',
      unit: 'log',
      formula: "ln(US dollar index / that of five trading days before); FRED's broad trade-weighted index, without it the DXY",
      reads: SERIES.dxy,
    },
    { ...levels, name: 'spx_ret_1d', unit: 'log', formula: 'ln(S&P 500 / that of the trading day before)', reads: SERIES.spx },
    {
      ...levels,
      name: 'us10y_chg_5d',
      unit: 'percentage points',
      formula: 'US 10-year yield less that of five trading days before',
      reads: SERIES.us10y,
    },
  ],
  create: () => null,
  write: (_state, { context, t }, out, at) => {
    const back = (keys: readonly string[], days: number): readonly [number, number] => {
      const series = firstServing(context, keys, t);
      const daily = series === undefined ? [] : dailyValues(context, series, t, days + 1);
      return [daily[0]?.value ?? NaN, daily[days]?.value ?? NaN];
    };
    const [vix, vixBefore] = back(SERIES.vix, 1);
    const [dollar, dollarBefore] = back(SERIES.dxy, 5);
    const [equities, equitiesBefore] = back(SERIES.spx, 1);
    const [bond, bondBefore] = back(SERIES.us10y, 5);
    out[at] = vix / 100;
    out[at + 1] = Math.log(vix / vixBefore);
    out[at + 2] = Math.log(dollar / dollarBefore);
    out[at + 3] = Math.log(equities / equitiesBefore);
    out[at + 4] = bond - bondBefore;
  },
};

/** Category D, in the order of its columns. */
export const MACRO_BLOCKS = [
  arbitrageBlock,
  derivativesBlock,
  volatilityPremiumBlock,
  premiumBlock,
  fundFlowBlock,
  positioningBlock,
  macroBlock,
  correlationBlock,
] as const;
