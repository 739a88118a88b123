/** What Deribit's answers say, as observations. Pure. */
import { observationsAt } from '../answer-fields.ts';
import { basisOf, eightHours } from '../derivative-series.ts';
import { type Observation } from '../source.ts';
import { type OptionRow, parseExpiry, parseOption, putCallRatio, surfaceAt } from './options.ts';
import { type FundingHistory, type Summary, type VolatilityIndex, type Volumes } from './schema.ts';

const HOUR = 3_600_000;

/** Of options on one asset, all made at about one moment. */
export function optionObservations(summaries: readonly Summary[], asset: string): Observation[] {
  const rows = summaries.flatMap((summary): OptionRow[] => {
    const option = parseOption(summary.instrument_name);
    const { mark_price: price, mark_iv: percent, underlying_price: forward, open_interest: openInterest } = summary;
    if (option === undefined || typeof price !== 'number' || typeof forward !== 'number' || !(forward > 0)) return [];
    const volatility = typeof percent === 'number' && percent > 0 ? percent / 100 : undefined;
    return [{ ...option, forward, price, volatility, openInterest }];
  });
  if (rows.length === 0) return [];
  const observedAt = Math.max(...summaries.map(({ creation_timestamp }) => creation_timestamp));
  const surface = surfaceAt(rows, observedAt);
  return observationsAt(
    { observedAt, publishedAt: observedAt },
    {
      [`put_call_oi.${asset}`]: putCallRatio(rows),
      [`atm_iv_7d.${asset}`]: surface?.atm,
      [`skew_25d_7d.${asset}`]: surface?.skew,
    },
  );
}

/** Of futures on one asset: the perpetual's funding and open interest, and the basis. */
export function futureObservations(summaries: readonly Summary[], asset: string): Observation[] {
  const perpetual = summaries.find(({ instrument_name }) => instrument_name === `${asset}-PERPETUAL`);
  if (perpetual === undefined) return [];
  const { creation_timestamp: observedAt, mark_price: mark, funding_8h: funding, open_interest: dollars } = perpetual;
  const futures = summaries.flatMap(({ instrument_name: name, mark_price: price, estimated_delivery_price: index }) => {
    const expiry = parseExpiry(name.startsWith(`${asset}-`) ? name.slice(asset.length + 1) : '');
    if (Number.isNaN(expiry) || typeof price !== 'number' || typeof index !== 'number') return [];
    return [{ expiry, mark: price, index }];
  });
  return observationsAt(
    { observedAt, publishedAt: observedAt },
    {
      [`funding_8h.${asset}`]: funding,
      [`open_interest.${asset}`]: typeof mark === 'number' && mark > 0 ? dollars / mark : undefined,
      [`basis.${asset}`]: basisOf(futures, observedAt),
    },
  );
}

/** Over 24 hours, block trades included. */
export function volumeObservations(rows: NonNullable<Volumes['result']>, assets: readonly string[], time: number): Observation[] {
  return rows
    .filter(({ currency, calls_volume: calls }) => assets.includes(currency) && calls > 0)
    .flatMap(({ currency, puts_volume: puts, calls_volume: calls }) =>
      observationsAt({ observedAt: time, publishedAt: time }, { [`put_call_volume.${currency}`]: puts / calls }),
    );
}

/** Closes of candles of `length` milliseconds that are over by `now`. */
export function dvolObservations(
  { data }: NonNullable<VolatilityIndex['result']>,
  asset: string,
  length: number,
  now: number,
): Observation[] {
  return data
    .map(([start, , , , close]) => ({ observedAt: start + length, close }))
    .filter(({ observedAt }) => observedAt <= now)
    .sort((a, b) => a.observedAt - b.observedAt)
    .flatMap(({ observedAt, close }) =>
      observationsAt({ observedAt, publishedAt: observedAt, availableAt: observedAt }, { [`dvol.${asset}`]: close }),
    );
}

export function fundingObservations(rows: NonNullable<FundingHistory['result']>, asset: string): Observation[] {
  return rows.map(({ timestamp, interest_1h: rate }) => {
    const observedAt = Math.round(timestamp / HOUR) * HOUR;
    return {
      ...{ series: `funding_8h.${asset}`, value: eightHours(rate, 1), observedAt },
      ...{ publishedAt: observedAt, availableAt: observedAt + 60_000 },
    };
  });
}
