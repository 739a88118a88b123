/** What the checks fold with: a lane of the features, its state opaque. */
import { deserialize, serialize } from 'node:v8';
import { type FeatureVector } from '../../wire/tributary/v1/features.ts';
import { type Tick } from '../../wire/tributary/v1/market.ts';
import { featureSchema } from '../catalogue.ts';
import { fastSchema } from '../fast/catalogue.ts';
import { createFastFold, foldFast } from '../fast/fold.ts';
import { createFold, foldTick } from '../fold.ts';

export interface Folding {
  fold(tick: Tick, offset: number, emit: (vector: FeatureVector) => void): void;
  store(): Uint8Array;
}

export interface Lane {
  readonly columns: readonly string[];
  /** From the first event, or from where `stored` was. */
  begin(stored?: Uint8Array): Folding;
}

function laneOf<State>(
  columns: readonly string[],
  create: () => State,
  fold: (state: State, tick: Tick, offset: number, emit: (vector: FeatureVector) => void) => void,
): Lane {
  return {
    columns,
    begin(stored) {
      const state = stored === undefined ? create() : (deserialize(stored) as State);
      return { fold: (tick, offset, emit) => fold(state, tick, offset, emit), store: () => serialize(state) };
    },
  };
}

export const SLOW_LANE = laneOf(featureSchema().columns, () => createFold(), foldTick);
export const FAST_LANE = laneOf(fastSchema().columns, () => createFastFold(), foldFast);

export function foldAll(ticks: readonly Tick[], lane: Lane = SLOW_LANE): readonly FeatureVector[] {
  const vectors: FeatureVector[] = [];
  const folding = lane.begin();
  ticks.forEach((tick, offset) => folding.fold(tick, offset, (vector) => vectors.push(vector)));
  return vectors;
}

/** The same for the same decision, whichever fold made its vector. */
export function keyOf({ venue, instrument, t }: FeatureVector): string {
  return `${venue}:${instrument}:${t}`;
}
