/** docs/features.md, from the declarations. `npm run features:docs` writes it; docs.test.ts fails where it is not up to date. */
import { countFormulas, CATEGORY_TITLES, type Formula, FORMULAS } from '#libs/features/formulas.ts';
import { listFormulas, warmupText } from './list.ts';
import { loadPresence } from './presence.ts';

export const FEATURES_PAGE = new URL('../../docs/features.md', import.meta.url);

export function featuresPage(): string {
  const presence = loadPresence();
  const shares = new Map(listFormulas(presence).map(({ name, present }) => [name, present]));
  const counts = countFormulas();
  return [
    '# Features',
    '',
    'Written by `npm run features:docs` from the declarations in `libs/features`; do not edit.',
    '',
    'A column is named `name[.variant]@version`: the variant is a timeframe, a leg or a reference price. Warm-up: minutes after a cold start until',
    'the value is that of a long history to 1e-6. Present: share of values that are not missing with the default sources, on the recordings below.',
    '',
    '| category | formulas | distinct | columns |',
    '|---|---|---|---|',
    ...counts.map(
      ({ category, formulas, distinct, columns }) =>
        `| ${category} ${CATEGORY_TITLES[category]} | ${formulas} | ${distinct} | ${columns} |`,
    ),
    `| all | ${sum(counts.map(({ formulas }) => formulas))} | ${sum(counts.map(({ distinct }) => distinct))} | ${sum(counts.map(({ columns }) => columns))} |`,
    '',
    'Distinct: without copies over windows, lengths, levels and legs.',
    '',
    'Presence is measured on these recordings; of several, that counts in which a column is there most:',
    '',
    ...presence.recordings.map(
      ({ name, what, vectors, columns }) => `- ${name}: ${what}; ${vectors} vectors, ${columns} columns with a value.`,
    ),
    '',
    ...counts
      .filter(({ formulas }) => formulas > 0)
      .flatMap(({ category }) => [
        `## ${category}. ${CATEGORY_TITLES[category]}`,
        '',
        '| feature | formula | unit | from | over | warm-up, min | after | present |',
        '|---|---|---|---|---|---|---|---|',
        ...FORMULAS.filter((formula) => formula.category === category).map((formula) =>
          row(formula, shares.get(formula.name) ?? null),
        ),
        '',
      ]),
  ].join('\n');
}

function row({ name, version, feature, columns }: Formula, present: number | null): string {
  const { formula, unit, inputs, reads = [], source = '' } = feature;
  const over = columns.length === 1 ? '' : columns.map(({ variant }) => variant).join(', ');
  const warmup = warmupText(columns.map(({ warmupMinutes }) => warmupMinutes));
  const from = [...inputs, ...reads.map((series) => `\`${series}\``)].join(', ');
  const cells = [
    `\`${name}@${version}\``,
    formula,
    unit,
    from,
    over,
    warmup,
    source,
    present === null ? 'not measured' : String(present),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
