/** The topics of the log: who writes them is in docs/architecture.md, what they hold in proto/. */
export const TOPICS = [
  'ticks',
  'features',
  'signals',
  'signals-json',
  'outcomes',
  'shadow',
  'shadow-outcomes',
  'paper',
  'paper-state',
  'parity',
  'parity-state',
  'feature-state',
  'outcome-state',
  'context-state',
  'models',
  'dead-letter',
] as const;
export type Topic = (typeof TOPICS)[number];

/** What the archive keeps: `signals-json` says what `signals` says, to readers without Protobuf. */
export const ARCHIVED_TOPICS = TOPICS.filter((topic) => topic !== 'signals-json');
export type ArchivedTopic = (typeof ARCHIVED_TOPICS)[number];

export interface TopicSettings {
  /** `partitioned`: as many partitions as `ticks`, so that an asset has the same partition number in each; `single`: one. */
  readonly partitions: 'partitioned' | 'single';
  /** Milliseconds a record is kept; undefined = compacted by key, the newest of each key is kept for ever. */
  readonly retentionMs: number | undefined;
}

const DAY = 86_400_000;

export const TOPIC_SETTINGS: Readonly<Record<Topic, TopicSettings>> = {
  ticks: { partitions: 'partitioned', retentionMs: 3 * DAY },
  features: { partitions: 'partitioned', retentionMs: 3 * DAY },
  signals: { partitions: 'partitioned', retentionMs: 28 * DAY },
  'signals-json': { partitions: 'partitioned', retentionMs: 28 * DAY },
  outcomes: { partitions: 'partitioned', retentionMs: 28 * DAY },
  shadow: { partitions: 'partitioned', retentionMs: 28 * DAY },
  'shadow-outcomes': { partitions: 'partitioned', retentionMs: 28 * DAY },
  paper: { partitions: 'partitioned', retentionMs: 28 * DAY },
  'paper-state': { partitions: 'partitioned', retentionMs: undefined },
  parity: { partitions: 'single', retentionMs: 28 * DAY },
  'parity-state': { partitions: 'partitioned', retentionMs: undefined },
  'feature-state': { partitions: 'partitioned', retentionMs: undefined },
  'outcome-state': { partitions: 'partitioned', retentionMs: undefined },
  'context-state': { partitions: 'single', retentionMs: undefined },
  models: { partitions: 'single', retentionMs: undefined },
  'dead-letter': { partitions: 'single', retentionMs: 28 * DAY },
};

/** Partition of a key, the same in every adapter: FNV-1a over the key's UTF-8 bytes, modulo the number of partitions. */
export function partitionOf(key: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key, 'utf8')) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash % partitions;
}
