/** A bounded run of the fuzzer; `npm run fuzz -- --seconds N --seed N` runs longer. A hang is found by Jest's time limit. */
import { expect, test } from '@jest/globals';
import { fuzz } from './run.ts';

test('5,000 hostile inputs of one seed crash nothing', async () => {
  const { tried, crashes } = await fuzz(1, (count) => count >= 5_000);
  expect(tried).toBeGreaterThanOrEqual(5_000);
  expect(crashes.slice(0, 3)).toEqual([]);
}, 60_000);
