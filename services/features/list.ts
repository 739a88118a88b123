/** The catalogue as a person or a program reads it. */
import { CATALOGUE, COLUMNS, featureSchema } from '#libs/features/catalogue.ts';
import { columnsOf } from '#libs/features/declaration.ts';

export interface ListedColumn {
  readonly column: string;
  readonly category: string;
  readonly unit: string;
  readonly warmupMinutes: number;
  readonly inputs: readonly string[];
  readonly formula: string;
  readonly source?: string;
}

export function listColumns(): readonly ListedColumn[] {
  return COLUMNS.map(({ name, category, warmupMinutes, feature: { unit, inputs, formula, source } }) => ({
    column: name,
    category,
    unit,
    warmupMinutes,
    inputs,
    formula,
    ...(source === undefined ? {} : { source }),
  }));
}

/** One line per formula, with what it is computed over. */
export function listFeatures(): string {
  const lines: string[] = [];
  let formulas = 0;
  for (const block of CATALOGUE) {
    const columns = columnsOf(block);
    for (const feature of block.features) {
      formulas++;
      const own = columns.filter((column) => column.feature === feature);
      const variants = own.map(({ variant }) => variant).filter((variant) => variant !== '');
      const warmup = own.map(({ warmupMinutes }) => warmupMinutes);
      const source = feature.source === undefined ? '' : ` [${feature.source}]`;
      lines.push(
        `${block.category}  ${feature.name}@${feature.version ?? 1}${variants.length === 0 ? '' : ` (${variants.join(' ')})`}`,
        `     ${feature.formula}${source}`,
        `     unit ${feature.unit}; from ${feature.inputs.join(', ')}; warm after ${range(warmup)} min`,
      );
    }
  }
  const { id, columns } = featureSchema();
  lines.push('', `${formulas} formulas, ${columns.length} columns, schema ${id}`, '');
  return lines.join('\n');
}

function range(values: readonly number[]): string {
  const least = Math.min(...values);
  const most = Math.max(...values);
  return least === most ? String(least) : `${least} to ${most}`;
}
