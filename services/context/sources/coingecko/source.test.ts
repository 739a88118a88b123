import { afterEach, describe, expect, test } from '@jest/globals';
import { type Observation } from '../source.ts';
import {
  type Answers,
  json,
  observeHistory,
  observe,
  recordedContext,
  recordedFile,
  type RecordedServer,
  serveRecorded,
} from '../../testing/recorded.ts';
import { coingeckoSample } from './sample.ts';
import { coinObservations } from './mapping.ts';
import { Coin } from './schema.ts';
import { coingecko } from './source.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const source = coingecko(undefined);
const recorded = (name: string) => recordedFile(`responses/coingecko/${name}.json`);

const servers: RecordedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
async function serve(answers: Answers): Promise<RecordedServer> {
  const server = await serveRecorded(answers);
  servers.push(server);
  return server;
}

function valueOf(observations: readonly Observation[], series: string): number | undefined {
  return observations.find((observation) => observation.series === series)?.value;
}

describe('recorded answers', () => {
  const markets = recorded('coins-markets');
  const global = recorded('global');
  const derivatives = recorded('derivatives');
  const coin = recorded('coins-bitcoin-2019-07-29');
  if (markets === undefined || global === undefined || derivatives === undefined || coin === undefined) {
    test.skip('are absent: set TRIBUTARY_DATA', () => undefined);
    return;
  }

  test('of January 2024 and July 2019 become the values that stand in them', async () => {
    const answers = { '/coins/markets': markets, '/global': global, '/derivatives': derivatives, '/coins/bitcoin': coin };
    const now = Date.UTC(2024, 0, 14, 20);
    const { observations } = await observe(source, await serve(answers), { now, assets: ['BTC'] });
    const wanted = {
      'market_cap.BTC': 839_172_444_303,
      'market_cap_rank.BTC': 1,
      'fully_diluted_valuation.BTC': 899_169_531_278,
      'volume_24h.BTC': 13_176_759_389,
      'circulating_supply.BTC': 19_598_775,
      'max_supply.BTC': 21_000_000,
      'ath_change_pct.BTC': -38.18068,
      total_market_cap: 1_758_832_718_300.8323,
      btc_dominance: 47.563363609819326,
      eth_dominance: 17.15715270475993,
      total_market_cap_change_24h_pct: -0.31720124907949293,
      'reddit_posts_48h.BTC': 4.391,
      'reddit_active_accounts.BTC': 4081,
      'pull_requests_merged.BTC': 6583,
      'commits_4w.BTC': 191,
      'code_deletions_4w.BTC': 455,
    };
    for (const [series, value] of Object.entries(wanted)) {
      expect({ series, value: valueOf(observations, series) }).toEqual({ series, value });
    }
    // 0 issues, no Telegram channel and no votes: not known, not none.
    const left = ['total_issues.BTC', 'closed_issues.BTC', 'telegram_users.BTC', 'sentiment_up_pct.BTC'];
    for (const series of left) expect(valueOf(observations, series)).toBeUndefined();
    const dated = observations.find(({ series }) => series === 'market_cap.BTC')!;
    expect(dated.observedAt).toBe(Date.parse('2024-01-14T19:50:46.756Z'));
    expect(observations.find(({ series }) => series === 'total_market_cap')?.observedAt).toBe(1_705_262_221_000);
    expect(valueOf(observations, 'perp_open_interest.BTC')).toBeCloseTo(12_643_737_318.99, 1);
  });

  test('hours of a chart become known a quarter of an hour later', async () => {
    const chart = recorded('coins-market-chart-2023')!;
    const body: unknown = JSON.parse(chart.body);
    const { coins_id_market_chart_response: answer } = body as Record<string, unknown>;
    const server = await serve({ '/coins/bitcoin/market_chart/range': json(answer) });
    const range = { from: 1_702_857_600_000, to: 1_703_116_800_000 + HOUR };
    const { observations } = await observeHistory(source, server, range, { now: range.to, assets: ['BTC'] });
    const caps = observations.filter(({ series }) => series === 'market_cap.BTC');
    expect(caps.map(({ value, observedAt, availableAt }) => [value, observedAt, availableAt! - observedAt])).toEqual([
      [810_534_011_290.7083, 1_702_857_600_000, 900_000],
      [834_757_901_244.3383, 1_702_944_000_000, 900_000],
      [827_483_345_952.5029, 1_703_030_400_000, 900_000],
      [854_173_854_159.8182, 1_703_116_800_000, 900_000],
    ]);
    expect(observations.filter(({ series }) => series === 'volume_24h.BTC')).toHaveLength(4);
  });
});

