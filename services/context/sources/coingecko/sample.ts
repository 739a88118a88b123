/** Answers of CoinGecko's making, with numbers of ours. */
import { type SourceSample } from '../../testing/sample.ts';
import { json } from '../../testing/recorded.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const updated = (minutes: number): string => new Date(NOW - minutes * 60_000).toISOString();

const bitcoin = {
  id: 'bitcoin',
  symbol: 'btc',
  current_price: 77_650,
  market_cap: 1_555_000_000_000,
  market_cap_rank: 1,
  fully_diluted_valuation: 1_555_100_000_000,
  total_volume: 33_200_000_000,
  circulating_supply: 20_030_500,
  total_supply: 20_031_000,
  max_supply: 21_000_000,
  ath_change_percentage: -38.4,
  last_updated: updated(2),
};
const ether = {
  ...bitcoin,
  id: 'ethereum',
  symbol: 'eth',
  current_price: 2_510,
  market_cap: 302_000_000_000,
  market_cap_rank: 2,
  fully_diluted_valuation: 302_000_000_000,
  total_volume: 11_700_000_000,
  circulating_supply: 120_180_000.25,
  total_supply: 120_180_000.25,
  max_supply: null,
  ath_change_percentage: -48.5,
  last_updated: updated(3),
};

const coin = (id: string, users: number) => ({
  id,
  sentiment_votes_up_percentage: 84.07,
  sentiment_votes_down_percentage: 15.93,
  watchlist_portfolio_users: users,
  community_data: {
    facebook_likes: null,
    reddit_average_posts_48h: 7.333,
    reddit_average_comments_48h: 384.667,
    reddit_subscribers: 6_127_000,
    reddit_accounts_active_48h: 3_498,
    telegram_channel_user_count: null,
  },
  developer_data: {
    forks: 36_400,
    stars: 76_600,
    total_issues: 7_743,
    closed_issues: 7_379,
    pull_requests_merged: 11_204,
    pull_request_contributors: 829,
    code_additions_deletions_4_weeks: { additions: 1_264, deletions: -1_314 },
    commit_count_4_weeks: 108,
  },
  last_updated: updated(4),
});

const perpetual = (index: string, openInterest: number, minutes: number) => ({
  market: 'A market',
  symbol: `${index}USDT`,
  index_id: index,
  price: '77034.8',
  contract_type: 'perpetual',
  funding_rate: 0.004,
  open_interest: openInterest,
  last_traded_at: NOW / 1000 - minutes * 60,
  expired_at: null,
});

export const coingeckoSample: SourceSample = {
  now: NOW,
  answers: {
    '/coins/markets': json([bitcoin, ether]),
    '/global': json({
      data: {
        active_cryptocurrencies: 17_397,
        total_market_cap: { btc: 34_570_737.2, usd: 2_621_040_321_355 },
        total_volume: { btc: 1_254_779.2, usd: 95_133_256_404.4 },
        market_cap_percentage: { btc: 57.95, eth: 9.58, usdt: 7.22 },
        market_cap_change_percentage_24h_usd: -1.608,
        updated_at: NOW / 1000 - 300,
      },
    }),
    '/derivatives': json([perpetual('BTC', 7_497_000_000, 3), perpetual('BTC', 1_200_000_000, 2), perpetual('ETH', 4e9, 5)]),
    '/coins/bitcoin': json(coin('bitcoin', 1_541_900)),
    '/coins/ethereum': json(coin('ethereum', 1_430_100)),
  },
};
