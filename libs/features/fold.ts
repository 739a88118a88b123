/**
 * The fold: (state, event) -> (state, vectors). Pure: no clock, no randomness, no I/O; the same events give the same vectors bit for bit.
 * The state is plain data (structured clone keeps it), so a snapshot is v8.serialize(state).
 */
import { type FeatureVector } from '../wire/tributary/v1/features.ts';
import { type Reference, type Tick } from '../wire/tributary/v1/market.ts';
import { featureSchema } from './catalogue.ts';
import { acceptContext, isContext } from './context.ts';
import { foldClock } from './fold-clock.ts';
import { foldMarket } from './fold-market.ts';
import { acceptReference } from './references.ts';
import { type FoldState, STATE_VERSION } from './state.ts';

export { type FoldState, STATE_VERSION } from './state.ts';

export interface FoldOptions {
  /** Instruments that get vectors, as venue:BASE-QUOTE. Default: every instrument quoted in USD that has traded. */
  readonly targets?: readonly string[];
}

/** The state of one partition before its first event. */
export function createFold(options: FoldOptions = {}): FoldState {
  return {
    stateVersion: STATE_VERSION,
    schemaId: featureSchema().id,
    targets: options.targets,
    t: NaN,
    epoch: 0,
    minute: NaN,
    references: new Map(),
    coinSeconds: new Map(),
    context: new Map(),
    contextIsOld: false,
    contextAge: -1,
    assets: new Map(),
    counts: { events: 0, vectors: 0, repeats: 0, late: 0, clocksDropped: 0, malformed: 0, masked: 0 },
  };
}

/** Folds one event into the state, in place; hands each vector that it completes to `emit`. `offset` is the event's place in the log. */
export function foldTick(state: FoldState, tick: Tick, offset: number, emit: (vector: FeatureVector) => void): void {
  state.counts.events++;
  const { event } = tick;
  switch (event?.$case) {
    case undefined:
      state.counts.malformed++;
      return;
    case 'clock':
      foldClock(state, event.value, offset, emit);
      return;
    case 'reference':
      if (!accept(state, event.value)) state.counts.repeats++;
      return;
    default:
      foldMarket(state, tick);
  }
}

function accept(state: FoldState, reference: Reference): boolean {
  return isContext(reference) ? acceptContext(state.context, reference) : acceptReference(state.references, reference);
}
