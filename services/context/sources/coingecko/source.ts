/**
 * CoinGecko: capitalisation, supply and dominance, votes, and developers' work, at a pace that fits the free Demo plan (10,000 calls a
 * month). Demo and paid plans have different hosts and headers; a key of one is refused by the other. docs/sources/coingecko.md lists
 * every endpoint.
 */
import { TributaryError } from '#libs/errors/errors.ts';
import { availableWithin, NEVER } from '../answer-fields.ts';
import { type ContextSource, type HostSettings, type Poll, type SeriesDeclaration, type SourceContext } from '../source.ts';
import { coinsOf } from './coins.ts';
import {
  CHART_DELAY,
  chartObservations,
  coinObservations,
  derivativesObservations,
  globalObservations,
  marketObservations,
} from './mapping.ts';
import { Chart, Coin, Derivatives, Global, Markets } from './schema.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Up to so long a span, and from more than a day on, a chart has one point an hour. */
const CHART_SPAN = 89 * DAY;
/** What Demo and keyless plans may ask for. */
const FREE_HISTORY = 364 * DAY;

interface Plan {
  readonly host: HostSettings;
  readonly header: string;
  readonly name: string;
  readonly callsPerMonth: number;
  readonly isKeyRequired: boolean;
}

const PLANS = {
  demo: {
    // Without a key about five calls a minute are borne.
    host: { baseUrl: 'https://api.coingecko.com/api/v3', ratePerSecond: 1 / 12, burst: 3 },
    header: 'x-cg-demo-api-key',
    name: 'Demo (free key), or none',
    callsPerMonth: 10_000,
    isKeyRequired: false,
  },
  pro: {
    host: { baseUrl: 'https://pro-api.coingecko.com/api/v3', ratePerSecond: 2, burst: 5 },
    header: 'x-cg-pro-api-key',
    name: 'Pro (the smallest paid plan)',
    callsPerMonth: 100_000,
    isKeyRequired: true,
  },
} as const satisfies Readonly<Record<string, Plan>>;

/** `plan`: the environment variable COINGECKO_PLAN, `demo` (default) or `pro`. */
export function coingecko(plan: string | undefined): ContextSource {
  const isPro = plan === 'pro';
  const { host, header, name, callsPerMonth, isKeyRequired }: Plan = PLANS[isPro ? 'pro' : 'demo'];
  return {
    id: 'coingecko',
    title: 'CoinGecko',
    hosts: { api: host },
    isDefault: true,
    key: { env: 'COINGECKO_API_KEY', isRequired: isKeyRequired, headers: (key) => ({ [header]: key }) },
    terms: {
      plan: name,
      callsPerMonth,
      redistribution: 'Values may be shown with the attribution "Data by CoinGecko"; the data itself may not be passed on.',
    },
    series: SERIES,
    polls: (context) => {
      if (![undefined, '', 'demo', 'pro'].includes(plan)) {
        throw new TributaryError('TRB_CONTEXT_PLAN', `COINGECKO_PLAN is "${plan}", which is no plan.`, {
          hint: 'Set it to demo or pro, or leave it out.',
        });
      }
      return pollsOf(context);
    },
    history: (context, range) => historyOf(context, range, isPro),
  };
}

function pollsOf({ http, assets, clock }: SourceContext): readonly Poll[] {
  const coins = coinsOf(assets);
  const ids = coins.map(({ id }) => id).join(',');
  const { api } = http;
  const market: Poll = {
    name: 'markets',
    everyMs: 10 * MINUTE,
    calls: 1,
    run: async (signal) => {
      const query = { vs_currency: 'usd', ids, per_page: 250, page: 1, sparkline: false };
      return marketObservations(await api!.getJson('/coins/markets', query, Markets, signal), coins);
    },
  };
  const global: Poll = {
    name: 'global',
    everyMs: 20 * MINUTE,
    calls: 1,
    run: async (signal) => globalObservations(await api!.getJson('/global', {}, Global, signal)),
  };
  const derivatives: Poll = {
    name: 'derivatives',
    everyMs: HOUR,
    calls: 1,
    run: async (signal) =>
      derivativesObservations(await api!.getJson('/derivatives', {}, Derivatives, signal), assets, clock.now()),
  };
  const details = coins.map(({ asset, id }): Poll => ({
    name: `coin ${asset}`,
    everyMs: 12 * HOUR,
    calls: 1,
    run: async (signal) => coinObservations(asset, await api!.getJson(`/coins/${id}`, COIN_QUERY, Coin, signal)),
  }));
  return [...(coins.length > 0 ? [market, derivatives] : []), global, ...details];
}

