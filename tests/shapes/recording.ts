/** What a run left in its log, and the same events again: folded offline, joined offline, cut into another number of partitions. */
import { createHash } from 'node:crypto';
import { createFold, foldTick } from '#libs/features/fold.ts';
import { type EventLog } from '#libs/log/port.ts';
import { partitionOf, type Topic } from '#libs/log/topics.ts';
import { FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { type Outcome, type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { OutcomeJoin } from '#services/evaluation/outcomes.ts';

export interface Recorded<T> {
  readonly partition: number;
  readonly offset: number;
  readonly message: T;
  readonly value: Uint8Array;
}

/** Every committed record of a topic, by partition and offset. */
export async function readTopic<T>(
  log: EventLog,
  topic: Topic,
  message: { decode(bytes: Uint8Array): T },
): Promise<Recorded<T>[]> {
  const records: Recorded<T>[] = [];
  for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
    for await (const batch of log.read(topic, partition)) {
      for (const { offset, value } of batch.records) records.push({ partition, offset, value, message: message.decode(value) });
    }
  }
  return records;
}

/** The group's offset in each partition: what lies before it was processed. */
export async function committedOffsets(log: EventLog, group: string, topic: Topic): Promise<number[]> {
  const partitions = Array.from({ length: await log.partitions(topic) }, (_, partition) => partition);
  return Promise.all(partitions.map(async (partition) => (await log.committed(group, topic, partition)) ?? 0));
}

/** Each partition folded by itself: history first, of whose vectors the last `keepMs` count, then the log. */
export function foldOffline(
  history: readonly Tick[],
  ticks: readonly Recorded<Tick>[],
  partitions: number,
  keepMs: number,
): FeatureVector[] {
  return Array.from({ length: partitions }, (_, partition) => {
    const state = createFold();
    let vectors: FeatureVector[] = [];
    for (const tick of history) {
      if (tick.asset === '' || partitionOf(tick.asset, partitions) === partition)
        foldTick(state, tick, -1, (vector) => vectors.push(vector));
    }
    vectors = vectors.filter(({ t }) => t > state.t - keepMs);
    for (const record of ticks) {
      if (record.partition === partition) foldTick(state, record.message, record.offset, (vector) => vectors.push(vector));
    }
    return vectors;
  }).flat();
}

/** Outcomes of the decisions by the ticks before each partition's `ends`, in the order in which they were settled. */
export function settleOffline(
  ticks: readonly Recorded<Tick>[],
  signals: readonly Recorded<Signal>[],
  ends: readonly number[],
  graceMs: number,
): Outcome[] {
  return ends.flatMap((end, partition) => {
    const join = new OutcomeJoin(graceMs);
    for (const signal of signals) if (signal.partition === partition) join.expect(signal.message);
    const outcomes: Outcome[] = [];
    for (const { message, ...at } of ticks) {
      if (at.partition === partition && at.offset < end) join.fold(message, (outcome) => outcomes.push(outcome));
    }
    return outcomes;
  });
}

/**
 * The partitions of one log as one sequence: between two clocks the events of each in their order, then the clock. What stands in
 * every partition comes once. Throws where the partitions have not the same clocks.
 */
export function* merge(ticks: readonly Recorded<Tick>[], partitions: number): Generator<Tick> {
  const parts = Array.from({ length: partitions }, (_, partition) => ticks.filter((record) => record.partition === partition));
  const places = parts.map(() => 0);
  const seen = new Set<string>();
  for (;;) {
    for (const [partition, part] of parts.entries()) {
      for (; places[partition]! < part.length; places[partition]!++) {
        const { message, value } = part[places[partition]!]!;
        if (message.event?.$case === 'clock') break;
        if (message.asset === '') {
          const content = Buffer.from(value).toString('base64');
          if (seen.has(content)) continue;
          seen.add(content);
        }
        yield message;
      }
    }
    const clocks = parts.map((part, partition) => part[places[partition]!++]?.message);
    const [clock] = clocks;
    const times = new Set(clocks.map((tick) => (tick?.event?.$case === 'clock' ? tick.event.value.t : undefined)));
    if (times.size > 1) throw new Error(`the partitions have different clocks: ${[...times].join(', ')}`);
    if (clock === undefined) return;
    yield clock;
  }
}

/** Of the vectors' whole content as it lies on the wire, whatever their order; without the offset, which is the log's and not theirs. */
export function digest(vectors: readonly FeatureVector[]): string {
  const lines = vectors.map((vector) =>
    Buffer.from(FeatureVector.encode({ ...vector, sourceOffset: 0 }).finish()).toString('base64'),
  );
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex');
}

export function vectorKey({ venue, instrument, t }: FeatureVector): string {
  return `${venue}:${instrument}:${t}`;
}
