/** What CryptoCompare's answers say, as observations. Pure. */
import { observationsAt, unlessZero } from '../answer-fields.ts';
import { type Observation } from '../source.ts';
import { type Bars, type Prices, type Social } from './schema.ts';

/** A bar's close stands within a minute after its end. */
export const BAR_DELAY = 60_000;

/** The index price is as old as its last update: an index that stands still becomes stale. */
export function indexObservations({ RAW }: Prices, assets: readonly string[]): Observation[] {
  return assets.flatMap((asset) => {
    const index = RAW[asset]?.USD;
    if (index?.MARKET !== 'CCCAGG') return [];
    const observedAt = index.LASTUPDATE * 1000;
    return observationsAt({ observedAt, publishedAt: observedAt }, { [`cccagg.${asset}`]: unlessZero(index.PRICE) });
  });
}

export function socialObservations(asset: string, { Data }: Social, now: number): Observation[] {
  return observationsAt({ observedAt: now }, { [`social_points.${asset}`]: unlessZero(Data.General.Points) });
}

/** Closes of bars `barMs` long. Before a coin was listed they are 0. */
export function barObservations(asset: string, { Data }: Bars, barMs: number): Observation[] {
  return Data.Data.flatMap(({ time, close }) => {
    const observedAt = time * 1000 + barMs;
    const availableAt = observedAt + BAR_DELAY;
    return observationsAt({ observedAt, publishedAt: availableAt, availableAt }, { [`cccagg.${asset}`]: unlessZero(close) });
  });
}
