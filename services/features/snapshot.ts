/** Snapshots of the folds of both lanes, in the compacted topic `feature-state`. */
import { featureSchema } from '#libs/features/catalogue.ts';
import { fastSchema } from '#libs/features/fast/catalogue.ts';
import { type FastState } from '#libs/features/fast/fold.ts';
import { FAST_STATE_VERSION } from '#libs/features/fast/state.ts';
import { type FoldState, STATE_VERSION } from '#libs/features/fold.ts';
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { newestSnapshot, recordsOfSnapshot, type Snapshot, type SnapshotKind } from '#libs/snapshot/snapshot.ts';

/** What each lane folds into. */
export interface States {
  readonly slow: FoldState;
  readonly fast: FastState;
}

/** Where states are kept: the newest, and those that the next check of parity begins with. */
export type StateTopic = 'feature-state' | 'parity-state';

/** A state fits only the code whose catalogue made it. */
const KINDS: Readonly<Record<Lane, Omit<SnapshotKind, 'topic'>>> = {
  slow: { prefix: '', version: `${STATE_VERSION}/${featureSchema().id}` },
  fast: { prefix: 'fast/', version: `fast/${FAST_STATE_VERSION}/${fastSchema().id}` },
};

export function snapshotRecords<L extends Lane>(
  lane: L,
  state: States[L],
  partition: number,
  offset: number,
  topic: StateTopic = 'feature-state',
): readonly OutRecord[] {
  return recordsOfSnapshot({ topic, ...KINDS[lane] }, { state, offset }, partition);
}

/** The newest whole snapshot of this layout and catalogue; undefined = none, the state must be rebuilt. */
export async function loadSnapshot<L extends Lane>(
  log: EventLog,
  lane: L,
  partition: number,
  topic: StateTopic = 'feature-state',
): Promise<Snapshot<States[L]> | undefined> {
  return newestSnapshot(log, { topic, ...KINDS[lane] }, partition);
}
