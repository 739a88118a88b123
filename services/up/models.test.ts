import { expect, test } from '@jest/globals';
import { ModelSlot } from '#libs/wire/tributary/v1/models.ts';
import { isIncumbentDue } from './models.ts';

const DAY = 86_400_000;
const held = (actor: string): ModelSlot => ModelSlot.fromPartial({ slot: 'fallback', bundleId: 'b', actor, time: 0 });

test('the fallback slot gets an incumbent where it is empty or does not load, a newer one after a week; what the operator put there stays, and silence for a week', () => {
  expect(isIncumbentDue(undefined, false, 0)).toBe(true);
  expect(isIncumbentDue(held('up'), true, 6 * DAY)).toBe(false);
  expect(isIncumbentDue(held('up'), true, 7 * DAY)).toBe(true);
  expect(isIncumbentDue(held('up'), false, 0)).toBe(true);
  expect(isIncumbentDue(held('ann'), false, 400 * DAY)).toBe(false);
  expect(isIncumbentDue(undefined, false, 10 * DAY, 4 * DAY)).toBe(false);
  expect(isIncumbentDue(undefined, false, 11 * DAY, 4 * DAY)).toBe(true);
});
