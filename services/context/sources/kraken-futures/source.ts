/** Kraken Futures: funding and open interest of the linear perpetuals (PF_), basis of the dated futures (FF_). */
import { z } from 'zod';
import {
  BASIS_SERIES,
  basisOf,
  type DatedFuture,
  DERIVATIVES_EVERY,
  eightHours,
  fundingSeries,
  OPEN_INTEREST_SERIES,
} from '../derivative-series.ts';
import { availableWithin, isoTime, NEVER, observationsAt, optionalNumber } from '../answer-fields.ts';
import { type ContextSource, type Observation } from '../source.ts';

const HOUR = 3_600_000;

export const Tickers = z.object({
  result: z.literal('success'),
  serverTime: isoTime,
  tickers: z.array(
    z.object({
      symbol: z.string(),
      markPrice: optionalNumber,
      indexPrice: optionalNumber,
      openInterest: optionalNumber,
      /** US dollars for one base unit and hour: absolute, not a rate. */
      fundingRate: optionalNumber,
      suspended: z.boolean().nullish(),
    }),
  ),
});
export type Tickers = z.infer<typeof Tickers>;

export const FundingRates = z.object({
  result: z.literal('success'),
  rates: z.array(z.object({ timestamp: isoTime, relativeFundingRate: z.number() })),
});
export type FundingRates = z.infer<typeof FundingRates>;

export function tickerObservations({ serverTime, tickers }: Tickers, assets: readonly string[]): Observation[] {
  const bySymbol = new Map(tickers.map((ticker) => [ticker.symbol.toUpperCase(), ticker]));
  return assets.flatMap((asset) => {
    const perpetual = bySymbol.get(symbolOf(asset));
    const { markPrice, fundingRate, openInterest, suspended } = perpetual ?? {};
    // A market that is about to open is all zeros.
    const isOn = suspended !== true && typeof markPrice === 'number' && markPrice > 0;
    const funding = isOn && typeof fundingRate === 'number' ? eightHours(fundingRate / markPrice, 1) : undefined;
    return observationsAt(
      { observedAt: serverTime, publishedAt: serverTime },
      {
        [`funding_8h.${asset}`]: funding,
        [`open_interest.${asset}`]: isOn && openInterest !== 0 ? openInterest : undefined,
        [`basis.${asset}`]: basisOf(datedFutures(tickers, asset), serverTime),
      },
    );
  });
}

/** `FF_XBTUSD_261225` ends on 25 December 2026 at 08:00 UTC. */
function datedFutures(tickers: Tickers['tickers'], asset: string): readonly DatedFuture[] {
  const prefix = `${symbolOf(asset).replace('PF_', 'FF_')}_`;
  return tickers.flatMap(({ symbol, markPrice, indexPrice, suspended }) => {
    const date = /^(\d\d)(\d\d)(\d\d)$/.exec(symbol.toUpperCase().startsWith(prefix) ? symbol.slice(prefix.length) : '');
    if (date === null || suspended === true || typeof markPrice !== 'number' || typeof indexPrice !== 'number') return [];
    const expiry = Date.UTC(2000 + Number(date[1]), Number(date[2]) - 1, Number(date[3]), 8);
    return [{ expiry, mark: markPrice, index: indexPrice }];
  });
}

/** A rate stands at the beginning of its hour; it is taken as known at the end. */
export function fundingObservations({ rates }: FundingRates, asset: string): Observation[] {
  return rates.map(({ timestamp, relativeFundingRate }) => ({
    series: `funding_8h.${asset}`,
    value: eightHours(relativeFundingRate, 1),
    observedAt: timestamp + HOUR,
    publishedAt: timestamp + HOUR,
    availableAt: timestamp + HOUR,
  }));
}

export const krakenFutures: ContextSource = {
  id: 'kraken-futures',
  title: 'Kraken Futures',
  hosts: { api: { baseUrl: 'https://futures.kraken.com/derivatives/api/v3', ratePerSecond: 1, burst: 3 } },
  isDefault: true,
  terms: {
    plan: 'free, no key',
    redistribution: 'Market data of Kraken: for use under its terms of service, not to be passed on.',
  },
  series: [fundingSeries(1), OPEN_INTEREST_SERIES, BASIS_SERIES],
  polls: ({ http, assets }) => [
    {
      name: 'tickers',
      everyMs: DERIVATIVES_EVERY,
      calls: 1,
      run: async (signal) => tickerObservations(await http['api']!.getJson('/tickers', {}, Tickers, signal), assets),
    },
  ],
  history: async function* ({ http, assets }, range) {
    for (const asset of assets) {
      const path = '/historical-funding-rates';
      const answer = await http['api']!.getJson(path, { symbol: symbolOf(asset) }, FundingRates, NEVER);
      yield availableWithin(fundingObservations(answer, asset), range);
    }
  },
};

function symbolOf(asset: string): string {
  return `PF_${asset === 'BTC' ? 'XBT' : asset}USD`;
}
