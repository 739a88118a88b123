import { afterEach, expect, test } from '@jest/globals';
import { observeEach, type RecordedServer, serveRecorded } from '../../testing/recorded.ts';
import { githubSample } from './sample.ts';
import { commitObservations, github, repositoryObservations } from './source.ts';

const WEEK = 7 * 86_400;
let server: RecordedServer | undefined;
afterEach(async () => {
  await server?.close();
});

test('commits are those of the last four weeks that are over, of the end of the last', () => {
  const first = Date.UTC(2026, 9, 4) / 1000;
  const weeks = [5, 7, 11, 13, 17, 19, 2].map((total, index) => ({ total, week: first + index * WEEK }));
  const end = (first + 6 * WEEK) * 1000;
  expect(commitObservations('BTC', weeks, end)).toEqual([
    { series: 'commits_4w.BTC', value: 11 + 13 + 17 + 19, observedAt: end },
  ]);
  expect(commitObservations('BTC', weeks, end - 1)[0]?.value).toBe(7 + 11 + 13 + 17);
  // Made before the last week was over, asked for long after.
  expect(commitObservations('BTC', weeks, end + 99 * WEEK * 1000)[0]?.observedAt).toBe(end);
  expect(commitObservations('BTC', weeks.slice(0, 4), end)).toEqual([]);
});

test('an archived repository says nothing', () => {
  expect(repositoryObservations('SOL', { stargazers_count: 14_000, archived: true }, 1)).toEqual([]);
});

test('202 while GitHub still counts is an error that can be tried again, of that poll alone', async () => {
  server = await serveRecorded({
    ...githubSample.answers,
    '/repos/bitcoin/bitcoin/stats/commit_activity': { status: 202, body: '' },
  });
  const outcomes = await observeEach(github, server, { now: githubSample.now });
  const failed = outcomes.filter(({ error }) => error !== undefined);
  expect(failed.map(({ poll, error }) => [poll.name, (error as { code: string; canRetry: boolean }).canRetry])).toEqual([
    ['commits BTC', true],
  ]);
});
