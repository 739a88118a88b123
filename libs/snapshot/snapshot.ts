/** Snapshots of a partition's state in a compacted topic: v8.serialize, cut into chunks, written with the outputs that they belong to. */
import { deserialize, serialize } from 'node:v8';
import { type EventLog, type OutRecord } from '../log/port.ts';
import { type Topic } from '../log/topics.ts';
import { FeatureState } from '../wire/tributary/v1/features.ts';

/** Below the least record size that brokers allow by default (1 MB), with room for the envelope. */
const CHUNK_BYTES = 500_000;
/** Records, transaction markers among them, that hold a small snapshot, or tell how large it is. */
const FIRST_LOOK = 4;

/** What is kept of what. */
export interface SnapshotKind {
  readonly topic: Topic;
  /** Of the keys, where a topic holds several kinds. */
  readonly prefix: string;
  /** Of the state's layout: one of another version is not read. */
  readonly version: string;
}

export interface Snapshot<State> {
  readonly state: State;
  /** First offset of `ticks` that is not in the state. */
  readonly offset: number;
}

export function recordsOfSnapshot(
  { topic, prefix, version }: SnapshotKind,
  { state, offset }: Snapshot<unknown>,
  partition: number,
): readonly OutRecord[] {
  const payload = serialize(state);
  const chunks = Math.ceil(payload.length / CHUNK_BYTES);
  return Array.from({ length: chunks }, (_, chunk) => ({
    topic,
    partition,
    key: `${prefix}${partition}/${chunk}`,
    value: FeatureState.encode({
      stateVersion: version,
      partition,
      offset,
      chunk,
      chunks,
      payload: payload.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES),
    }).finish(),
  }));
}

/**
 * The newest whole snapshot, if it is of this version; undefined = none, the state must be rebuilt. Looks at the end of the partition first:
 * what compaction has not yet removed may be a thousand times as much. `State` is what was written under this version.
 */
export async function newestSnapshot<State>(
  log: EventLog,
  kind: SnapshotKind,
  partition: number,
): Promise<Snapshot<State> | undefined> {
  const { begin, end } = await log.bounds(kind.topic, partition);
  let from = end;
  let chunks: readonly FeatureState[] | undefined;
  for (let step = FIRST_LOOK; chunks === undefined && from > begin;) {
    from = Math.max(begin, end - step);
    const look = await lookFrom(log, kind, partition, from);
    chunks = look.newest;
    // Two of its size hold a whole one.
    step = Math.max(step * 4, 2 * look.size + FIRST_LOOK);
  }
  const first = chunks?.[0];
  if (chunks === undefined || first?.stateVersion !== kind.version) return undefined;
  const state = deserialize(Buffer.concat(chunks.map(({ payload }) => payload))) as State;
  return { state, offset: first.offset };
}

/** The newest whole snapshot from there on, and how many chunks the largest has of which there is any. */
async function lookFrom(
  log: EventLog,
  { topic, prefix }: SnapshotKind,
  partition: number,
  from: number,
): Promise<{ readonly newest: readonly FeatureState[] | undefined; readonly size: number }> {
  let chunks: FeatureState[] = [];
  let newest: readonly FeatureState[] | undefined;
  let size = 0;
  for await (const batch of log.read(topic, partition, { from })) {
    for (const record of batch.records) {
      const chunk = FeatureState.decode(record.value);
      size = Math.max(size, chunk.chunks);
      if (record.key !== `${prefix}${partition}/${chunk.chunk}`) continue;
      // Chunks of one snapshot follow each other; compaction may leave a part of an older one before them.
      if (chunks[0]?.offset !== chunk.offset || chunks.length !== chunk.chunk) chunks = [];
      if (chunks.length === chunk.chunk) chunks.push(chunk);
      if (chunks.length === chunk.chunks) newest = chunks;
    }
  }
  return { newest, size };
}
