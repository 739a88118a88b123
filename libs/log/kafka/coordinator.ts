/** Steps of a transaction that a coordinator refuses while it is on its way to another broker; kafkajs gives most of them up at once. */
import { setTimeout as delay } from 'node:timers/promises';
import { isCoordinatorBusy } from './errors.ts';

/** 5, 10, 20, …, 200 ms: three seconds in all. */
const ATTEMPTS = 20;
const DELAYS = { first: 5, longest: 200 };

/** Takes the step until no coordinator is busy any more; for one that may be said twice. `step` finds out itself who the coordinator is. */
export async function whileBusy<T>(step: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await step();
    } catch (error) {
      if (attempt === ATTEMPTS || !isCoordinatorBusy(error)) throw error;
      await delay(Math.min(DELAYS.first * 2 ** (attempt - 1), DELAYS.longest));
    }
  }
}
