/** How good a trial's out-of-fold predictions are, over the decisions of all heads together. */
import { takerFeeBps, usualHalfSpreadBps } from '#libs/market/fees.ts';
import { coverageAt68, type Prediction } from '#libs/validation/metrics.ts';
import { hourlyReturns, judgedTrades, type PaperTrade } from '#libs/validation/paper.ts';
import { sharpeRatio } from '#libs/validation/sharpe.ts';
import { FLAT, UP, VOID } from '#libs/validation/labels.ts';
import { type HeadData } from '#services/training/head-data.ts';
import { type TrialRow } from '#libs/store/trials.ts';

export interface HeadPredictions {
  readonly data: HeadData;
  /** Of the head's table. */
  readonly rows: Int32Array;
  /** Probability of up for each of `rows`. */
  readonly probabilities: Float64Array;
}

export type Score = Pick<
  TrialRow,
  | 'moves'
  | 'logLoss'
  | 'brier'
  | 'accuracy'
  | 'coverageAt68'
  | 'decisions'
  | 'signals'
  | 'hours'
  | 'netMeanBps'
  | 'netDeviationBps'
  | 'grossSharpe'
  | 'netSharpe'
>;

/** The paper strategy speaks from here on: a fixed level, since one chosen on the same fold would know its outcomes. */
const SPEAKS_AT = 0.68;
/** A certainty that fails costs this much and not infinitely much. */
const LEAST = 1e-6;

export function scoreOf(heads: readonly HeadPredictions[]): Score {
  const decisions = heads.flatMap(decisionsOf);
  const moves = decisions.filter(({ y }) => y !== FLAT);
  const ranked = moves.toSorted((a, b) => Math.abs(b.probabilityUp - 0.5) - Math.abs(a.probabilityUp - 0.5));
  const trades = heads.flatMap(tradesOf);
  const times = decisions.map(({ t }) => t);
  const [from, to] = [times.reduce((least, t) => Math.min(least, t), Infinity), times.reduce((most, t) => Math.max(most, t), 0)];
  const [gross, net] = [hourlyReturns(trades, 'gross', from, to + 1), hourlyReturns(trades, 'net', from, to + 1)];
  const hours = [...net.values];
  const netMeanBps = mean(hours, (earned) => earned);
  return {
    moves: moves.length,
    logLoss: mean(moves, ({ probabilityUp: p, y }) => -Math.log(Math.max(LEAST, y === UP ? p : 1 - p))),
    brier: mean(moves, ({ probabilityUp: p, y }) => (p - Number(y === UP)) ** 2),
    accuracy: mean(moves, ({ probabilityUp: p, y }) => Number(p > 0.5 === y > 0)),
    coverageAt68: coverageAt68(ranked),
    decisions: decisions.length,
    signals: trades.length,
    hours: hours.length,
    netMeanBps,
    netDeviationBps: Math.sqrt(mean(hours, (earned) => (earned - netMeanBps) ** 2)),
    grossSharpe: sharpeRatio(gross),
    netSharpe: sharpeRatio(net),
  };
}

/** Those with an outcome. */
function decisionsOf({ data, rows, probabilities }: HeadPredictions): Prediction[] {
  return [...rows]
    .map((row, i) => {
      const [probabilityUp, y] = [probabilities[i]!, data.y[row]!];
      const speaks = Math.max(probabilityUp, 1 - probabilityUp) >= SPEAKS_AT;
      return { t: data.table.t[row]!, probabilityUp, signal: !speaks ? 0 : probabilityUp > 0.5 ? 1 : -1, y };
    })
    .filter(({ y }) => y !== VOID);
}

/** In and out as a taker. */
function tradesOf(head: HeadPredictions): PaperTrade[] {
  const { table, y, size } = head.data;
  const returns = new Map(Array.from(head.rows, (row) => [table.t[row]!, y[row]! * size[row]!]));
  const { venue } = table;
  return judgedTrades(decisionsOf(head), returns, {
    takerFeeBps: takerFeeBps(venue),
    halfSpreadBps: usualHalfSpreadBps(venue),
  });
}

function mean<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0) / items.length;
}
