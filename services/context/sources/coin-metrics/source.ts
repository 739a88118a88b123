/**
 * Coin Metrics community: active addresses and transactions by day. Licence CC BY-NC 4.0: not for commercial use, therefore opt-in. One
 * metric a request, and what the community may not have is left out: else one metric of one asset refuses the whole answer.
 */
import { z } from 'zod';
import { availableWithin, NEVER, numeric, observationsAt } from '../answer-fields.ts';
import { refusal } from '../refusal.ts';
import { type ContextSource, type Observation, type Poll } from '../source.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TITLE = 'Coin Metrics community';
/** A day appears between half past midnight and six of the next; taken for published at noon. */
const DELAY = 12 * HOUR;

const METRICS = [
  { metric: 'AdrActCnt', series: 'active_addresses', unit: 'addresses', meaning: 'addresses active in a day' },
  { metric: 'TxCnt', series: 'transactions', unit: 'transactions', meaning: 'transactions of a day' },
] as const;

/** Days by their start; values are text. Errors may come with any status. */
export const Page = z.object({
  data: z.array(z.record(z.string(), z.unknown()).and(z.object({ asset: z.string(), time: z.string() }))).optional(),
  next_page_token: z.string().optional(),
  error: z.object({ type: z.string().optional(), message: z.string() }).optional(),
});
export type Page = z.infer<typeof Page>;

export function metricObservations(metric: string, series: string, { data, error }: Page, now: number): Observation[] {
  if (data === undefined) throw refusal(TITLE, error?.message ?? 'no data');
  return data.flatMap((row) => {
    // Nanoseconds: more digits than Date.parse may read.
    const observedAt = Date.parse(`${row.time.slice(0, 10)}T00:00:00Z`) + DAY;
    const value = numeric.nullish().safeParse(row[metric]);
    if (!value.success || Number.isNaN(observedAt) || observedAt > now) return [];
    const availableAt = observedAt + DELAY;
    const name = `${series}.${row.asset.toUpperCase()}`;
    return observationsAt({ observedAt, publishedAt: availableAt, availableAt }, { [name]: value.data });
  });
}

export const coinMetrics: ContextSource = {
  id: 'coin-metrics',
  title: TITLE,
  // Ten requests in six seconds are allowed.
  hosts: { api: { baseUrl: 'https://community-api.coinmetrics.io/v4', ratePerSecond: 0.5, burst: 2 } },
  isDefault: false,
  terms: {
    plan: 'community, no key',
    redistribution: 'CC BY-NC 4.0: with attribution to Coin Metrics, not for commercial use.',
  },
  series: METRICS.map(({ series, unit, meaning }) => ({ name: `${series}.{asset}`, unit, meaning, validFor: 3 * DAY })),
  polls: ({ http, assets, clock, logger }) =>
    METRICS.map(({ metric, series }): Poll => ({
      name: metric,
      everyMs: 6 * HOUR,
      calls: 1,
      run: async (signal) => {
        const query = queryOf(assets, metric, clock.now() - 4 * DAY);
        const page = await http['api']!.getJson('/timeseries/asset-metrics', query, Page, signal);
        const days = metricObservations(metric, series, page, clock.now());
        if (days.length === 0) logger.warn({ metric }, `${TITLE} has no ${metric} of the last days`);
        return days.map(({ series: name, value, observedAt }) => ({ series: name, value, observedAt }));
      },
    })),
  history: async function* ({ http, assets, clock }, range) {
    for (const { metric, series } of METRICS) {
      const query = { ...queryOf(assets, metric, range.from - DELAY - 2 * DAY), paging_from: 'start' };
      let token: string | undefined;
      do {
        const page: Page = await http['api']!.getJson(
          '/timeseries/asset-metrics',
          { ...query, next_page_token: token },
          Page,
          NEVER,
        );
        yield availableWithin(metricObservations(metric, series, page, clock.now()), range);
        token = page.next_page_token;
      } while (token !== undefined);
    }
  },
};

function queryOf(assets: readonly string[], metric: string, from: number): Record<string, string | number | boolean> {
  return {
    assets: assets.map((asset) => asset.toLowerCase()).join(','),
    metrics: metric,
    frequency: '1d',
    start_time: new Date(from).toISOString().slice(0, 10),
    page_size: 10_000,
    // Of several assets some may not have the metric.
    ignore_forbidden_errors: true,
    ignore_unsupported_errors: true,
  };
}
