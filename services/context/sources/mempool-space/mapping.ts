/** What mempool.space's answers say, as observations. Pure. */
import { observationsAt, unlessZero } from '../answer-fields.ts';
import { type Observation } from '../source.ts';
import { type Adjustments, type Fees, type HashRates, type Mempool, type NextAdjustment } from './schema.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const EXA = 1e18;

/** Days that are over by `now`; a day is taken for published at noon of the next. */
export function hashRateObservations({ hashrates }: HashRates, now: number): Observation[] {
  return hashrates.flatMap(({ timestamp, avgHashrate }) => {
    const observedAt = timestamp * 1000 + DAY;
    if (observedAt > now) return [];
    const availableAt = observedAt + DAY / 2;
    const hashRate = unlessZero(avgHashrate);
    return observationsAt(
      { observedAt, publishedAt: availableAt, availableAt },
      { hash_rate: typeof hashRate === 'number' ? hashRate / EXA : null },
    );
  });
}

/** An adjustment is known with its block: an hour later at most. */
export function adjustmentObservations(adjustments: Adjustments): Observation[] {
  return adjustments.flatMap(([time, , difficulty, ratio]) => {
    const observedAt = time * 1000;
    return observationsAt(
      { observedAt, publishedAt: observedAt, availableAt: observedAt + HOUR },
      { difficulty, difficulty_adjustment: ratio },
    );
  });
}

export function nextAdjustmentObservations({ difficultyChange }: NextAdjustment, now: number): Observation[] {
  return observationsAt({ observedAt: now }, { difficulty_next_pct: difficultyChange });
}

export function feeObservations({ fastestFee, halfHourFee, economyFee }: Fees, now: number): Observation[] {
  return observationsAt({ observedAt: now }, { fee_fastest: fastestFee, fee_half_hour: halfHourFee, fee_economy: economyFee });
}

export function mempoolObservations({ vsize }: Mempool, now: number): Observation[] {
  return observationsAt({ observedAt: now }, { mempool_vsize: vsize });
}
