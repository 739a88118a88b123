/** FRED: equities, volatility, the dollar and yields by day, as the CSV files behind its charts. One series a file. */
import { availableWithin, NEVER } from '../answer-fields.ts';
import { csvRows, dailyObservations, dailyRow, newestDays, nextMonday, nextWorkday, type Publication } from '../daily-values.ts';
import { type ContextSource, type Observation, type Poll } from '../source.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TITLE = 'FRED';

interface Table {
  readonly id: string;
  readonly series: string;
  readonly unit: string;
  readonly meaning: string;
  readonly publication: Publication;
  /** Over the longest time without news: a weekend and holidays, or a week and a holiday. */
  readonly validFor: number;
}

const TABLES: readonly Table[] = [
  {
    ...{ id: 'SP500', series: 'sp500', unit: 'points', meaning: 'S&P 500 at the close; ten years back' },
    ...{ publication: nextWorkday, validFor: 6 * DAY },
  },
  {
    ...{ id: 'VIXCLS', series: 'vix', unit: 'percent per year', meaning: 'VIX at the close' },
    publication: nextWorkday,
    validFor: 6 * DAY,
  },
  {
    ...{ id: 'DTWEXBGS', series: 'dollar_index', unit: 'January 2006 = 100', meaning: 'broad trade-weighted dollar; no DXY' },
    ...{ publication: nextMonday, validFor: 13 * DAY },
  },
  {
    ...{ id: 'DGS10', series: 'us10y', unit: 'percent', meaning: 'yield of 10-year US government bonds' },
    ...{ publication: nextWorkday, validFor: 6 * DAY },
  },
];

/** Holidays have an empty field, or a point. Throws `TRB_HTTP_SHAPE`. */
export function tableObservations({ id, series, publication }: Table, text: string): Observation[] {
  const rows = csvRows(TITLE, text, [['observation_date', 'date'], [id.toLowerCase()]]);
  return dailyObservations(
    series,
    rows.flatMap(([date = '', value = '']) => dailyRow(date, value) ?? []),
    publication,
  );
}

export function tableOf(series: string): Table {
  return TABLES.find((table) => table.series === series)!;
}

export const fred: ContextSource = {
  id: 'fred',
  title: 'FRED, Federal Reserve Bank of St. Louis',
  hosts: { web: { baseUrl: 'https://fred.stlouisfed.org/graph', ratePerSecond: 0.5, burst: 2 } },
  isDefault: true,
  terms: {
    plan: 'free, no key',
    redistribution: 'Series of the Federal Reserve are free; SP500 and VIXCLS belong to S&P and Cboe and may not be passed on.',
  },
  series: TABLES.map(({ series, unit, meaning, validFor }) => ({ name: series, unit, meaning, validFor })),
  polls: ({ http, clock }) =>
    TABLES.map((table): Poll => ({
      name: table.id,
      everyMs: 6 * HOUR,
      calls: 1,
      run: async (signal) => {
        const query = { id: table.id, cosd: dateOf(clock.now() - 30 * DAY) };
        const text = await http['web']!.getText('/fredgraph.csv', query, signal);
        return newestDays(tableObservations(table, text), table.validFor, clock.now());
      },
    })),
  history: async function* ({ http }, range) {
    for (const table of TABLES) {
      const query = { id: table.id, cosd: dateOf(range.from - 15 * DAY), coed: dateOf(range.to) };
      const text = await http['web']!.getText('/fredgraph.csv', query, NEVER);
      yield availableWithin(tableObservations(table, text), range);
    }
  },
};

function dateOf(t: number): string {
  return new Date(t).toISOString().slice(0, 10);
}
