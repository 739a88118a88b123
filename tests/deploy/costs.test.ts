/** docs/costs.md against what it is made of. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { page } from '../../deploy/costs/page.ts';
import { daily, weights } from '../../deploy/costs/records.ts';

test('docs/costs.md is what the encoders, the chart and the registry say; else run `npm run costs`', () => {
  expect(readFileSync(join(import.meta.dirname, '..', '..', 'docs/costs.md'), 'utf8')).toBe(page());
});

test('a record weighs what it says, and more where it says more', () => {
  const bytesOf = (name: string, topic: string, lane: string): number =>
    weights().find((weight) => weight.name === name && weight.topic === topic && weight.lane === lane)!.bytes;
  // Four bytes a column, and some dozens for what it is of.
  expect(bytesOf('vectors', 'features', 'fast')).toBeGreaterThan(4 * 200);
  expect(bytesOf('vectors', 'features', 'slow')).toBeGreaterThan(bytesOf('vectors', 'features', 'fast'));
  expect(bytesOf('their outcomes', 'shadow-outcomes', 'slow')).toBeGreaterThan(bytesOf('their outcomes', 'outcomes', 'slow'));
  expect(bytesOf('book slices', 'ticks', 'slow')).toBeGreaterThan(80 * 8);
  for (const weight of weights()) expect(daily(weight)).toBeGreaterThan(0);
});
