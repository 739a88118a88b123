/** Snapshots of the fold in the compacted topic `feature-state`: v8.serialize, cut into chunks, written with the outputs they belong to. */
import { deserialize, serialize } from 'node:v8';
import { type FoldState, STATE_VERSION } from '#libs/features/fold.ts';
import { featureSchema } from '#libs/features/catalogue.ts';
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { FeatureState } from '#libs/wire/tributary/v1/features.ts';

/** Below the least record size that brokers allow by default (1 MB), with room for the envelope. */
const CHUNK_BYTES = 500_000;

export interface Snapshot {
  readonly state: FoldState;
  /** First offset of `ticks` that is not in the state. */
  readonly offset: number;
}

export function snapshotRecords(state: FoldState, partition: number, offset: number): readonly OutRecord[] {
  const payload = serialize(state);
  const chunks = Math.ceil(payload.length / CHUNK_BYTES);
  return Array.from({ length: chunks }, (_, chunk) => ({
    topic: 'feature-state' as const,
    partition,
    key: `${partition}/${chunk}`,
    value: FeatureState.encode({
      stateVersion: stateVersion(),
      partition,
      offset,
      chunk,
      chunks,
      payload: payload.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES),
    }).finish(),
  }));
}

/** The newest whole snapshot of this layout and catalogue; undefined = none, the state must be rebuilt. */
export async function loadSnapshot(log: EventLog, partition: number): Promise<Snapshot | undefined> {
  let chunks: FeatureState[] = [];
  let newest: readonly FeatureState[] | undefined;
  for await (const batch of log.read('feature-state', partition)) {
    for (const record of batch.records) {
      const chunk = FeatureState.decode(record.value);
      if (chunk.partition !== partition) continue;
      // Chunks of one snapshot follow each other; compaction may leave a part of an older one before them.
      if (chunks[0]?.offset !== chunk.offset || chunks.length !== chunk.chunk) chunks = [];
      if (chunks.length === chunk.chunk) chunks.push(chunk);
      if (chunks.length === chunk.chunks) newest = chunks;
    }
  }
  const first = newest?.[0];
  if (newest === undefined || first?.stateVersion !== stateVersion()) return undefined;
  const state = deserialize(Buffer.concat(newest.map(({ payload }) => payload))) as FoldState;
  return { state, offset: first.offset };
}

/** A state fits only the code whose catalogue made it. */
function stateVersion(): string {
  return `${STATE_VERSION}/${featureSchema().id}`;
}
