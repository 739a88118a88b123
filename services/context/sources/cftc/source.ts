/** CFTC: Commitments of Traders, financial futures, of CME's Bitcoin and Ether futures: as of Tuesday, published on Friday. */
import { z } from 'zod';
import { DAY_MS, dayOf, parseDay } from '#libs/calendar/dates.ts';
import { isFederalWorkday } from '#libs/calendar/us.ts';
import { newYorkTime } from '#libs/calendar/zones.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { availableWithin, NEVER, observationsAt } from '../answer-fields.ts';
import { type ContextSource, type Observation, type SeriesDeclaration } from '../source.ts';

const HOUR = 3_600_000;
/** From one Friday to the next, a holiday later. */
const VALID_FOR = 14 * DAY_MS;
/** Traders in Financial Futures, futures only. */
const PATH = '/gpe5-46if.json';
/** CME contract codes. */
const CONTRACTS: Readonly<Record<string, string>> = { BTC: '133741', ETH: '146021' };

/**
 * Reports that came weeks late (shutdowns of 2018 and 2025, a broker's outage of 2023), first and last Tuesday: when each was published
 * is not known here, so history leaves them out.
 */
const LATE = [
  [dayOf(2018, 12, 18), dayOf(2019, 3, 5)],
  [dayOf(2023, 1, 24), dayOf(2023, 3, 14)],
  [dayOf(2025, 9, 30), dayOf(2025, 12, 30)],
] as const;

/** All text; column names differ between datasets by `_all`. */
export const Reports = z.array(z.record(z.string(), z.unknown())).min(1);
export type Reports = z.infer<typeof Reports>;

/** Throws `TRB_HTTP_SHAPE`. */
export function reportObservations(reports: Reports, assets: readonly string[]): Observation[] {
  return reports
    .flatMap((report) => {
      const code = field(report, 'cftc_contract_market_code');
      const asset = assets.find((each) => CONTRACTS[each] === code);
      const day = parseDay(field(report, 'report_date_as_yyyy_mm_dd').slice(0, 10));
      if (asset === undefined || Number.isNaN(day)) return [];
      const open = count(report, 'open_interest');
      const net = (who: string): number =>
        (count(report, `${who}_positions_long`) - count(report, `${who}_positions_short`)) / open;
      const publishedAt = publicationOf(day);
      return observationsAt(
        { observedAt: newYorkTime(day, 17), publishedAt, availableAt: publishedAt },
        { [`asset_manager_net.${asset}`]: net('asset_mgr'), [`leveraged_net.${asset}`]: net('lev_money') },
      );
    })
    .sort((a, b) => a.observedAt - b.observedAt);
}

/** 16:00 in New York, half an hour after the release, on the third federal working day after the Tuesday. */
export function publicationOf(tuesday: number): number {
  let day = tuesday;
  for (let left = 3; left > 0;) if (isFederalWorkday(++day)) left--;
  return newYorkTime(day, 16);
}

export function isLate(observedAt: number): boolean {
  const day = Math.floor(observedAt / DAY_MS);
  return LATE.some(([first, last]) => day >= first && day <= last);
}

const share = { unit: 'share of open interest', validFor: VALID_FOR } satisfies Partial<SeriesDeclaration>;

export const cftc: ContextSource = {
  id: 'cftc',
  title: 'CFTC Commitments of Traders',
  hosts: { api: { baseUrl: 'https://publicreporting.cftc.gov/resource', ratePerSecond: 0.2, burst: 1 } },
  isDefault: false,
  terms: { plan: 'free, no key', redistribution: 'Public domain: work of the United States government.' },
  series: [
    { ...share, name: 'asset_manager_net.{asset}', meaning: 'long less short contracts of asset managers' },
    { ...share, name: 'leveraged_net.{asset}', meaning: 'long less short contracts of leveraged funds' },
  ],
  polls: ({ http, assets, clock }) => [
    {
      name: 'reports',
      everyMs: 6 * HOUR,
      calls: 1,
      run: async (signal) => {
        const reports = await http['api']!.getJson(PATH, queryOf('', 4), Reports, signal);
        return reportObservations(reports, assets)
          .filter(({ observedAt }) => clock.now() - observedAt < VALID_FOR)
          .map(({ series, value, observedAt }) => ({ series, value, observedAt }));
      },
    },
  ],
  history: async function* ({ http, assets }, range) {
    const since = new Date(range.from - VALID_FOR).toISOString().slice(0, 19);
    const where = ` AND report_date_as_yyyy_mm_dd >= '${since}'`;
    const reports = await http['api']!.getJson(PATH, queryOf(where, 5000), Reports, NEVER);
    yield availableWithin(
      reportObservations(reports, assets).filter(({ observedAt }) => !isLate(observedAt)),
      range,
    );
  },
};

function queryOf(where: string, limit: number): Record<string, string | number> {
  const codes = Object.values(CONTRACTS)
    .map((code) => `'${code}'`)
    .join(',');
  const order = 'report_date_as_yyyy_mm_dd DESC';
  return { $where: `cftc_contract_market_code in(${codes})${where}`, $order: order, $limit: limit };
}

function field(report: Reports[number], name: string): string {
  const value = report[name] ?? report[`${name}_all`];
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new TributaryError('TRB_HTTP_SHAPE', `The CFTC's report has no ${name}.`, { hint: 'Its columns may have been renamed.' });
}

/** NaN = no number. */
function count(report: Reports[number], name: string): number {
  const text = field(report, name);
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
}
