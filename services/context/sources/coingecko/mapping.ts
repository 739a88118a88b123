/** What CoinGecko's answers say, as observations. Pure. */
import { observationsAt, unlessZero } from '../answer-fields.ts';
import { type Observation } from '../source.ts';
import { type coinsOf } from './coins.ts';
import { type Chart, type Coin, type Derivatives, type Global, type Markets } from './schema.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Charts are made anew every five minutes; the newest prices are up to five minutes old. */
export const CHART_DELAY = 15 * 60_000;

export function marketObservations(rows: Markets, coins: ReturnType<typeof coinsOf>): Observation[] {
  const assets = new Map(coins.map(({ asset, id }) => [id, asset]));
  return rows.flatMap((row) => {
    const asset = assets.get(row.id);
    if (asset === undefined) return [];
    return observationsAt(dated(row.last_updated), {
      // Coins whose supply is not known have a capitalisation of 0.
      [`market_cap.${asset}`]: unlessZero(row.market_cap),
      [`market_cap_rank.${asset}`]: row.market_cap_rank,
      [`fully_diluted_valuation.${asset}`]: unlessZero(row.fully_diluted_valuation),
      [`volume_24h.${asset}`]: row.total_volume,
      [`circulating_supply.${asset}`]: unlessZero(row.circulating_supply),
      [`total_supply.${asset}`]: unlessZero(row.total_supply),
      [`max_supply.${asset}`]: unlessZero(row.max_supply),
      [`ath_change_pct.${asset}`]: row.ath_change_percentage,
    });
  });
}

export function globalObservations({ data }: Global): Observation[] {
  return observationsAt(dated(data.updated_at * 1000), {
    total_market_cap: unlessZero(data.total_market_cap.usd),
    total_volume_24h: data.total_volume.usd,
    btc_dominance: data.market_cap_percentage.btc,
    eth_dominance: data.market_cap_percentage.eth,
    total_market_cap_change_24h_pct: data.market_cap_change_percentage_24h_usd,
  });
}

/**
 * Of people's activity a 0 says that CoinGecko has lost its source (Reddit since 2023, repositories that moved), not that it ended:
 * left out.
 */
export function coinObservations(asset: string, coin: Coin): Observation[] {
  const community = coin.community_data;
  const developer = coin.developer_data;
  const lines = developer?.code_additions_deletions_4_weeks;
  const hasLines = (lines?.additions ?? 0) !== 0 || (lines?.deletions ?? 0) !== 0;
  return observationsAt(dated(coin.last_updated), {
    [`sentiment_up_pct.${asset}`]: coin.sentiment_votes_up_percentage,
    [`watchlist_users.${asset}`]: unlessZero(coin.watchlist_portfolio_users),
    [`reddit_posts_48h.${asset}`]: unlessZero(community?.reddit_average_posts_48h),
    [`reddit_comments_48h.${asset}`]: unlessZero(community?.reddit_average_comments_48h),
    [`reddit_subscribers.${asset}`]: unlessZero(community?.reddit_subscribers),
    [`reddit_active_accounts.${asset}`]: unlessZero(community?.reddit_accounts_active_48h),
    [`telegram_users.${asset}`]: unlessZero(community?.telegram_channel_user_count),
    [`total_issues.${asset}`]: unlessZero(developer?.total_issues),
    [`closed_issues.${asset}`]: unlessZero(developer?.closed_issues),
    [`pull_requests_merged.${asset}`]: unlessZero(developer?.pull_requests_merged),
    [`contributors.${asset}`]: unlessZero(developer?.pull_request_contributors),
    [`commits_4w.${asset}`]: unlessZero(developer?.commit_count_4_weeks),
    [`code_additions_4w.${asset}`]: hasLines ? lines?.additions : null,
    [`code_deletions_4w.${asset}`]: hasLines ? absolute(lines?.deletions) : null,
  });
}

/** Sums the perpetual futures that traded within the last day, over all exchanges; as old as the newest of them. */
export function derivativesObservations(rows: Derivatives, assets: readonly string[], now: number): Observation[] {
  return assets.flatMap((asset) => {
    let openInterest = 0;
    let observedAt = 0;
    for (const row of rows) {
      const tradedAt = (row.last_traded_at ?? 0) * 1000;
      const isLive = tradedAt > now - DAY && tradedAt <= now;
      if (row.index_id !== asset || row.contract_type !== 'perpetual' || !isLive) continue;
      openInterest += row.open_interest ?? 0;
      observedAt = Math.max(observedAt, tradedAt);
    }
    return openInterest > 0 ? observationsAt(dated(observedAt), { [`perp_open_interest.${asset}`]: openInterest }) : [];
  });
}

/** One point an hour, the first of each: spans of a day or less have more, and the last point of an answer is of now. */
export function chartObservations(asset: string, { market_caps, total_volumes }: Chart): Observation[] {
  const series = [
    { name: `market_cap.${asset}`, points: market_caps },
    { name: `volume_24h.${asset}`, points: total_volumes },
  ];
  return series.flatMap(({ name, points }) =>
    points
      .filter(([time], index) => index === 0 || Math.floor(time / HOUR) !== Math.floor(points[index - 1]![0] / HOUR))
      .flatMap(([time, value]) => {
        const availableAt = time + CHART_DELAY;
        return observationsAt({ observedAt: time, publishedAt: availableAt, availableAt }, { [name]: unlessZero(value) });
      }),
  );
}

function dated(time: number): { readonly observedAt: number; readonly publishedAt: number } {
  return { observedAt: time, publishedAt: time };
}

function absolute(value: number | null | undefined): number | null | undefined {
  return typeof value === 'number' ? Math.abs(value) : value;
}
