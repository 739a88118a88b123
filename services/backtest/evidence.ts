/** What the page plots of a head: is a probability what it says, how accuracy falls with coverage, what the signals earned, what matters. */
import { FLAT, UP, VOID } from '#libs/validation/labels.ts';
import { blocksOf, effectiveTrials, wilson } from '#libs/validation/intervals.ts';
import { type Prediction, type Range, rangeOf } from '#libs/validation/metrics.ts';
import { type PaperTrade } from '#libs/validation/paper.ts';
import { type MemberImportance } from './importance.ts';

export interface ReliabilityBin {
  /** Mean of the probabilities in the bin, and the share of ups among its moves. */
  readonly said: number;
  readonly came: number;
  readonly moves: number;
  /** Of what came: Wilson's, 95 %, with the effective n; null where that is not known. */
  readonly range: Range | null;
}

export interface CurvePoint {
  readonly coverage: number;
  readonly accuracy: number;
}

export interface EquityPoint {
  /** Milliseconds. */
  readonly t: number;
  /** Sum over the trades so far, basis points of the stake: before costs, and after taker fee and half spread, once in and once out. */
  readonly gross: number;
  readonly net: number;
}

export interface Evidence {
  readonly reliability: readonly ReliabilityBin[];
  readonly curve: readonly CurvePoint[];
  readonly equity: readonly EquityPoint[];
  /** On the newest fold's test: of the members that see one row together, then of each network. */
  readonly importance: readonly MemberImportance[];
}

const BINS = 10;
const CURVE_POINTS = 50;
/** Fewest moves a point of the curve stands for. */
const CURVE_FROM = 50;

export function reliabilityOf(predictions: readonly Prediction[]): ReliabilityBin[] {
  const moves = predictions.filter(({ y }) => y !== VOID && y !== FLAT);
  return Array.from({ length: BINS }, (_, bin) =>
    moves.filter(({ probabilityUp: p }) => Math.min(BINS - 1, Math.floor(p * BINS)) === bin),
  )
    .filter((inside) => inside.length > 0)
    .map((inside) => {
      const came = inside.reduce((sum, p) => sum + Number(p.y === UP), 0) / inside.length;
      const trials = effectiveTrials(
        blocksOf(
          inside.map(({ t }) => t),
          inside.map((p) => Number(p.y === UP)),
        ),
      );
      return {
        said: inside.reduce((sum, p) => sum + p.probabilityUp, 0) / inside.length,
        came,
        moves: inside.length,
        range: trials === 0 ? null : rangeOf(wilson(came, trials)),
      };
    });
}

/** Most confident first. */
export function curveOf(predictions: readonly Prediction[]): CurvePoint[] {
  const moves = predictions.filter(({ y }) => y !== VOID && y !== FLAT);
  const ranked = moves.toSorted((a, b) => Math.abs(b.probabilityUp - 0.5) - Math.abs(a.probabilityUp - 0.5));
  const right = Float64Array.from(ranked, (p) => Number(p.probabilityUp > 0.5 === p.y > 0));
  for (let i = 1; i < right.length; i++) right[i]! += right[i - 1]!;
  const points: CurvePoint[] = [];
  for (let point = 1; point <= CURVE_POINTS; point++) {
    const taken = Math.floor((right.length * point) / CURVE_POINTS);
    if (taken >= CURVE_FROM) points.push({ coverage: taken / right.length, accuracy: right[taken - 1]! / taken });
  }
  return points;
}

/** Sums over the paper strategy's trades. */
export function equityOf(trades: readonly PaperTrade[]): EquityPoint[] {
  let [gross, net] = [0, 0];
  return trades.map((trade) => {
    gross += trade.gross;
    net += trade.net;
    return { t: trade.t, gross, net };
  });
}
