/**
 * The oracle that fits any history of candles: formulas written out over whole windows of the user's own minutes, nothing carried along.
 * It judges what depends on one instrument's last day; every column has golden values besides (libs/features/golden).
 */
import { type FeatureVector } from '../../wire/tributary/v1/features.ts';
import { type Tick } from '../../wire/tributary/v1/market.ts';
import { COLUMNS } from '../catalogue.ts';
import { type CheckResult } from './checks.ts';

const MINUTE = 60_000;
const DAY = 1440;
const SAMPLES = 40;
/** Of the value, or of 1e-3 where it is smaller: Float32 and what a running sum may lose. */
const TOLERANCE = 1e-6;
const SMALL = 1e-3;

interface Minute {
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** The last day of minutes, the newest last. */
type Formula = (day: readonly Minute[]) => number;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const last = (day: readonly Minute[], n: number): readonly Minute[] => day.slice(day.length - n);
const closes = (day: readonly Minute[], n: number): number[] => last(day, n).map(({ close }) => close);
const now = (day: readonly Minute[]): Minute => day.at(-1)!;
const highest = (day: readonly Minute[], n: number): number => Math.max(...last(day, n).map(({ high }) => high));
const lowest = (day: readonly Minute[], n: number): number => Math.min(...last(day, n).map(({ low }) => low));
const location = ({ high, low, close }: Minute): number => (high > low ? (2 * close - high - low) / (high - low) : 0);

const FORMULAS: Readonly<Record<string, Formula>> = {
  ...each({ '1m': 1, '5m': 5, '15m': 15, '1h': 60, '4h': 240 }, (w, n) => [
    `ret_${w}.close@1`,
    (day) => Math.log(now(day).close / day.at(-1 - n)!.close),
  ]),
  ...each({ '20': 20, '50': 50, '200': 200 }, (w, n) => [
    `sma_dist_${w}.1m@1`,
    (day) => Math.log(now(day).close / (sum(closes(day, n)) / n)),
  ]),
  ...each({ '5m': 5, '1h': 60 }, (w, n) => [
    `realized_vol_${w}@1`,
    (day) => {
      const prices = closes(day, n + 1);
      const squares = prices.slice(1).map((price, i) => Math.log(price / prices[i]!) ** 2);
      return Math.sqrt((sum(squares) / n) * 525_600);
    },
  ]),
  ...each({ '15m': 15, '1h': 60 }, (w, n) => [
    `vwap_dev_${w}@1`,
    (day) => {
      const value = sum(last(day, n).map(({ high, low, close, volume }) => ((high + low + close) / 3) * volume));
      return Math.log((now(day).close * sum(last(day, n).map(({ volume }) => volume))) / value);
    },
  ]),
  'range.1m@1': (day) => (now(day).high - now(day).low) / now(day).close,
  'clv.1m@1': (day) => location(now(day)),
  'roc_10.1m@1': (day) => 100 * (now(day).close / day.at(-11)!.close - 1),
  'williams_r_14.1m@1': (day) => {
    const [high, low] = [highest(day, 14), lowest(day, 14)];
    return high > low ? (-100 * (high - now(day).close)) / (high - low) : 0;
  },
  'donchian_pos_20.1m@1': (day) => {
    const [high, low] = [highest(day, 20), lowest(day, 20)];
    return high > low ? (now(day).close - low) / (high - low) : 0.5;
  },
  'parkinson_vol_1h@1': (day) => {
    const squares = last(day, 60).map(({ high, low }) => Math.log(high / low) ** 2);
    return Math.sqrt((sum(squares) / 60 / (4 * Math.LN2)) * 525_600);
  },
  'cmf_20.1m@1': (day) => {
    const volume = sum(last(day, 20).map((minute) => minute.volume));
    return volume === 0 ? 0 : sum(last(day, 20).map((minute) => location(minute) * minute.volume)) / volume;
  },
};

function each(
  windows: Readonly<Record<string, number>>,
  make: (name: string, n: number) => [string, Formula],
): Record<string, Formula> {
  return Object.fromEntries(Object.entries(windows).map(([name, n]) => make(name, n)));
}

/** Compares vectors at up to 40 minutes of each instrument; a history without a day of candles is judged by nothing. */
export function checkWrittenOut(ticks: readonly Tick[], vectors: readonly FeatureVector[]): CheckResult {
  const minutes = minutesOf(ticks);
  const judged = new Set<string>();
  const problems = new Map<string, string>();
  const [from, to] = [vectors[0]!.t + (DAY + 1) * MINUTE, vectors.at(-1)!.t];
  const step = Math.max(1, Math.floor((to - from) / MINUTE / SAMPLES));
  for (const { venue, instrument, t, values } of vectors) {
    if (t < from || Math.round((t - from) / MINUTE) % step !== 0) continue;
    const day = dayBefore(minutes.get(`${venue}:${instrument}`), t);
    if (day === undefined) continue;
    for (const [name, formula] of Object.entries(FORMULAS)) {
      const value = values[COLUMNS.findIndex((column) => column.name === name)]!;
      const expected = formula(day);
      if (Number.isNaN(value) && !Number.isFinite(expected)) continue;
      judged.add(name);
      if (Math.abs(value - expected) <= TOLERANCE * Math.max(Math.abs(expected), SMALL)) continue;
      const when = new Date(t).toISOString();
      if (!problems.has(name))
        problems.set(name, `${name} of ${venue}:${instrument} at ${when}: ${value}, written out ${expected}`);
    }
  }
  return { name: 'oracle', columns: judged.size, problems: [...problems.values()] };
}

/** By instrument, traded minutes by their start. */
function minutesOf(ticks: readonly Tick[]): Map<string, Map<number, Minute>> {
  const minutes = new Map<string, Map<number, Minute>>();
  for (const { event, venue, instrument } of ticks) {
    if (event?.$case !== 'candle' || event.value.volume === 0) continue;
    const key = `${venue}:${instrument}`;
    const own = minutes.get(key) ?? new Map<number, Minute>();
    minutes.set(key, own);
    if (!own.has(event.value.start)) own.set(event.value.start, event.value);
  }
  return minutes;
}

/** 1440 minutes up to t, those without a trade flat at the close before them; undefined = the first had none before it. */
function dayBefore(minutes: ReadonlyMap<number, Minute> | undefined, t: number): readonly Minute[] | undefined {
  if (minutes === undefined) return undefined;
  const day: Minute[] = [];
  for (let start = t - DAY * MINUTE; start < t; start += MINUTE) {
    const traded = minutes.get(start);
    const close = day.at(-1)?.close;
    if (traded !== undefined) day.push(traded);
    else if (close !== undefined) day.push({ high: close, low: close, close, volume: 0 });
    else return undefined;
  }
  return day;
}
