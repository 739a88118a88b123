/** The catalogue as a person or a program reads it. */
import { featureSchema } from '#libs/features/catalogue.ts';
import { countFormulas, type Formula, FORMULAS } from '#libs/features/formulas.ts';
import { loadPresence, type Presence } from './presence.ts';

export interface ListedFormula {
  readonly name: string;
  readonly category: string;
  readonly unit: string;
  readonly formula: string;
  /** Paper, or the library whose value it equals; null = its own definition. */
  readonly source: string | null;
  /** Minutes after a cold start until every column of it is that of a long history. */
  readonly warmup: number;
  readonly version: number;
  /** Share of values that are not missing over its columns, 0..1; null = not measured. How: libs/features/presence.json. */
  readonly present: number | null;
  readonly inputs: readonly string[];
  /** Context series, as source:series. */
  readonly reads: readonly string[];
  readonly columns: readonly ListedColumn[];
}

export interface ListedColumn {
  readonly name: string;
  readonly warmup: number;
  readonly present: number | null;
}

export function listFormulas(presence: Presence = loadPresence()): readonly ListedFormula[] {
  return FORMULAS.map(({ name, version, category, feature, columns: own }) => {
    const columns = own.map((column) => ({
      name: column.name,
      warmup: column.warmupMinutes,
      present: presence.columns[column.name] ?? null,
    }));
    const shares = columns.flatMap(({ present }) => (present === null ? [] : [present]));
    return {
      name,
      category,
      unit: feature.unit,
      formula: feature.formula,
      source: feature.source ?? null,
      warmup: Math.max(...columns.map(({ warmup }) => warmup)),
      version,
      present: shares.length === 0 ? null : rounded(shares.reduce((sum, share) => sum + share, 0) / shares.length),
      inputs: feature.inputs,
      reads: feature.reads ?? [],
      columns,
    };
  });
}

/** One formula in three lines, then how many there are. */
export function listFeatures(presence: Presence = loadPresence()): string {
  const lines = listFormulas(presence).flatMap((listed, index) => {
    const { columns } = FORMULAS[index]!;
    const source = listed.source === null ? '' : ` [${listed.source}]`;
    return [
      `${listed.category}  ${listed.name}@${listed.version}${over(FORMULAS[index]!)}`,
      `     ${listed.formula}${source}`,
      `     unit ${listed.unit}; from ${[...listed.inputs, ...listed.reads].join(', ')}; warm after ${warmupText(columns.map(({ warmupMinutes }) => warmupMinutes))} min; present ${listed.present ?? 'not measured'}`,
    ];
  });
  return [...lines, '', countTable(), ''].join('\n');
}

/** Formulas by category, with their sum. */
export function countTable(): string {
  const counts = countFormulas();
  const total = (pick: (count: (typeof counts)[number]) => number): number => counts.reduce((sum, count) => sum + pick(count), 0);
  const row = (cells: readonly (string | number)[]): string => cells.map((cell) => String(cell).padStart(9)).join('  ');
  return [
    row(['category', 'formulas', 'distinct', 'columns']),
    ...counts.map(({ category, formulas, distinct, columns }) => row([category, formulas, distinct, columns])),
    row(['all', total(({ formulas }) => formulas), total(({ distinct }) => distinct), total(({ columns }) => columns)]),
    '',
    'distinct: without copies over windows, lengths, levels and legs',
    `schema ${featureSchema().id}`,
  ].join('\n');
}

/** What a formula is computed over, in brackets; nothing where that is one thing. */
export function over({ columns }: Formula): string {
  return columns.length === 1 ? '' : ` (${columns.map(({ variant }) => variant).join(' ')})`;
}

export function warmupText(minutes: readonly number[]): string {
  const least = Math.min(...minutes);
  const most = Math.max(...minutes);
  return least === most ? String(least) : `${least} to ${most}`;
}

function rounded(share: number): number {
  return Number(share.toFixed(4));
}
