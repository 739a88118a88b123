/** Answers of Wikimedia's making, with numbers of ours. */
import { type SourceSample } from '../../testing/sample.ts';
import { json } from '../../testing/recorded.ts';

const items = (article: string, views: readonly number[]) => ({
  items: views.map((count, index) => ({
    project: 'en.wikipedia',
    article,
    granularity: 'daily',
    timestamp: `202611${17 + index}00`,
    access: 'all-access',
    agent: 'user',
    views: count,
  })),
});

export const wikipediaSample: SourceSample = {
  now: Date.UTC(2026, 10, 20, 12),
  answers: {
    '/Bitcoin/daily/20261117/20261119': json(items('Bitcoin', [7_421, 7_010, 6_988])),
    '/Ethereum/daily/20261117/20261119': json(items('Ethereum', [2_950, 3_104, 2_877])),
  },
};
