import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { COLUMNS } from '#libs/features/catalogue.ts';
import { countFormulas, familyOf } from '#libs/features/formulas.ts';
import { FEATURES_PAGE, featuresPage } from './docs.ts';
import { listFormulas } from './list.ts';
import { loadPresence } from './presence.ts';

test('docs/features.md says what the declarations say (npm run features:docs)', () => {
  expect(readFileSync(FEATURES_PAGE, 'utf8')).toBe(featuresPage());
});

test('each column of the catalogue stands in the list once', () => {
  const listed = listFormulas().flatMap(({ columns }) => columns.map(({ name }) => name));
  expect(listed.sort()).toEqual(COLUMNS.map(({ name }) => name).sort());
  const names = listFormulas().map(({ name, version }) => `${name}@${version}`);
  expect(new Set(names).size).toBe(names.length);
});

test('presence.json was measured on this catalogue (npm run features:presence)', () => {
  expect(COLUMNS.map(({ name }) => name).filter((name) => !(name in loadPresence().columns))).toEqual([]);
});

test('copies over windows, lengths, levels and legs are no formulas of their own', () => {
  expect(
    ['sma_dist_20', 'ret_10s', 'leader_gap_1m', 'depth_usd_50bps', 'bb_pctb_20_2', 'own_mom_30', 'stoch_k_14_3'].map(familyOf),
  ).toEqual(['sma_dist', 'ret', 'leader_gap', 'depth_usd', 'bb_pctb', 'leg_mom', 'stoch_k']);
});

test('the catalogue has what was promised, category by category', () => {
  const counts = Object.fromEntries(countFormulas().map(({ category, distinct }) => [category, distinct]));
  for (const [category, least] of Object.entries({ A: 20, C: 25 })) expect(counts[category]).toBeGreaterThanOrEqual(least);
});
