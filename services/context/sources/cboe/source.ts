/** Cboe: closes of its volatility index since 1990, one CSV file, there the evening of the day. */
import { availableWithin, NEVER } from '../answer-fields.ts';
import { csvRows, dailyObservations, dailyRow, newestDays, nextNoon } from '../daily-values.ts';
import { type ContextSource, type Observation } from '../source.ts';

const HOUR = 3_600_000;
const VALID_FOR = 6 * 24 * HOUR;
const TITLE = 'Cboe';
const PATH = '/VIX_History.csv';

/** Throws `TRB_HTTP_SHAPE`. */
export function vixObservations(text: string): Observation[] {
  const rows = csvRows(TITLE, text, [['date'], ['close']]);
  return dailyObservations(
    'vix',
    rows.flatMap(([date = '', close = '']) => dailyRow(date, close) ?? []),
    nextNoon,
  );
}

export const cboe: ContextSource = {
  id: 'cboe',
  title: TITLE,
  hosts: { cdn: { baseUrl: 'https://cdn.cboe.com/api/global/us_indices/daily_prices', ratePerSecond: 0.1, burst: 1 } },
  isDefault: true,
  terms: { plan: 'free, no key', redistribution: 'The VIX belongs to Cboe: not to be passed on without a licence.' },
  series: [{ name: 'vix', unit: 'percent per year', meaning: 'VIX at the close', validFor: VALID_FOR }],
  polls: ({ http, clock }) => [
    {
      name: 'vix',
      everyMs: 6 * HOUR,
      calls: 1,
      run: async (signal) => newestDays(vixObservations(await http['cdn']!.getText(PATH, {}, signal)), VALID_FOR, clock.now()),
    },
  ],
  history: async function* ({ http }, range) {
    yield availableWithin(vixObservations(await http['cdn']!.getText(PATH, {}, NEVER)), range);
  },
};
