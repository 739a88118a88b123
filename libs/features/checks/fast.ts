/** The checks of the fast lane's columns, on generated data or on recorded ticks. */
import { type Tick } from '../../wire/tributary/v1/market.ts';
import { tickFileToTicks } from '../../history/tick-events.ts';
import { type CheckResult } from './checks.ts';
import { foldAll, FAST_LANE } from './lane.ts';
import { overwriteFuture } from './overwrite.ts';
import { checkPartitions, checkRestore } from './parity.ts';
import { generateTickRows } from './tick-market.ts';

/** When the recorder, or ingest, had it: by this the fast lane tells time. Clocks are no news. */
export function receivedAt({ event, receiveTime }: Tick): number {
  return event?.$case === 'clock' ? -Infinity : receiveTime / 1000;
}

const START = Date.UTC(2024, 2, 1);
/** How many others there are changes when one is silent for long; nothing the future brings is. */
const STEADY = ['fast_others@1'];

/** Every leg, three minutes; a column that the check could not see is a problem too. */
export function* checkFastCatalogue(): Generator<CheckResult> {
  const ticks = [...tickFileToTicks(generateTickRows({ start: START, seconds: 180, seed: 1 }))];
  for (const result of checkFastLane(ticks)) {
    const blind = FAST_LANE.columns.length - STEADY.length - result.columns;
    yield blind <= 0
      ? result
      : { ...result, problems: [...result.problems, `${blind} columns did not move when the future came`] };
  }
}

/** Yields nothing where the ticks make no vector of the fast lane. */
export function* checkFastLane(ticks: readonly Tick[]): Generator<CheckResult> {
  const truth = foldAll(ticks, FAST_LANE);
  if (truth.length === 0) return;
  const cuts = [0.3, 0.6, 0.9].map((part) => truth[Math.floor(truth.length * part)]!.t);
  const runs = cuts.map((t) => overwriteFuture(ticks, t, truth, receivedAt, FAST_LANE));
  const moved = new Set(runs.flatMap((run) => [...run.moved]));
  yield { name: 'fast lane: future-overwrite', columns: moved.size, problems: runs.flatMap(({ leaks }) => leaks) };
  const columns = FAST_LANE.columns.length;
  yield { name: 'fast lane: parity over partitions', columns, problems: checkPartitions(ticks, [4, 16], truth, FAST_LANE) };
  const places = [0.2, 0.5, 0.95].map((part) => Math.floor(ticks.length * part));
  yield { name: 'fast lane: parity after restore', columns, problems: checkRestore(ticks, places, truth, FAST_LANE) };
}
