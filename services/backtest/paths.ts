/** What the paths of a combinatorial validation come to, and how much they vary. Field names are those of the report file. */
import { type Assessment } from '#libs/validation/metrics.ts';
import { hourlyReturns, type PaperTrade } from '#libs/validation/paper.ts';
import { alignedText } from '#libs/validation/aligned-text.ts';
import { ANNUAL, sharpeRatio } from '#libs/validation/sharpe.ts';

/** Of one path; Sharpe ratios are annual. */
export interface PathMetrics {
  readonly accuracy: number | null;
  readonly coverage_at_68: number;
  readonly emitted_coverage: number;
  readonly emitted_accuracy: number | null;
  readonly sharpe_gross: number;
  readonly sharpe_net: number;
}

/** Over the paths that have the figure; null where none has. */
export interface Distribution {
  readonly least: number;
  readonly median: number;
  readonly most: number;
  readonly mean: number;
  readonly deviation: number;
}

export interface PathsReport {
  readonly each: readonly PathMetrics[];
  readonly over: Readonly<Record<keyof PathMetrics, Distribution | null>>;
}

export function pathMetrics(assessed: Assessment, trades: readonly PaperTrade[], from: number, to: number): PathMetrics {
  return {
    accuracy: assessed.accuracy,
    coverage_at_68: assessed.coverage_at_68,
    emitted_coverage: assessed.emitted.coverage,
    emitted_accuracy: assessed.emitted.accuracy,
    sharpe_gross: sharpeRatio(hourlyReturns(trades, 'gross', from, to)) * ANNUAL,
    sharpe_net: sharpeRatio(hourlyReturns(trades, 'net', from, to)) * ANNUAL,
  };
}

export function reportPaths(each: readonly PathMetrics[]): PathsReport {
  const over = (key: keyof PathMetrics): Distribution | null => distributionOf(each.flatMap((path) => path[key] ?? []));
  return {
    each,
    over: {
      accuracy: over('accuracy'),
      coverage_at_68: over('coverage_at_68'),
      emitted_coverage: over('emitted_coverage'),
      emitted_accuracy: over('emitted_accuracy'),
      sharpe_gross: over('sharpe_gross'),
      sharpe_net: over('sharpe_net'),
    },
  };
}

function distributionOf(values: readonly number[]): Distribution | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    least: sorted[0]!,
    median: (sorted[(sorted.length - 1) >>> 1]! + sorted[sorted.length >>> 1]!) / 2,
    most: sorted.at(-1)!,
    mean,
    deviation: Math.sqrt(squares / Math.max(1, values.length - 1)),
  };
}

interface PathsRow {
  readonly symbol: string;
  readonly venue: string;
  readonly horizon: string;
  readonly target: string;
  readonly paths?: PathsReport;
}

const LABELS = ['symbol', 'venue', 'horizon', 'target', 'paths'];
const FIGURES = ['accuracy', 'cov@68', 'emitted', 'right', 'Sharpe gross', 'Sharpe net'];

/** One line a head: median, least and most over its paths. Empty where nothing has paths. */
export function pathsText(rows: readonly PathsRow[]): string {
  const lines = rows.flatMap(({ symbol, venue, horizon, target, paths }) => {
    if (paths === undefined) return [];
    const cell = (key: keyof PathMetrics, digits: number): string => {
      const found = paths.over[key];
      if (found === null) return '-';
      const [median, least, most] = [found.median, found.least, found.most].map((value) => value.toFixed(digits));
      return `${median!} [${least!}, ${most!}]`;
    };
    return [
      [
        ...[symbol, venue, horizon, target, String(paths.each.length)],
        ...[cell('accuracy', 3), cell('coverage_at_68', 2), cell('emitted_coverage', 2), cell('emitted_accuracy', 3)],
        ...[cell('sharpe_gross', 1), cell('sharpe_net', 1)],
      ],
    ];
  });
  return lines.length === 0 ? '' : alignedText([[...LABELS, ...FIGURES], ...lines], 4);
}
