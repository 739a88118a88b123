/** What the windows of the fast lane say. */
import { isSilent } from '../quality.ts';
import { mean, valueAgo } from '../rolling.ts';
import { type FastInstrument, LEAST_SLOTS, SLOT_MS } from './state.ts';

/** A market that stands still moves as little as this in a second: ln. */
const LEAST_SCALE = 1e-6;
/** What was not heard of for longer says nothing of the market now, milliseconds. */
const LONGEST_AGE = 10_000;

/** Standard deviation of the log return over a second, from the moves of two minutes; NaN with less than 30 s of them. */
export function scaleOf({ moves }: FastInstrument): number {
  if (moves.count < LEAST_SLOTS - 1) return NaN;
  return Math.sqrt(Math.max(0, moves.squares) / moves.count) * Math.sqrt(1000 / SLOT_MS) + LEAST_SCALE;
}

/** Log return up to now over at least `milliseconds` and less than a slot more; NaN = not known that long. */
export function returnOver({ log, logs }: FastInstrument, milliseconds: number): number {
  return log - valueAgo(logs[2]!, Math.round(milliseconds / SLOT_MS));
}

/** How far the log price stands from its mean over SLOTS[window]; NaN with less than 5 s of it. */
export function deviationFromMean({ log, logs }: FastInstrument, window: number): number {
  return log - mean(logs[window]!, 20);
}

/** Whether the instrument, another one than the target, has a say. */
export function isHeard(instrument: FastInstrument, now: number, clock: number): boolean {
  return now - instrument.updatedAt <= LONGEST_AGE && instrument.feed.isHealthy && !isSilent(instrument.feed, clock);
}

/** Share of buys less that of sells, over SLOTS[window] and the slot under way; 0 without trades. */
export function flowOver({ forming, trades, signs }: FastInstrument, window: 0 | 1): number {
  const count = trades[window]!.sum + forming.trades;
  return count > 0.5 ? (signs[window]!.sum + forming.signs) / count : 0;
}
