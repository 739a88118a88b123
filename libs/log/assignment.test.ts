import { describe, expect, test } from '@jest/globals';
import { assign, slot, type Candidate } from './assignment.ts';

const member = (id: string, owned: readonly number[] = [], topics = ['ticks']): Candidate => ({
  id,
  topics,
  owned: new Set(owned.map((partition) => slot('ticks', partition))),
});
const partitions = (count: number): Map<string, number[]> => new Map([['ticks', [...Array(count).keys()]]]);

function sharesOf(candidates: readonly Candidate[], count: number): Record<string, number[]> {
  const owners = assign(candidates, partitions(count));
  return Object.fromEntries(
    candidates.map(({ id }) => [id, [...Array(count).keys()].filter((number) => owners.get(slot('ticks', number)) === id)]),
  );
}

describe('assign', () => {
  test('shares evenly, whatever the numbers, and leaves nothing out', () => {
    for (let members = 1; members <= 7; members += 1) {
      for (let count = 1; count <= 20; count += 1) {
        const shares = sharesOf(
          Array.from({ length: members }, (_, i) => member(`m${i}`)),
          count,
        );
        const sizes = Object.values(shares).map((share) => share.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(sizes.reduce((sum, size) => sum + size)).toBe(count);
      }
    }
  });

  test('moves no more than it must when one joins, and nothing but the lost when one leaves', () => {
    const joined = sharesOf([member('a', [0, 1, 2]), member('b', [3, 4, 5]), member('c')], 6);
    expect(joined).toEqual({ a: [0, 1], b: [3, 4], c: [2, 5] });
    const left = sharesOf([member('a', [0, 1]), member('c', [2, 5])], 6);
    expect([...new Set([...left['a']!, 0, 1])]).toEqual(left['a']);
    expect(left['c']).toEqual(expect.arrayContaining([2, 5]));
  });

  test('a single partition stays where it is, and goes only to who reads the topic', () => {
    expect(sharesOf([member('a'), member('b', [0])], 1)).toEqual({ a: [], b: [0] });
    expect(sharesOf([member('a', [], ['models']), member('b')], 1)).toEqual({ a: [], b: [0] });
  });

  test('of two that claim a partition one has it', () => {
    expect(sharesOf([member('a', [0, 1]), member('b', [0, 1])], 2)).toEqual({ a: [0, 1].slice(0, 1), b: [1] });
  });
});