const COIN_QUERY = {
  localization: false,
  tickers: false,
  market_data: false,
  community_data: true,
  developer_data: true,
  sparkline: false,
};

/** Capitalisation and volume by the hour. Dominance, ranks, supplies and votes have no free history. */
async function* historyOf(
  { http, assets, clock }: SourceContext,
  range: { readonly from: number; readonly to: number },
  isPro: boolean,
): ReturnType<NonNullable<ContextSource['history']>> {
  const earliest = isPro ? -Infinity : clock.now() - FREE_HISTORY;
  const first = Math.max(range.from - CHART_DELAY, earliest);
  const end = Math.min(range.to, clock.now());
  for (let from = first; from < end; from += CHART_SPAN) {
    // A span of a day or less would have a point every five minutes.
    const to = Math.max(Math.min(from + CHART_SPAN, end), from + 2 * DAY);
    const query = { vs_currency: 'usd', from: Math.floor(from / 1000), to: Math.floor(to / 1000) };
    for (const { asset, id } of coinsOf(assets)) {
      const chart = await http['api']!.getJson(`/coins/${id}/market_chart/range`, query, Chart, NEVER);
      const span = { from: Math.max(range.from, from + CHART_DELAY), to: Math.min(range.to, from + CHART_SPAN + CHART_DELAY) };
      yield availableWithin(chartObservations(asset, chart), span);
    }
  }
}

const market = (name: string, unit: string, meaning: string): SeriesDeclaration => ({
  name: `${name}.{asset}`,
  unit,
  meaning,
  validFor: 6 * HOUR,
});
const whole = (name: string, unit: string, meaning: string): SeriesDeclaration => ({ name, unit, meaning, validFor: 6 * HOUR });
const detail = (name: string, unit: string, meaning: string): SeriesDeclaration => ({
  name: `${name}.{asset}`,
  unit,
  meaning,
  validFor: 3 * DAY,
});

const SERIES: readonly SeriesDeclaration[] = [
  market('market_cap', 'USD', 'market capitalisation'),
  market('market_cap_rank', 'rank', 'rank by market capitalisation, the largest 1'),
  market('fully_diluted_valuation', 'USD', 'capitalisation if the whole supply were in circulation'),
  market('volume_24h', 'USD', 'traded value of the last 24 h over the exchanges that CoinGecko follows'),
  market('circulating_supply', 'coins', 'coins in circulation'),
  market('total_supply', 'coins', 'coins there are'),
  market('max_supply', 'coins', 'coins there can ever be; none where there is no limit'),
  market('ath_change_pct', '%', 'price against the highest ever, in dollars'),
  market('perp_open_interest', 'USD', 'open interest of perpetual futures, all exchanges that CoinGecko follows'),
  whole('total_market_cap', 'USD', 'market capitalisation of all coins'),
  whole('total_volume_24h', 'USD', 'traded value of the last 24 h, all coins'),
  whole('btc_dominance', '%', 'share of Bitcoin in the market capitalisation of all coins'),
  whole('eth_dominance', '%', 'share of Ether in the market capitalisation of all coins'),
  whole('total_market_cap_change_24h_pct', '%', 'change of the market capitalisation of all coins over 24 h'),
  detail('sentiment_up_pct', '%', 'share of votes for a rise'),
  detail('watchlist_users', 'users', 'users who watch the coin'),
  detail('reddit_posts_48h', 'posts', 'mean number of posts, 48 h'),
  detail('reddit_comments_48h', 'comments', 'mean number of comments, 48 h'),
  detail('reddit_subscribers', 'accounts', 'subscribers'),
  detail('reddit_active_accounts', 'accounts', 'accounts active within 48 h'),
  detail('telegram_users', 'users', 'users of the Telegram channel'),
  detail('total_issues', 'issues', 'issues ever opened'),
  detail('closed_issues', 'issues', 'issues closed'),
  detail('pull_requests_merged', 'pull requests', 'pull requests ever merged'),
  detail('contributors', 'people', 'people who contributed pull requests'),
  detail('commits_4w', 'commits', 'commits of four weeks'),
  detail('code_additions_4w', 'lines', 'lines added in four weeks'),
  detail('code_deletions_4w', 'lines', 'lines removed in four weeks'),
];
