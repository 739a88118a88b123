/** History before the first live event: one pass over it folds the states of all partitions. */
import { setImmediate as turn } from 'node:timers/promises';
import { createFold, type FoldOptions, type FoldState, foldTick } from '#libs/features/fold.ts';
import { partitionOf } from '#libs/log/topics.ts';
import { type FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';

export type History = AsyncIterable<Tick> | (() => AsyncIterable<Tick>);

/** sourceOffset of a vector that no record of the log made. */
export const FROM_HISTORY = -1;

export interface Folded {
  readonly state: FoldState;
  /** Of the last minutes, oldest first. */
  readonly vectors: readonly FeatureVector[];
}

const EVENTS_A_TURN = 500;

/**
 * The state of each partition after the history of its assets. Keeps the vectors of the last `keepMs`. Gives the event loop a turn
 * every few milliseconds. Throws what the history throws, and the abort reason.
 */
export async function foldHistory(
  history: History,
  partitions: number,
  keepMs: number,
  options: FoldOptions,
  signal: AbortSignal,
): Promise<readonly Folded[]> {
  const states = Array.from({ length: partitions }, () => createFold(options));
  const kept: FeatureVector[][] = states.map(() => []);
  let events = 0;
  for await (const tick of typeof history === 'function' ? history() : history) {
    for (let partition = 0; partition < partitions; partition++) {
      if (tick.asset !== '' && partitionOf(tick.asset, partitions) !== partition) continue;
      foldTick(states[partition]!, tick, FROM_HISTORY, (vector) => kept[partition]!.push(vector));
    }
    if (tick.event?.$case === 'clock') {
      const oldest = tick.event.value.t - keepMs;
      for (const vectors of kept) dropBefore(vectors, oldest);
    }
    if (++events % EVENTS_A_TURN === 0) {
      signal.throwIfAborted();
      await turn();
    }
  }
  return states.map((state, partition) => ({ state, vectors: kept[partition]!.filter(({ t }) => t > state.t - keepMs) }));
}

/** Drops in large steps, so that each vector is moved a few times at most. */
function dropBefore(vectors: FeatureVector[], t: number): void {
  const half = vectors[vectors.length >> 1];
  if (half !== undefined && half.t <= t) vectors.splice(0, vectors.length >> 1);
}
