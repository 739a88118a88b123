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
  const reference = { source, series, seq, value, publishedAt: publishedAt * 1000, effectiveT };
  return partitionless(publishedAt, { $case: 'reference', value: reference });
}

function partitionless(t: number, event: NonNullable<Tick['event']>): Tick {
  return { asset: '', venue: '', instrument: '', exchangeTime: t * 1000, receiveTime: t * 1000, sequence: 0, event };
}
