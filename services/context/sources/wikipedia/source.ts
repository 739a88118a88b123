/**
 * Wikipedia: views of each coin's English article, by day, known on the next. Wikimedia wants to know whom to write to: without a contact
 * (an address or a page) in its header the source is off.
 */
import { z } from 'zod';
import { availableWithin, NEVER, observationsAt } from '../answer-fields.ts';
import { type ContextSource, type Observation, type Poll, type SourceContext } from '../source.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A day is taken for published at noon of the next. */
const DELAY = 12 * HOUR;

const ARTICLES: Readonly<Record<string, string>> = {
  BTC: 'Bitcoin',
  ETH: 'Ethereum',
  XRP: 'XRP_Ledger',
  SOL: 'Solana_(blockchain_platform)',
  ADA: 'Cardano_(blockchain_platform)',
  DOGE: 'Dogecoin',
  LTC: 'Litecoin',
  BCH: 'Bitcoin_Cash',
};

/** `timestamp` is YYYYMMDD00. */
export const Views = z.object({
  items: z.array(
    z.object({ timestamp: z.string().regex(/^\d{10}$/), granularity: z.literal('daily'), views: z.number().nullish() }),
  ),
});
export type Views = z.infer<typeof Views>;

export function viewObservations(asset: string, { items }: Views): Observation[] {
  return items.flatMap(({ timestamp, views }) => {
    const day = Date.UTC(Number(timestamp.slice(0, 4)), Number(timestamp.slice(4, 6)) - 1, Number(timestamp.slice(6, 8)));
    const availableAt = day + DAY + DELAY;
    return observationsAt({ observedAt: day + DAY, publishedAt: availableAt, availableAt }, { [`page_views.${asset}`]: views });
  });
}

export const wikipedia: ContextSource = {
  id: 'wikipedia',
  title: 'Wikipedia page views',
  hosts: {
    api: {
      baseUrl: 'https://wikimedia.org/api/rest_v1/metrics/pageviews/per-article/en.wikipedia/all-access/user',
      ratePerSecond: 0.5,
      burst: 2,
    },
  },
  isDefault: true,
  key: {
    env: 'WIKIMEDIA_CONTACT',
    isRequired: true,
    headers: (contact) => ({ 'user-agent': `tributary/0.1 (${contact})` }),
  },
  terms: { plan: 'free, with a contact', redistribution: 'Page views are in the public domain.' },
  series: [{ name: 'page_views.{asset}', unit: 'views', meaning: 'views of the English article in a day', validFor: 3 * DAY }],
  polls: ({ http, assets, clock }) =>
    articlesOf(assets).map(({ asset, article }): Poll => ({
      name: `views ${asset}`,
      everyMs: 6 * HOUR,
      calls: 1,
      run: async (signal) => {
        const path = pathOf(article, clock.now() - 3 * DAY, clock.now() - DAY);
        const days = viewObservations(asset, await http['api']!.getJson(path, {}, Views, signal));
        return days
          .filter(({ observedAt }) => observedAt <= clock.now())
          .map(({ series, value, observedAt }) => ({ series, value, observedAt }));
      },
    })),
  history: async function* ({ http, assets, clock }: SourceContext, range) {
    for (const { asset, article } of articlesOf(assets)) {
      const path = pathOf(article, range.from - 2 * DAY, Math.min(range.to, clock.now() - DAY));
      yield availableWithin(viewObservations(asset, await http['api']!.getJson(path, {}, Views, NEVER)), range);
    }
  },
};

function articlesOf(assets: readonly string[]): readonly { readonly asset: string; readonly article: string }[] {
  return assets.flatMap((asset) => {
    const article = ARTICLES[asset];
    return article === undefined ? [] : [{ asset, article }];
  });
}

function pathOf(article: string, from: number, to: number): string {
  return `/${encodeURIComponent(article)}/daily/${dayOf(from)}/${dayOf(to)}`;
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10).replaceAll('-', '');
}
