/** Yahoo Finance charts: gold and the DXY, which have no free official source; best effort, often refuses programs with 429. */
import { z } from 'zod';
import { DAY_MS } from '#libs/calendar/dates.ts';
import { newYorkClock, newYorkTime } from '#libs/calendar/zones.ts';
import { availableWithin, NEVER, optionalNumber } from '../answer-fields.ts';
import { dailyObservations, type DailyRow, newestDays, nextNoon } from '../daily-values.ts';
import { refusal } from '../refusal.ts';
import { type ContextSource, type Observation, type Poll } from '../source.ts';

const HOUR = 3_600_000;
const VALID_FOR = 6 * DAY_MS;
const TITLE = 'Yahoo Finance';

const SYMBOLS = [
  { symbol: '^GSPC', series: 'sp500', unit: 'points', meaning: 'S&P 500 at the close' },
  { symbol: '^VIX', series: 'vix', unit: 'percent per year', meaning: 'VIX at the close' },
  { symbol: 'DX-Y.NYB', series: 'dxy', unit: 'points', meaning: 'US dollar index (DXY) at the close' },
  { symbol: 'GC=F', series: 'gold', unit: 'USD per ounce', meaning: 'COMEX gold, next future, at the close' },
  { symbol: '^TNX', series: 'us10y', unit: 'percent', meaning: 'yield of 10-year US government bonds' },
] as const;

/** Bars by day; prices of days without one are null. */
export const Chart = z.object({
  chart: z.object({
    result: z
      .array(
        z.object({
          timestamp: z.array(z.number()).optional(),
          indicators: z.object({ quote: z.array(z.object({ close: z.array(optionalNumber).optional() })) }),
        }),
      )
      .nullable(),
    error: z.object({ code: z.string(), description: z.string() }).nullable(),
  }),
});
export type Chart = z.infer<typeof Chart>;

/** Days that are over by `now`; the last bar is of the day under way. Throws `TRB_CONTEXT_REFUSED`. */
export function chartObservations(series: string, { chart }: Chart, now: number): Observation[] {
  const { result, error } = chart;
  const [bars] = result ?? [];
  if (bars === undefined) throw refusal(TITLE, error === null ? 'no result' : `${error.code}: ${error.description}`);
  const closes = bars.indicators.quote[0]?.close ?? [];
  const days = new Map<number, DailyRow>();
  (bars.timestamp ?? []).forEach((seconds, i) => {
    const day = Math.floor(newYorkClock(seconds * 1000) / DAY_MS);
    const close = closes[i];
    // Futures close at 17:00.
    if (typeof close !== 'number' || !(close > 0) || newYorkTime(day, 18) > now) return;
    // The yield was once quoted times ten.
    days.set(day, { day, value: series === 'us10y' && close > 20 ? close / 10 : close });
  });
  return dailyObservations(series, [...days.values()], nextNoon);
}

export const yahoo: ContextSource = {
  id: 'yahoo',
  title: TITLE,
  hosts: { api: { baseUrl: 'https://query1.finance.yahoo.com/v8/finance/chart', ratePerSecond: 0.2, burst: 1 } },
  isDefault: false,
  terms: { plan: 'no key, unofficial', redistribution: 'For personal use only: not to be passed on.' },
  series: SYMBOLS.map(({ series, unit, meaning }) => ({ name: series, unit, meaning, validFor: VALID_FOR })),
  polls: ({ http, clock }) =>
    SYMBOLS.map(({ symbol, series }): Poll => ({
      name: series,
      everyMs: 6 * HOUR,
      calls: 1,
      run: async (signal) => {
        const chart = await http['api']!.getJson(
          `/${encodeURIComponent(symbol)}`,
          { range: '1mo', interval: '1d' },
          Chart,
          signal,
        );
        return newestDays(chartObservations(series, chart, clock.now()), VALID_FOR, clock.now());
      },
    })),
  history: async function* ({ http, clock }, range) {
    const period = { period1: Math.floor((range.from - 4 * DAY_MS) / 1000), period2: Math.ceil(range.to / 1000) };
    for (const { symbol, series } of SYMBOLS) {
      const query = { ...period, interval: '1d' };
      const chart = await http['api']!.getJson(`/${encodeURIComponent(symbol)}`, query, Chart, NEVER);
      yield availableWithin(chartObservations(series, chart, clock.now()), range);
    }
  },
};
