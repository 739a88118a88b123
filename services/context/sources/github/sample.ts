/** Answers of GitHub's making, with numbers of ours. */
import { type SourceSample } from '../../testing/sample.ts';
import { json } from '../../testing/recorded.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const WEEK = 7 * 86_400;
/** The Sunday that begins the week of NOW. */
const SUNDAY = Date.UTC(2026, 10, 15) / 1000;

const weeks = (totals: readonly number[]) =>
  totals.map((total, index) => ({ days: [0, 0, total, 0, 0, 0, 0], total, week: SUNDAY - (totals.length - 1 - index) * WEEK }));

export const githubSample: SourceSample = {
  now: NOW,
  undated: ['stars.{asset}'],
  answers: {
    '/repos/bitcoin/bitcoin': json({ full_name: 'bitcoin/bitcoin', stargazers_count: 88_001, archived: false }),
    '/repos/ethereum/go-ethereum': json({ full_name: 'ethereum/go-ethereum', stargazers_count: 50_123, archived: false }),
    '/repos/bitcoin/bitcoin/stats/commit_activity': json(weeks([40, 31, 27, 35, 29, 11])),
    '/repos/ethereum/go-ethereum/stats/commit_activity': json(weeks([22, 18, 25, 19, 24, 9])),
  },
};
