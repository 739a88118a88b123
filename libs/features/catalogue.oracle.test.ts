/** Every column of the catalogue is named by a golden file: a new feature without an independent value fails here. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { COLUMNS } from './catalogue.ts';

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

/** A file is one golden or several by name. */
function namesIn(text: string): readonly string[] {
  const file = JSON.parse(text) as Golden & Readonly<Record<string, Golden>>;
  const parts: readonly Golden[] = Array.isArray(file.columns) ? [file] : Object.values(file);
  return parts.flatMap(({ columns, values }) => columns ?? Object.keys(values ?? {}));
}
