/**
 * Half the spread from candles alone, after Abdi and Ranaldo (2017): the last trade lies half a spread from the middle of its own minute and of
 * the next one, on the same side of both, so the mean product of the two distances is its square. Where prices run on from minute to minute
 * the product is negative and the estimate 0: take it as a floor's floor, never as the only word (docs/decisions/056).
 */
import { type CandleRow } from '../history/rows.ts';

const MINUTE = 60_000;

/** Of one venue's instrument, oldest first; basis points. Only pairs of consecutive minutes with trades count; without any: 0. */
export function estimateHalfSpreadBps(candles: readonly CandleRow[]): number {
  let sum = 0;
  let pairs = 0;
  candles.forEach((candle, i) => {
    const next = candles[i + 1];
    if (next?.start !== candle.start + MINUTE || !(candle.volume > 0 && next.volume > 0)) return;
    const close = Math.log(candle.close);
    sum += (close - middleOf(candle)) * (close - middleOf(next));
    pairs++;
  });
  return pairs === 0 ? 0 : Math.sqrt(Math.max(0, sum / pairs)) * 10_000;
}

function middleOf({ high, low }: CandleRow): number {
  return (Math.log(high) + Math.log(low)) / 2;
}
