/** The catalogue by formula: what `features list` and docs/features.md show, and how formulas are counted. */
import { CATALOGUE } from './catalogue.ts';
import { type Category, type Column, columnsOf, type Feature } from './declaration.ts';

export interface Formula {
  /** With the reference price where the name alone does not tell: `ret_1m.mid`. */
  readonly name: string;
  readonly version: number;
  readonly category: Category;
  readonly feature: Feature;
  /** Timeframes, legs or pairs that it is computed over; one column each. */
  readonly columns: readonly Column[];
}

export interface FormulaCount {
  readonly category: Category;
  /** Names, whatever they are computed over. */
  readonly formulas: number;
  /** The same without copies over windows, lengths, levels and legs: what really is another formula. */
  readonly distinct: number;
  readonly columns: number;
}

export const CATEGORY_TITLES: Readonly<Record<Category, string>> = {
  A: 'Price and volume',
  B: 'Technical',
  C: 'Fundamental',
  D: 'Macro and derivatives',
  E: 'Time',
  X: 'Cross-asset',
};
const CATEGORIES = Object.keys(CATEGORY_TITLES) as readonly Category[];

/** In the order of the catalogue. */
export const FORMULAS: readonly Formula[] = CATALOGUE.flatMap((block) => {
  const columns = columnsOf(block);
  return block.features.map((feature): Formula => {
    const own = columns.filter((column) => column.feature === feature);
    const only = own.length === 1 ? own[0]!.variant : '';
    const name = only === '' ? feature.name : `${feature.name}.${only}`;
    return { name, version: feature.version ?? 1, category: block.category, feature, columns: own };
  });
});

export function countFormulas(): readonly FormulaCount[] {
  return CATEGORIES.map((category) => {
    const own = FORMULAS.filter((formula) => formula.category === category);
    return {
      category,
      formulas: own.length,
      distinct: new Set(own.map(({ feature }) => familyOf(feature.name))).size,
      columns: own.reduce((sum, { columns }) => sum + columns.length, 0),
    };
  });
}

/** `sma_dist_20` and `sma_dist_50` are one formula, and so are `leg_ret` and `own_ret`: that of any leg, and that of the vector's own. */
export function familyOf(name: string): string {
  return name.replace(/^own_/, 'leg_').replace(/_\d+(?:s|m|h|d|w|bps)?(?=_|$)/g, '');
}
