/** CoinGecko's answers, as far as they are read. Every value may be null; times may not. */
import { z } from 'zod';
import { isoTime, optionalNumber } from '../answer-fields.ts';

/** `/coins/markets` */
export const Markets = z
  .array(
    z.object({
      id: z.string(),
      market_cap: optionalNumber,
      market_cap_rank: optionalNumber,
      fully_diluted_valuation: optionalNumber,
      total_volume: optionalNumber,
      circulating_supply: optionalNumber,
      total_supply: optionalNumber,
      max_supply: optionalNumber,
      ath_change_percentage: optionalNumber,
      last_updated: isoTime,
    }),
  )
  .min(1);
export type Markets = z.infer<typeof Markets>;

/** `/global`; `updated_at` in seconds. */
export const Global = z.object({
  data: z.object({
    total_market_cap: z.object({ usd: optionalNumber }),
    total_volume: z.object({ usd: optionalNumber }),
    market_cap_percentage: z.object({ btc: optionalNumber, eth: optionalNumber }),
    market_cap_change_percentage_24h_usd: optionalNumber,
    updated_at: z.number(),
  }),
});
export type Global = z.infer<typeof Global>;

/** `/coins/{id}` without market data. */
export const Coin = z.object({
  id: z.string(),
  sentiment_votes_up_percentage: optionalNumber,
  watchlist_portfolio_users: optionalNumber,
  community_data: z
    .object({
      reddit_average_posts_48h: optionalNumber,
      reddit_average_comments_48h: optionalNumber,
      reddit_subscribers: optionalNumber,
      reddit_accounts_active_48h: optionalNumber,
      telegram_channel_user_count: optionalNumber,
    })
    .nullish(),
  developer_data: z
    .object({
      total_issues: optionalNumber,
      closed_issues: optionalNumber,
      pull_requests_merged: optionalNumber,
      pull_request_contributors: optionalNumber,
      commit_count_4_weeks: optionalNumber,
      code_additions_deletions_4_weeks: z.object({ additions: optionalNumber, deletions: optionalNumber }).nullish(),
    })
    .nullish(),
  last_updated: isoTime,
});
export type Coin = z.infer<typeof Coin>;

/** `/coins/{id}/market_chart/range`: pairs of milliseconds and dollars. */
const Points = z.array(z.tuple([z.number(), z.number().nullable()]));
export const Chart = z.object({ market_caps: Points, total_volumes: Points });
export type Chart = z.infer<typeof Chart>;

/** `/derivatives`; `last_traded_at` in seconds, `open_interest` in dollars. */
export const Derivatives = z
  .array(
    z.object({
      index_id: z.string().nullish(),
      contract_type: z.string().nullish(),
      open_interest: optionalNumber,
      last_traded_at: optionalNumber,
    }),
  )
  .min(1);
export type Derivatives = z.infer<typeof Derivatives>;
