/** Every column of the catalogue is named by a golden file: a new feature without an independent value fails here. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { COLUMNS } from './catalogue.ts';
import { type Feature } from './declaration.ts';

/** What no oracle covers. It can only shrink. */
const columnsWithoutOracle: readonly string[] = [];

interface Golden {
  readonly columns?: readonly string[];
  /** One value per row by column (technical.json), else the rows hold them. */
  readonly values?: Readonly<Record<string, unknown>>;
}

test('every column has an oracle', () => {
  const folder = join(import.meta.dirname, 'golden');
  const named = new Set(readdirSync(folder).flatMap((file) => namesIn(readFileSync(join(folder, file), 'utf8'))));
  expect(COLUMNS.map(({ name }) => name).filter((name) => !named.has(name))).toEqual(columnsWithoutOracle);
});

/** A and B features that no golden of ill-behaved markets covers. It can only shrink. */
const featuresWithoutEdges: readonly string[] = [];

test('features of price and volume and technical ones have edge cases', () => {
  const read = (file: string): object => JSON.parse(readFileSync(join(import.meta.dirname, 'golden', file), 'utf8')) as object;
  const bars = Object.values(read('edges.json')) as readonly { readonly features: object }[];
  const legs = Object.values(read('leg-edges.json')) as readonly { readonly columns: readonly string[] }[];
  const flow = read('flow-edges.json') as { readonly columns: readonly string[] };
  const leader = read('leader-edges.json') as { readonly price: { readonly columns: readonly string[] } };
  // Seconds without a clock, without quotes, a leg that ends.
  const seconds = read('seconds.json') as { readonly columns: readonly string[] };
  const forecast = Object.values(read('forecast.json')) as readonly { readonly columns: readonly string[] }[];
  const named = new Set([
    ...bars.flatMap(({ features }) => Object.keys(features)),
    ...[...legs, flow, leader.price, seconds, ...forecast].flatMap(({ columns }) =>
      columns.map((name) => name.replace(/[.@].*/, '')),
    ),
  ]);
  // What is made of context values alone has its edge cases in macro.oracle.test.ts.
  const isOfMarket = ({ inputs }: Feature): boolean => inputs.some((input) => input !== 'context');
  const names = COLUMNS.filter(({ category, feature }) => (category === 'A' || category === 'B') && isOfMarket(feature)).map(
    ({ feature }) => feature.name,
  );
  expect([...new Set(names)].filter((name) => !named.has(name))).toEqual(featuresWithoutEdges);
});

/** A file is one golden or several by name. */
function namesIn(text: string): readonly string[] {
  const file = JSON.parse(text) as Golden & Readonly<Record<string, Golden>>;
  const parts: readonly Golden[] = Array.isArray(file.columns) ? [file] : Object.values(file);
  return parts.flatMap(({ columns, values }) => columns ?? Object.keys(values ?? {}));
}
