/** How alike the heads of one horizon and target are: the worst, the best, and whether they differ by more than chance would have them. */
import { type AccuracyRow } from './accuracy-table.ts';

export interface NamedAccuracy {
  readonly symbol: string;
  readonly venue: string;
  readonly accuracy: number;
  readonly coverage_at_68: number;
}

/** Field names are those of the report file. Accuracy is that on all moves. */
export interface Consistency {
  readonly horizon: string;
  readonly target: string;
  readonly heads: number;
  readonly worst: NamedAccuracy;
  readonly best: NamedAccuracy;
  /** Standard deviation over the heads, and what it would be if all were equally good, by their effective n. */
  readonly deviation: number;
  readonly deviation_by_chance: number;
}

/** One for each horizon and target that two or more heads have an accuracy for. */
export function consistencyOf(rows: readonly AccuracyRow[]): Consistency[] {
  const groups = new Map<string, Judged[]>();
  for (const row of rows) {
    if (row.accuracy === null || row.effective_n === 0) continue;
    const key = `${row.horizon} ${row.target}`;
    groups.set(key, [...(groups.get(key) ?? []), { ...row, accuracy: row.accuracy }]);
  }
  return [...groups.values()].filter((group) => group.length > 1).map(summaryOf);
}

type Judged = AccuracyRow & { readonly accuracy: number };

function summaryOf(group: readonly Judged[]): Consistency {
  const ranked = group.toSorted((a, b) => a.accuracy - b.accuracy);
  const mean = average(group, ({ accuracy }) => accuracy);
  const { horizon, target } = group[0]!;
  return {
    ...{ horizon, target, heads: group.length, worst: named(ranked[0]!), best: named(ranked.at(-1)!) },
    deviation: Math.sqrt((average(group, ({ accuracy }) => (accuracy - mean) ** 2) * group.length) / (group.length - 1)),
    deviation_by_chance: Math.sqrt(average(group, ({ effective_n: n }) => (mean * (1 - mean)) / n)),
  };
}

function named({ symbol, venue, accuracy, coverage_at_68 }: Judged): NamedAccuracy {
  return { symbol, venue, accuracy, coverage_at_68 };
}

function average(group: readonly Judged[], of: (row: Judged) => number): number {
  return group.reduce((sum, row) => sum + of(row), 0) / group.length;
}

/** A line each. */
export function consistencyText(all: readonly Consistency[]): string {
  return all
    .map(({ horizon, target, heads, worst, best, deviation, deviation_by_chance: chance }) => {
      const name = ({ symbol, venue, accuracy }: NamedAccuracy): string => `${symbol} on ${venue} ${accuracy.toFixed(3)}`;
      const spread = `deviation ${deviation.toFixed(3)}, by chance alone ${chance.toFixed(3)}`;
      return `${horizon} ${target}, ${heads} heads: worst ${name(worst)}, best ${name(best)}; ${spread}`;
    })
    .join('\n');
}
