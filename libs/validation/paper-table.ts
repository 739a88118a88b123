/** What the paper strategy would have earned, one line per symbol, venue, horizon and target. */
import { alignedText } from './aligned-text.ts';
import { type Range } from './metrics.ts';
import { type PaperAssessment } from './paper.ts';

export interface PaperRow {
  readonly symbol: string;
  readonly venue: string;
  readonly horizon: string;
  readonly target: string;
  readonly paper: PaperAssessment;
}

const HEADINGS = [
  'symbol',
  'venue',
  'horizon',
  'target',
  'trades',
  'gross bps [95 %]',
  'net bps [95 %]',
  'Sharpe gross [95 %]',
  'deflated',
  'Sharpe net [95 %]',
  'deflated',
  'net over incumbent [95 %]',
] as const;

/** `deflated`: probability that the true ratio is above the best of as many trials without skill. */
export function paperTable(rows: readonly PaperRow[]): string {
  return alignedText([HEADINGS, ...rows.map(cells)], 4);
}

function cells({ symbol, venue, horizon, target, paper }: PaperRow): readonly string[] {
  const head = [symbol, venue, horizon, target, String(paper.trades)];
  if (paper.trades === 0) return HEADINGS.map((_, c) => head[c] ?? '-');
  const above = paper.net.above_incumbent;
  return [
    ...head,
    withRange(paper.gross_bps, paper.gross_bps_range),
    withRange(paper.net_bps, paper.net_bps_range),
    withRange(paper.gross.sharpe, paper.gross.range),
    paper.gross.deflated.probability.toFixed(3),
    withRange(paper.net.sharpe, paper.net.range),
    paper.net.deflated.probability.toFixed(3),
    withRange(above?.difference ?? null, above?.range ?? null),
  ];
}

function withRange(value: number | null, range: Range | null): string {
  if (value === null) return '-';
  return range === null ? value.toFixed(1) : `${value.toFixed(1)} [${range[0].toFixed(1)}, ${range[1].toFixed(1)}]`;
}
