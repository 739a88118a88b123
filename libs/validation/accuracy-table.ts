/** The accuracy table that backtest, replay and evaluation print: one line per symbol, venue, horizon and target. */
import { alignedText } from './aligned-text.ts';
import { type Assessment, type Range } from './metrics.ts';

export interface AccuracyRow extends Assessment {
  readonly symbol: string;
  readonly venue: string;
  readonly horizon: string;
  readonly target: string;
}

const HEADINGS = [
  'symbol',
  'venue',
  'horizon',
  'target',
  'moves',
  'flat',
  'void',
  'majority',
  'accuracy [95 %]',
  '@50 %',
  '@20 %',
  '@10 %',
  'cov@68',
  'emitted',
  'right [95 %]',
  'with flats',
  'brier',
  'ece',
] as const;

/** Aligned text, no colours. `right` = accuracy of the emitted signals on moves; `with flats` counts flats and voids as misses. */
export function accuracyTable(report: { readonly results: readonly AccuracyRow[] }): string {
  return alignedText([HEADINGS, ...report.results.map(cells)], 4);
}

function cells(row: AccuracyRow): readonly string[] {
  const at = (coverage: number): string => decimals(row.at_coverage.find((point) => point.coverage === coverage)?.accuracy);
  return [
    row.symbol,
    row.venue,
    row.horizon,
    row.target,
    String(row.n),
    percent(row.flat_share),
    String(row.void),
    decimals(row.majority),
    `${decimals(row.accuracy)} ${range(row.bootstrap)}`,
    at(0.5),
    at(0.2),
    at(0.1),
    percent(row.coverage_at_68),
    `${row.emitted.count} (${percent(row.emitted.coverage)})`,
    `${decimals(row.emitted.accuracy)} ${range(row.emitted.wilson)}`,
    decimals(row.emitted.accuracy_with_flats),
    decimals(row.brier),
    decimals(row.ece),
  ];
}

function decimals(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : value.toFixed(3);
}

function percent(value: number | null): string {
  return value === null ? '-' : `${(value * 100).toFixed(1)} %`;
}

function range(interval: Range | null): string {
  return interval === null ? '[-]' : `[${interval[0].toFixed(3)}-${interval[1].toFixed(3)}]`;
}
