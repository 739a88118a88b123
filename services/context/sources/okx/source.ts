/** OKX v5: funding and open interest of the USDT swaps. Numbers are text; an error has status 200 and another code than 0. */
import { z } from 'zod';
import {
  DERIVATIVES_EVERY,
  eightHours,
  FUNDING_INTERVAL_SERIES,
  fundingSeries,
  OPEN_INTEREST_SERIES,
  type PaidRate,
  paidRates,
} from '../derivative-series.ts';
import { availableWithin, NEVER, numeric, observationsAt } from '../answer-fields.ts';
import { refusal } from '../refusal.ts';
import { type SourceHttp } from '../http.ts';
import { type ContextSource, type Observation } from '../source.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const PAGE = 400;
const TITLE = 'OKX';

export const Funding = z.object({ fundingRate: numeric, fundingTime: numeric, nextFundingTime: numeric, ts: numeric });
export const OpenInterest = z.object({ instId: z.string(), oiCcy: numeric, ts: numeric });
const Paid = z.object({ realizedRate: numeric, fundingTime: numeric });

/** Throws `TRB_CONTEXT_REFUSED`. */
async function ask<T>(
  http: SourceHttp,
  path: string,
  query: Readonly<Record<string, string | number>>,
  row: z.ZodType<T>,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const Answer = z.object({ code: z.string(), msg: z.string().optional(), data: z.array(row).optional() });
  const { code, msg = '', data } = await http.getJson(path, query, Answer, signal);
  if (code === '0' && data !== undefined) return data;
  throw refusal(TITLE, `${code} ${msg}${code === '50011' ? ' (rate limit)' : ''}`);
}

export function fundingObservations(rows: readonly z.infer<typeof Funding>[], asset: string): Observation[] {
  return rows.flatMap(({ fundingRate, fundingTime, nextFundingTime, ts }) => {
    const hours = Math.round((nextFundingTime - fundingTime) / HOUR);
    if (!(hours > 0)) return [];
    return observationsAt(
      { observedAt: ts, publishedAt: ts },
      { [`funding_8h.${asset}`]: eightHours(fundingRate, hours), [`funding_interval.${asset}`]: hours },
    );
  });
}

export const okx: ContextSource = {
  id: 'okx',
  title: TITLE,
  hosts: { api: { baseUrl: 'https://www.okx.com', ratePerSecond: 2, burst: 4 } },
  isDefault: false,
  terms: {
    plan: 'free, no key',
    redistribution: 'Market data of OKX: not to be passed on. Another host serves the United States.',
  },
  series: [fundingSeries(8), FUNDING_INTERVAL_SERIES, OPEN_INTEREST_SERIES],
  polls: ({ http, assets }) =>
    assets.map((asset) => ({
      name: `swap ${asset}`,
      everyMs: DERIVATIVES_EVERY,
      calls: 2,
      run: async (signal) => {
        const instId = instrumentOf(asset);
        const funding = await ask(http['api']!, '/api/v5/public/funding-rate', { instId }, Funding, signal);
        const query = { instType: 'SWAP', instId };
        const open = await ask(http['api']!, '/api/v5/public/open-interest', query, OpenInterest, signal);
        return [
          ...fundingObservations(funding, asset),
          ...open
            .filter((row) => row.instId === instId)
            .flatMap(({ oiCcy, ts }) =>
              observationsAt({ observedAt: ts, publishedAt: ts }, { [`open_interest.${asset}`]: oiCcy }),
            ),
        ];
      },
    })),
  /** About three months back; `after` asks for what is older. */
  history: async function* ({ http, assets }, range) {
    for (const asset of assets) {
      const paid: PaidRate[] = [];
      for (let after = range.to; after > range.from - 9 * HOUR;) {
        const query = { instId: instrumentOf(asset), after, limit: PAGE };
        const rows = await ask(http['api']!, '/api/v5/public/funding-rate-history', query, Paid, NEVER);
        paid.push(...rows.map(({ fundingTime, realizedRate }) => ({ time: fundingTime, rate: realizedRate })));
        if (rows.length < PAGE) break;
        after = Math.min(...rows.map(({ fundingTime }) => fundingTime));
      }
      yield availableWithin(
        paidRates(paid).map(({ time, rate }) => ({
          ...{ series: `funding_8h.${asset}`, value: rate, observedAt: time },
          ...{ publishedAt: time, availableAt: time + MINUTE },
        })),
        range,
      );
    }
  },
};

function instrumentOf(asset: string): string {
  return `${asset}-USDT-SWAP`;
}
