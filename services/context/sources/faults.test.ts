/** Every registered source bears what hosts do to their clients. */
import { describe, expect, test } from '@jest/globals';
import { describeFaults } from '../testing/faults.ts';
import { SAMPLES } from '../testing/samples.ts';
import { SOURCES } from './registry.ts';

test('every source has a sample of good answers, and no sample is of an unknown source', () => {
  expect(Object.keys(SAMPLES).sort()).toEqual(SOURCES.map(({ id }) => id).sort());
});

describe('faults', () => {
  for (const source of SOURCES) {
    const sample = SAMPLES[source.id];
    if (sample !== undefined) describeFaults(source, sample);
  }
});