test('history is asked in spans that have a point an hour, never beyond what the free plans keep, each hour once', async () => {
  const now = Date.UTC(2026, 10, 20, 12);
  const point = (time: number): [number, number] => [time, 1e12];
  const server = await serve({
    '/coins/bitcoin/market_chart/range': ({ query }) => {
      const [from, to] = [Number(query.get('from')) * 1000, Number(query.get('to')) * 1000];
      // As the vendor says: to 90 days by the hour, beyond by the day.
      const step = to - from <= 90 * DAY ? HOUR : DAY;
      const times: number[] = [];
      for (let time = Math.ceil(from / step) * step; time <= Math.min(to, now); time += step) times.push(time);
      return json({ prices: [], market_caps: times.map(point), total_volumes: times.map(point) });
    },
  });
  const range = { from: now - 500 * DAY, to: now };
  const { observations } = await observeHistory(source, server, range, { now, assets: ['BTC'] });
  const oldest = Math.min(...server.requests.map(({ query }) => Number(query.get('from')) * 1000));
  expect(oldest).toBeGreaterThan(now - 365 * DAY);
  const hours = observations.filter(({ series }) => series === 'market_cap.BTC').map(({ observedAt }) => observedAt / HOUR);
  expect(hours).toEqual([...new Set(hours)].sort((a, b) => a - b));
  expect(hours.length).toBe(364 * 24);
});

test('each plan has its host and its header', () => {
  const pro = coingecko('pro');
  expect(source.hosts['api']?.baseUrl).toBe('https://api.coingecko.com/api/v3');
  expect(source.key?.headers('k')).toEqual({ 'x-cg-demo-api-key': 'k' });
  expect(source.key?.isRequired).toBe(false);
  expect(pro.hosts['api']?.baseUrl).toBe('https://pro-api.coingecko.com/api/v3');
  expect(pro.key?.headers('k')).toEqual({ 'x-cg-pro-api-key': 'k' });
  expect(pro.key?.isRequired).toBe(true);
});

test('a plan that there is not is said, not guessed', async () => {
  const context = recordedContext(source, await serve({}), { now: 0 });
  expect(() => coingecko('enterprise').polls(context)).toThrow(expect.objectContaining({ code: 'TRB_CONTEXT_PLAN' }));
});

test('a month of polls for ten assets fits the Demo plan', async () => {
  const assets = ['BTC', 'ETH', 'SOL', 'XRP', 'ADA', 'DOGE', 'BNB', 'AVAX', 'DOT', 'LINK'];
  const polls = source.polls(recordedContext(source, await serve({}), { now: 0, assets }));
  const calls = polls.reduce((sum, poll) => sum + (poll.calls * 31 * DAY) / poll.everyMs, 0);
  expect(calls).toBeLessThan(source.terms.callsPerMonth!);
});

test('zeros of people are missing, a zero of commits too, lines of both signs are counted', () => {
  const answer = {
    id: 'bitcoin',
    last_updated: '2026-05-18T12:49:21.599Z',
    watchlist_portfolio_users: 1_541_900,
    community_data: { reddit_subscribers: 0, reddit_average_posts_48h: 0 },
    developer_data: { commit_count_4_weeks: 0, code_additions_deletions_4_weeks: { additions: 0, deletions: -3 } },
  };
  expect(coinObservations('BTC', Coin.parse(answer)).map(({ series, value }) => [series, value])).toEqual([
    ['watchlist_users.BTC', 1_541_900],
    ['code_additions_4w.BTC', 0],
    ['code_deletions_4w.BTC', 3],
  ]);
});

test('an asset that CoinGecko does not know by one id is left out', async () => {
  const server = await serve(coingeckoSample.answers);
  const { observations } = await observe(source, server, { now: coingeckoSample.now, assets: ['BTC', 'NOSUCHCOIN'] });
  expect(observations.filter(({ series }) => series.endsWith('.NOSUCHCOIN'))).toEqual([]);
  expect(server.requests.find(({ path }) => path === '/coins/markets')?.query.get('ids')).toBe('bitcoin');
});
