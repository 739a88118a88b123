/**
 * The paper strategy: one stake a signal, in at the first trade at or after publication, out at the last within the horizon. Whatever a head
 * predicts, it is paid by that `entry` return: nobody can still trade at the price before. Positions of overlapping horizons stand side by side.
 * It is run by the account that trades on paper live (libs/paper).
 */
import { HORIZON_MS, type Horizon } from '../market/horizon.ts';
import { earned, PaperAccount } from '../paper/account.ts';
import { paperOptionsSchema } from '../paper/options.ts';
import { blockBootstrap, blocksOf } from './intervals.ts';
import { type MinuteSeries } from './labels.ts';
import { type Prediction, type Range, rangeOf } from './metrics.ts';
import {
  ANNUAL,
  deflatedSharpe,
  HOUR_MS,
  type HourlyReturns,
  sharpeDifference,
  sharpeInterval,
  sharpeRatio,
  type Trials,
} from './sharpe.ts';

export interface PaperTrade {
  /** Of the decision, milliseconds. */
  readonly t: number;
  /** Basis points of the stake, before costs and after. */
  readonly gross: number;
  readonly net: number;
}

/** One way, basis points of a trade's value. */
export interface TakerCosts {
  readonly takerFeeBps: number;
  readonly halfSpreadBps: number;
}

const MINUTE = 60_000;

/** Over candles: an open is a trade at the start of its minute, a close one at its end. */
export function paperTrades(
  predictions: readonly Prediction[],
  series: MinuteSeries,
  horizon: Horizon,
  costs: TakerCosts,
): PaperTrade[] {
  const trades: PaperTrade[] = [];
  const most = Number.MAX_VALUE;
  const unlimited = { capital: 1, stake: 1, maxPosition: most, dailyLoss: most, maxDrawdown: most };
  const options = paperOptionsSchema.parse({
    ...unlimited,
    ...costs,
    latencyMs: 0,
    patienceMs: HORIZON_MS[horizon],
    exit: 'within',
  });
  const account = new PaperAccount(series.venue, options, { closed: ({ t, gross, net }) => trades.push({ t, gross, net }) });
  const signals = predictions.filter(({ signal }) => signal !== 0).toSorted((a, b) => a.t - b.t);
  let next = 0;
  const first = Math.max(0, Math.floor(((signals[0]?.t ?? 0) - series.from) / MINUTE));
  for (let minute = first; minute < series.open.length && signals.length > 0; minute++) {
    const start = series.from + minute * MINUTE;
    for (; next < signals.length && signals[next]!.t <= start; next++) {
      const { t, signal } = signals[next]!;
      account.order({ id: String(t), horizon, t, publishedAt: t, side: signal > 0 ? 1 : -1 });
    }
    account.meet({ kind: 'print', time: start, price: series.open[minute]! });
    account.meet({ kind: 'print', time: start + MINUTE - 1, price: series.close[minute]! });
  }
  account.clock(Infinity);
  return trades;
}

/** Where no more is known than what each decision came to: log return from entry to exit by t; none or NaN = nobody to trade with. */
export function judgedTrades(
  predictions: readonly Prediction[],
  returns: ReadonlyMap<number, number>,
  { takerFeeBps, halfSpreadBps }: TakerCosts,
): PaperTrade[] {
  return predictions.flatMap(({ t, signal }) => {
    const move = returns.get(t);
    if (signal === 0 || move === undefined || Number.isNaN(move)) return [];
    return [{ t, ...earned(signal, move, 2 * (takerFeeBps + halfSpreadBps)) }];
  });
}

/** Field names are those of the report file. Sharpe ratios are annual: hourly ones times the root of 8,760. */
export interface SharpeAssessment {
  readonly sharpe: number;
  /** Block bootstrap. */
  readonly range: Range | null;
  /** Less the incumbent's over the same hours; null where there is no incumbent. */
  readonly above_incumbent: { readonly difference: number; readonly range: Range | null } | null;
  /** Best of as many trials without skill, on average; and that the true ratio is above it. */
  readonly deflated: { readonly expected_best: number; readonly probability: number };
}

export interface PaperAssessment {
  readonly trades: number;
  readonly hours: number;
  /** Mean of a trade, basis points; null without any. */
  readonly gross_bps: number | null;
  readonly gross_bps_range: Range | null;
  readonly net_bps: number | null;
  readonly net_bps_range: Range | null;
  readonly gross: SharpeAssessment;
  readonly net: SharpeAssessment;
}

export interface PaperOptions {
  /** The time that was decided, milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly seed: number;
  readonly incumbent?: readonly PaperTrade[] | undefined;
  readonly trials: Readonly<Record<Side, Trials>>;
}

/** Before costs or after. */
export type Side = 'gross' | 'net';

export function assessPaper(trades: readonly PaperTrade[], options: PaperOptions): PaperAssessment {
  const { from, to, seed, incumbent, trials } = options;
  const sharpeOf = (side: Side): SharpeAssessment => {
    const returns = hourlyReturns(trades, side, from, to);
    const other = incumbent === undefined ? undefined : hourlyReturns(incumbent, side, from, to);
    const ratio = sharpeRatio(returns);
    const { expectedBest, probability } = deflatedSharpe(returns, trials[side]);
    return {
      sharpe: ratio * ANNUAL,
      range: annual(rangeOf(sharpeInterval(returns, seed))),
      above_incumbent:
        other === undefined
          ? null
          : {
              difference: (ratio - sharpeRatio(other)) * ANNUAL,
              range: annual(rangeOf(sharpeDifference(returns, other, seed))),
            },
      deflated: { expected_best: expectedBest * ANNUAL, probability },
    };
  };
  const meanOf = (side: Side): { mean: number | null; range: Range | null } => {
    const blocks = blocksOf(
      trades.map(({ t }) => t),
      trades.map((trade) => trade[side]),
    );
    const mean = trades.length === 0 ? null : trades.reduce((sum, trade) => sum + trade[side], 0) / trades.length;
    return { mean, range: rangeOf(blockBootstrap(blocks, seed)) };
  };
  const [gross, net] = [meanOf('gross'), meanOf('net')];
  return {
    trades: trades.length,
    hours: hourlyReturns([], 'net', from, to).values.length,
    gross_bps: gross.mean,
    gross_bps_range: gross.range,
    net_bps: net.mean,
    net_bps_range: net.range,
    gross: sharpeOf('gross'),
    net: sharpeOf('net'),
  };
}

/** A trade counts to the hour of its decision. */
export function hourlyReturns(trades: readonly PaperTrade[], side: Side, from: number, to: number): HourlyReturns {
  const first = Math.floor(from / HOUR_MS);
  const values = new Float64Array(Math.max(0, Math.ceil(to / HOUR_MS) - first));
  for (const trade of trades) values[Math.floor(trade.t / HOUR_MS) - first]! += trade[side];
  return { from: first, values };
}

function annual(range: Range | null): Range | null {
  return range === null ? null : [range[0] * ANNUAL, range[1] * ANNUAL];
}
