/** What the sources promise one another and the features. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { COLUMNS } from '#libs/features/catalogue.ts';
import { observeEach, recordedContext, serveRecorded, type RecordedServer } from '../testing/recorded.ts';
import { SAMPLES } from '../testing/samples.ts';
import { SOURCES } from './registry.ts';

test('no two sources have one id', () => {
  expect(new Set(SOURCES.map(({ id }) => id)).size).toBe(SOURCES.length);
});

test('what fundamental features read, a source publishes', () => {
  const published = new Set(SOURCES.flatMap(({ id, series }) => series.map(({ name }) => `${id}:${name}`)));
  const reads = COLUMNS.filter(({ category }) => category === 'C').flatMap(({ feature }) => feature.reads ?? []);
  expect(reads.length).toBeGreaterThan(0);
  expect([...new Set(reads)].filter((series) => !published.has(series))).toEqual([]);
});

describe('every source', () => {
  const key = 'a key';
  let server: RecordedServer;
  beforeAll(async () => {
    server = await serveRecorded({});
  });
  afterAll(() => server.close());

  test.each(SOURCES.map((source) => [source.id, source] as const))('%s keeps to its plan and its hosts', (_id, source) => {
    const sample = SAMPLES[source.id]!;
    const polls = source.polls(recordedContext(source, server, { now: sample.now, key, files: sample.files ?? {} }));
    const perMonth = polls.reduce((sum, { calls, everyMs }) => sum + (calls * 31 * 86_400_000) / everyMs, 0);
    expect(perMonth).toBeLessThanOrEqual(source.terms.callsPerMonth ?? Infinity);
    const perSecond = Object.values(source.hosts).reduce((sum, { ratePerSecond }) => sum + ratePerSecond, 0);
    expect(polls.reduce((sum, { calls, everyMs }) => sum + (calls * 1000) / everyMs, 0)).toBeLessThanOrEqual(perSecond);
    expect(new Set(polls.map(({ name }) => name)).size).toBe(polls.length);
  });

  test.each(SOURCES.map((source) => [source.id, source] as const))(
    '%s lets no value die before the next is asked',
    async (_id, source) => {
      const sample = SAMPLES[source.id]!;
      const answering = await serveRecorded(sample.answers);
      try {
        const outcomes = await observeEach(source, answering, { now: sample.now, key, files: sample.files ?? {} });
        const short = outcomes.flatMap(({ poll, observations = [] }) =>
          observations
            .map(({ series }) => source.series.find(({ name }) => isOf(name, series))!)
            .filter(({ validFor }) => validFor <= poll.everyMs)
            .map(({ name }) => `${name} of ${poll.name}`),
        );
        expect(short).toEqual([]);
      } finally {
        await answering.close();
      }
    },
  );
});

/** `market_cap.{asset}` names `market_cap.BTC`. */
function isOf(declared: string, series: string): boolean {
  const [before = '', after] = declared.split('{asset}');
  return after === undefined ? declared === series : series.startsWith(before) && series.endsWith(after);
}
