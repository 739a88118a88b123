/**
 * CryptoCompare (CoinDesk Data): the price of its aggregate index of all exchanges, and a coin's points for social activity. Since
 * 21 May 2026 every call needs a key of a paid plan: without one the source is off.
 */
import { availableWithin, NEVER } from '../answer-fields.ts';
import { refusal } from '../refusal.ts';
import { type ContextSource, type Observation, type Poll, type SourceContext } from '../source.ts';
import { BAR_DELAY, barObservations, indexObservations, socialObservations } from './mapping.ts';
import { BarsOrRefusal, CoinOrRefusal, PricesOrRefusal, type Refusal, SocialOrRefusal } from './schema.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TITLE = 'CryptoCompare';
/** Longest answer to a question for bars. */
const BARS = 2000;
/** Minutes are kept so long, hours for ever. */
const MINUTES_KEPT = 7 * DAY - HOUR;

export const cryptocompare: ContextSource = {
  id: 'cryptocompare',
  title: TITLE,
  hosts: { api: { baseUrl: 'https://min-api.cryptocompare.com', ratePerSecond: 1, burst: 5 } },
  isDefault: true,
  key: { env: 'CRYPTOCOMPARE_API_KEY', isRequired: true, headers: (key) => ({ authorization: `Apikey ${key}` }) },
  terms: {
    plan: 'paid (no free plan since 21 May 2026)',
    redistribution: 'By the contract of the plan; keep values to yourself unless it says otherwise.',
  },
  series: [
    { name: 'cccagg.{asset}', unit: 'USD', meaning: 'price of the aggregate index of all exchanges', validFor: 5 * MINUTE },
    { name: 'social_points.{asset}', unit: 'points', meaning: 'points for all social activity', validFor: 3 * DAY },
  ],
  polls: ({ http, assets, clock }) => [
    {
      name: 'index',
      everyMs: MINUTE,
      calls: 1,
      run: async (signal) => {
        const query = { fsyms: assets.join(','), tsyms: 'USD' };
        const answer = await http['api']!.getJson('/data/pricemultifull', query, PricesOrRefusal, signal);
        return indexObservations(granted(answer), assets);
      },
    },
    ...assets.map((asset): Poll => ({
      name: `social ${asset}`,
      everyMs: DAY,
      calls: 2,
      run: async (signal) => {
        const question = { fsym: asset, tsym: 'USD', limit: 1 };
        const coin = granted(await http['api']!.getJson('/data/top/exchanges/full', question, CoinOrRefusal, signal));
        const query = { coinId: coin.Data.CoinInfo.Id };
        const social = await http['api']!.getJson('/data/social/coin/latest', query, SocialOrRefusal, signal);
        return socialObservations(asset, granted(social), clock.now());
      },
    })),
  ],
  history: async function* (context, { from, to }) {
    const minutesFrom = Math.max(from, context.clock.now() - MINUTES_KEPT);
    for (const asset of context.assets) {
      const hours = { from, to: Math.min(to, minutesFrom) };
      const blocks = await blocksOf(context, asset, hours, { path: '/data/v2/histohour', barMs: HOUR });
      const minutes = { from: minutesFrom, to };
      blocks.push(...(await blocksOf(context, asset, minutes, { path: '/data/v2/histominute', barMs: MINUTE })));
      yield* blocks;
    }
  },
};

/** Answers page backwards: their blocks are turned round. */
async function blocksOf(
  { http }: SourceContext,
  fsym: string,
  range: { readonly from: number; readonly to: number },
  { path, barMs }: { readonly path: string; readonly barMs: number },
): Promise<(readonly Observation[])[]> {
  const blocks: (readonly Observation[])[] = [];
  if (range.from >= range.to) return blocks;
  let toTs = Math.floor(range.to / 1000);
  while (toTs * 1000 > range.from - BAR_DELAY - barMs) {
    const query = { fsym, tsym: 'USD', limit: BARS, toTs, e: 'CCCAGG' };
    const bars = granted(await http['api']!.getJson(path, query, BarsOrRefusal, NEVER));
    blocks.unshift(availableWithin(barObservations(fsym, bars, barMs), range));
    // Before the listing there is nothing but zeros.
    if (bars.Data.TimeFrom >= toTs || !bars.Data.Data.some(({ close }) => (close ?? 0) > 0)) break;
    toTs = bars.Data.TimeFrom - 1;
  }
  return blocks;
}

function granted<T>(answer: T | Refusal): T {
  if (isRefusal(answer)) throw refusal(TITLE, answer.Message);
  return answer;
}

function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === 'object' && answer !== null && 'Response' in answer && answer.Response === 'Error';
}
