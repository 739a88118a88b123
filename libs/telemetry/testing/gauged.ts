/** What a gauge is set to from now on, for tests: a scrape sees only the last of it. */
import { jest } from '@jest/globals';
import { Gauge } from 'prom-client';

/** The gauge may be made later. Oldest first: labels, value. */
export function gauged(name: string): () => unknown[][] {
  const { mock } = jest.spyOn(Gauge.prototype, 'set');
  return () => mock.calls.filter((_, call) => (mock.contexts[call] as { name: string }).name === name);
}
