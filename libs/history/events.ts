/** Events that stand in every partition. */
import { type Tick } from '../wire/tributary/v1/market.ts';

/** Traded pairs whose price every asset's features may use. */
export const REFERENCE_INSTRUMENTS: readonly string[] = ['BTC-USD', 'ETH-USD'];

/**
 * Across a longer hole, milliseconds, only its ends have a clock: after it the fold begins anew, and one wrong year in a file is no
 * flood of clocks.
 */
export const LONGEST_HOLE = 86_400_000;

/** `t` in milliseconds. */
export function clockEvent(t: number): Tick {
  return partitionless(t, { $case: 'clock', value: { t, writerEpoch: 0 } });
}

/** `publishedAt` and `effectiveT` in milliseconds. */
export function referenceEvent(
  source: string,
  series: string,
  seq: number,
  value: number,
  publishedAt: number,
  effectiveT: number,
): Tick {
  const reference = { source, series, seq, value, publishedAt: publishedAt * 1000, effectiveT, observedAt: 0, validFor: 0 };
  return partitionless(publishedAt, { $case: 'reference', value: reference });
}

/** A context value as it was at one publication. */
export interface ContextRow {
  readonly source: string;
  readonly series: string;
  /** Strictly increasing per series in order of availability. */
  readonly seq: number;
  readonly value: number;
  /** End of the period described, publication, earliest use, milliseconds. */
  readonly observedAt: number;
  readonly publishedAt: number;
  readonly availableAt: number;
  /** How long after `availableAt` it may serve, milliseconds. */
  readonly validFor: number;
}

export function contextEvent(row: ContextRow): Tick {
  const { source, series, seq, value, observedAt, publishedAt, availableAt, validFor } = row;
  const reference = {
    source,
    series,
    seq,
    value,
    publishedAt: publishedAt * 1000,
    effectiveT: availableAt,
    observedAt,
    validFor,
  };
  return partitionless(availableAt, { $case: 'reference', value: reference });
}

function partitionless(t: number, event: NonNullable<Tick['event']>): Tick {
  return { asset: '', venue: '', instrument: '', exchangeTime: t * 1000, receiveTime: t * 1000, sequence: 0, event };
}
