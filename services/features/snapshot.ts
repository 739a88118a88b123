/** Snapshots of the folds in the compacted topic `feature-state`: v8.serialize, cut into chunks, written with the outputs they belong to. */
import { deserialize, serialize } from 'node:v8';
import { featureSchema } from '#libs/features/catalogue.ts';
import { fastSchema } from '#libs/features/fast/catalogue.ts';
import { type FastState } from '#libs/features/fast/fold.ts';
import { FAST_STATE_VERSION } from '#libs/features/fast/state.ts';
import { type FoldState, STATE_VERSION } from '#libs/features/fold.ts';
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { FeatureState } from '#libs/wire/tributary/v1/features.ts';

/** Below the least record size that brokers allow by default (1 MB), with room for the envelope. */
const CHUNK_BYTES = 500_000;
/** Records, transaction markers among them, that hold a snapshot or two of each lane. */
const FIRST_LOOK = 32;

/** What each lane folds into. */
export interface States {
  readonly slow: FoldState;
  readonly fast: FastState;
}

/** A state fits only the code whose catalogue made it. */
const VERSIONS: Readonly<Record<Lane, string>> = {
  slow: `${STATE_VERSION}/${featureSchema().id}`,
  fast: `fast/${FAST_STATE_VERSION}/${fastSchema().id}`,
};
const PREFIX: Readonly<Record<Lane, string>> = { slow: '', fast: 'fast/' };

/** Where states are kept: the newest, and those that the next check of parity begins with. */
export type StateTopic = 'feature-state' | 'parity-state';

export interface Snapshot<State> {
  readonly state: State;
  /** First offset of `ticks` that is not in the state. */
  readonly offset: number;
}

export function snapshotRecords<L extends Lane>(
  lane: L,
  state: States[L],
  partition: number,
  offset: number,
  topic: StateTopic = 'feature-state',
): readonly OutRecord[] {
  const payload = serialize(state);
  const chunks = Math.ceil(payload.length / CHUNK_BYTES);
  return Array.from({ length: chunks }, (_, chunk) => ({
    topic,
    partition,
    key: `${PREFIX[lane]}${partition}/${chunk}`,
    value: FeatureState.encode({
      stateVersion: VERSIONS[lane],
      partition,
      offset,
      chunk,
      chunks,
      payload: payload.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES),
    }).finish(),
  }));
}

/**
 * The newest whole snapshot of this layout and catalogue; undefined = none, the state must be rebuilt. Looks at the end of the partition
 * first: what compaction has not yet removed may be a thousand times as much.
 */
export async function loadSnapshot<L extends Lane>(
  log: EventLog,
  lane: L,
  partition: number,
  topic: StateTopic = 'feature-state',
): Promise<Snapshot<States[L]> | undefined> {
  const { begin, end } = await log.bounds(topic, partition);
  let from = end;
  let chunks: readonly FeatureState[] | undefined;
  for (let step = FIRST_LOOK; chunks === undefined && from > begin; step *= 8) {
    from = Math.max(begin, end - step);
    chunks = await newestWhole(log, lane, partition, topic, from);
  }
  const first = chunks?.[0];
  if (chunks === undefined || first?.stateVersion !== VERSIONS[lane]) return undefined;
  const state = deserialize(Buffer.concat(chunks.map(({ payload }) => payload))) as States[L];
  return { state, offset: first.offset };
}

async function newestWhole(
  log: EventLog,
  lane: Lane,
  partition: number,
  topic: StateTopic,
  from: number,
): Promise<readonly FeatureState[] | undefined> {
  let chunks: FeatureState[] = [];
  let newest: readonly FeatureState[] | undefined;
  for await (const batch of log.read(topic, partition, { from })) {
    for (const record of batch.records) {
      const chunk = FeatureState.decode(record.value);
      if (chunk.partition !== partition || isFast(chunk) !== (lane === 'fast')) continue;
      // Chunks of one snapshot follow each other; compaction may leave a part of an older one before them.
      if (chunks[0]?.offset !== chunk.offset || chunks.length !== chunk.chunk) chunks = [];
      if (chunks.length === chunk.chunk) chunks.push(chunk);
      if (chunks.length === chunk.chunks) newest = chunks;
    }
  }
  return newest;
}

function isFast({ stateVersion }: FeatureState): boolean {
  return stateVersion.startsWith(PREFIX.fast);
}
