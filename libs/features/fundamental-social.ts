/** Category C, people: sentiment, attention, and the work of developers. */
import { contextBlock, type ContextFeature } from './context-block.ts';
import { changeWarmup, DAILY, difference, logChangeOver, logCount } from './fundamental-arithmetic.ts';

const COIN = 'CoinGecko /coins/{id}';
const COIN_DAILY = { source: COIN, cadence: DAILY };
const INDEX = 'alternative.me Fear and Greed Index';
const FEAR_GREED = 'alternative-me:fear_greed';
const MERGED = 'coingecko:pull_requests_merged.{asset}';
const ADDED = 'coingecko:code_additions_4w.{asset}';
const DELETED = 'coingecko:code_deletions_4w.{asset}';

const SENTIMENT: readonly ContextFeature[] = [
  {
    name: 'fear_greed',
    unit: '-1..1',
    formula: '(index - 50) / 50: -1 extreme fear, 1 extreme greed',
    reads: [FEAR_GREED],
    source: INDEX,
    warmup: DAILY,
    compute: (read) => (read.value(FEAR_GREED) - 50) / 50,
  },
  ...[1, 7].map((days): ContextFeature => ({
    name: `fear_greed_chg_${days}d`,
    unit: '-2..2',
    formula: `fear_greed less that of ${days === 1 ? 'a day' : `${days} days`} before`,
    reads: [FEAR_GREED],
    source: INDEX,
    warmup: changeWarmup(days, DAILY),
    compute: (read) => difference(read, FEAR_GREED, days) / 50,
  })),
  {
    name: 'sentiment_up_pct',
    unit: '0..1',
    formula: 'share of votes for a rise among those of visitors',
    reads: ['coingecko:sentiment_up_pct.{asset}'],
    source: COIN,
    warmup: DAILY,
    compute: (read) => read.value('coingecko:sentiment_up_pct.{asset}') / 100,
  },
  logChangeOver('watchlist_users_chg', 'coingecko:watchlist_users.{asset}', 7, 'users who watch the coin', COIN_DAILY),
];

const ACTIVITY: readonly ContextFeature[] = [
  {
    name: 'reddit_posts_48h',
    unit: 'log count',
    formula: 'ln(1 + mean number of posts, 48 h)',
    reads: ['coingecko:reddit_posts_48h.{asset}'],
    source: COIN,
    warmup: DAILY,
    compute: (read) => logCount(read.value('coingecko:reddit_posts_48h.{asset}')),
  },
  {
    name: 'reddit_comments_48h',
    unit: 'log count',
    formula: 'ln(1 + mean number of comments, 48 h)',
    reads: ['coingecko:reddit_comments_48h.{asset}'],
    source: COIN,
    warmup: DAILY,
    compute: (read) => logCount(read.value('coingecko:reddit_comments_48h.{asset}')),
  },
  {
    name: 'reddit_active_share',
    unit: '0..1',
    formula: 'accounts active in 48 h / subscribers',
    reads: ['coingecko:reddit_active_accounts.{asset}', 'coingecko:reddit_subscribers.{asset}'],
    source: COIN,
    warmup: DAILY,
    compute: (read) => {
      const subscribers = read.value('coingecko:reddit_subscribers.{asset}');
      return subscribers > 0 ? read.value('coingecko:reddit_active_accounts.{asset}') / subscribers : NaN;
    },
  },
  logChangeOver('reddit_subscribers_chg_7d', 'coingecko:reddit_subscribers.{asset}', 7, 'subscribers', COIN_DAILY),
  logChangeOver('telegram_users_chg_7d', 'coingecko:telegram_users.{asset}', 7, 'users of the channel', COIN_DAILY),
  {
    name: 'social_points',
    unit: 'log count',
    formula: 'ln(1 + points for all activity)',
    reads: ['cryptocompare:social_points.{asset}'],
    source: 'CryptoCompare /data/social/coin/latest',
    warmup: DAILY,
    compute: (read) => logCount(read.value('cryptocompare:social_points.{asset}')),
  },
  logChangeOver('social_points_chg_7d', 'cryptocompare:social_points.{asset}', 7, 'points for all activity', {
    source: 'CryptoCompare /data/social/coin/latest',
    cadence: DAILY,
  }),
  logChangeOver('wiki_views_chg_7d', 'wikipedia:page_views.{asset}', 7, 'views of the article, one day', {
    source: 'Wikimedia page views',
    cadence: DAILY,
  }),
];

const DEVELOPERS: readonly ContextFeature[] = [
  {
    name: 'github_commits_4w',
    unit: 'log count',
    formula: 'ln(1 + commits of the last four whole weeks), merges not counted',
    reads: ['github:commits_4w.{asset}'],
    source: 'GitHub /stats/commit_activity',
    warmup: DAILY,
    compute: (read) => logCount(read.value('github:commits_4w.{asset}')),
  },
  logChangeOver('github_stars_chg', 'github:stars.{asset}', 7, 'stars', { source: 'GitHub /repos', cadence: DAILY }),
  {
    name: 'developer_commits_4w',
    unit: 'log count',
    formula: 'ln(1 + commits of four weeks over all repositories of the coin)',
    reads: ['coingecko:commits_4w.{asset}'],
    source: COIN,
    warmup: DAILY,
    compute: (read) => logCount(read.value('coingecko:commits_4w.{asset}')),
  },
  {
    name: 'developer_code_growth_4w',
    unit: '-1..1',
    formula: '(lines added - lines removed) / (sum of both), four weeks',
    reads: [ADDED, DELETED],
    source: COIN,
    warmup: DAILY,
    compute: (read) => {
      const added = read.value(ADDED);
      const deleted = read.value(DELETED);
      return added + deleted > 0 ? (added - deleted) / (added + deleted) : NaN;
    },
  },
  logChangeOver('github_prs_merged', MERGED, 7, 'pull requests ever merged, all repositories of the coin', COIN_DAILY),
  {
    name: 'github_issue_close_ratio',
    unit: '0..1',
    formula: 'issues closed / issues ever opened, all repositories of the coin',
    reads: ['coingecko:closed_issues.{asset}', 'coingecko:total_issues.{asset}'],
    source: COIN,
    warmup: DAILY,
    compute: (read) => {
      const total = read.value('coingecko:total_issues.{asset}');
      return total > 0 ? read.value('coingecko:closed_issues.{asset}') / total : NaN;
    },
  },
  logChangeOver('github_contributors_chg', 'coingecko:contributors.{asset}', 30, 'contributors of pull requests', COIN_DAILY),
];

export const fundamentalSocialBlock = contextBlock('C', [...SENTIMENT, ...ACTIVITY, ...DEVELOPERS]);
