/**
 * What a new owner of a partition reads back, so that it goes on where the last one stopped: the decisions that are still open, the outcomes
 * there are, and a snapshot of the prices. Without one, as many ticks as tell the prices of every open decision.
 */
import { type EventLog } from '#libs/log/port.ts';
import { recentBegin, seekBack } from '#libs/readback/readback.ts';
import { newestSnapshot, type Snapshot, type SnapshotKind } from '#libs/snapshot/snapshot.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { Outcome, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { type Topic } from '#libs/log/topics.ts';
import { LiveAccuracy } from './accuracy.ts';
import { decisionKey, type JoinState, LONGEST_HORIZON_MS, OutcomeJoin, SLACK_MS } from './outcomes.ts';
import { SlotAccuracy } from './slots.ts';

/** Topics of decisions, and where their outcomes go. */
export const OUTCOMES_OF = { signals: 'outcomes', shadow: 'shadow-outcomes' } as const satisfies Partial<Record<Topic, Topic>>;
export type DecisionTopic = keyof typeof OUTCOMES_OF;
export const DECISION_TOPICS = ['signals', 'shadow'] as const satisfies readonly DecisionTopic[];

/** The version changes with the layout of JoinState. */
export const OUTCOME_STATE: SnapshotKind = { topic: 'outcome-state', prefix: '', version: 'outcomes/1' };

export interface Restored {
  /** Expects the open decisions. */
  readonly join: OutcomeJoin;
  /** Where to begin in `ticks`. */
  readonly ticksFrom: number;
  /** First offset of each topic that is not in `join`. */
  readonly next: Record<DecisionTopic, number>;
  /** Of the published decisions. */
  readonly accuracy: LiveAccuracy;
  readonly slots: SlotAccuracy;
}

/** `committed`: the group's offset in ticks; `graceMs`: how long after its horizon a decision is settled. */
export async function restore(
  log: EventLog,
  partition: number,
  committed: number | undefined,
  graceMs: number,
): Promise<Restored> {
  const snapshot = committed === undefined ? undefined : await usableSnapshot(log, partition, committed);
  const clock = snapshot?.state.clock ?? (committed === undefined ? undefined : await clockBefore(log, partition, committed));
  const since = clock === undefined ? -Infinity : clock - LONGEST_HORIZON_MS - graceMs - SLACK_MS;
  const accuracy = new LiveAccuracy();
  const slots = new SlotAccuracy();
  const next = { signals: 0, shadow: 0 };
  const join = snapshot === undefined ? new OutcomeJoin(graceMs) : OutcomeJoin.from(snapshot.state, graceMs);
  for (const topic of DECISION_TOPICS) {
    const { decisions, end } = await readDecisions(log, topic, partition, since);
    const oldest = decisions.reduce((least, { publishedAt }) => Math.min(least, publishedAt), Infinity);
    const settled = await readOutcomes(log, OUTCOMES_OF[topic], partition, oldest, (outcome) => {
      slots.add(outcome);
      if (topic === 'signals') accuracy.add(outcome);
    });
    next[topic] = end;
    for (const decision of decisions) if (!settled.has(decisionKey(decision))) join.expect(decision);
  }
  const ticksFrom = snapshot?.offset ?? (await firstTick(log, partition, committed, since));
  return { join, ticksFrom, next, accuracy, slots };
}

/** One that lies behind the group, and from which on the log has every tick. */
async function usableSnapshot(log: EventLog, partition: number, committed: number): Promise<Snapshot<JoinState> | undefined> {
  const snapshot = await newestSnapshot<JoinState>(log, OUTCOME_STATE, partition);
  if (snapshot === undefined || snapshot.offset > committed) return undefined;
  return snapshot.offset < (await log.bounds('ticks', partition)).begin ? undefined : snapshot;
}

/** An offset in `ticks` from which on every price since then is there. */
async function firstTick(log: EventLog, partition: number, committed: number | undefined, since: number): Promise<number> {
  if (committed === undefined || since === -Infinity) return (await log.bounds('ticks', partition)).begin;
  return seekBack(log, 'ticks', partition, committed, (record) => {
    const t = clockOf(record.value);
    return t === undefined ? undefined : t < since;
  });
}

/** All decisions since then, and some before. */
async function readDecisions(
  log: EventLog,
  topic: DecisionTopic,
  partition: number,
  since: number,
): Promise<{ decisions: Signal[]; end: number }> {
  const bounds = await log.bounds(topic, partition);
  let end = await seekBack(log, topic, partition, bounds.end, (record) => {
    const decision = readable(record.value, Signal);
    return decision === undefined ? undefined : decision.publishedAt < since;
  });
  const decisions: Signal[] = [];
  for await (const batch of log.read(topic, partition, { from: end })) {
    for (const record of batch.records) {
      end = record.offset + 1;
      const decision = readable(record.value, Signal);
      if (decision !== undefined) decisions.push(decision);
    }
  }
  return { decisions, end };
}

/** Hands over the outcomes (recentBegin); the keys of those whose decision is not older than `oldest`. */
async function readOutcomes(
  log: EventLog,
  topic: Topic,
  partition: number,
  oldest: number,
  take: (outcome: Outcome) => void,
): Promise<Set<string>> {
  const settled = new Set<string>();
  for await (const batch of log.read(topic, partition, { from: await recentBegin(log, topic, partition) })) {
    for (const record of batch.records) {
      const outcome = Outcome.decode(record.value);
      take(outcome);
      if (outcome.signal !== undefined && outcome.signal.publishedAt >= oldest) settled.add(decisionKey(outcome.signal));
    }
  }
  return settled;
}

/** The newest clock before `offset`, milliseconds. */
async function clockBefore(log: EventLog, partition: number, offset: number): Promise<number | undefined> {
  const from = await seekBack(log, 'ticks', partition, offset, (record) =>
    clockOf(record.value) === undefined ? undefined : true,
  );
  let newest: number | undefined;
  for await (const batch of log.read('ticks', partition, { from })) {
    for (const record of batch.records) {
      if (record.offset >= offset) return newest;
      newest = clockOf(record.value) ?? newest;
    }
  }
  return newest;
}

function clockOf(value: Uint8Array): number | undefined {
  const event = readable(value, Tick)?.event;
  return event?.$case === 'clock' ? event.value.t : undefined;
}

/** Undefined where it cannot be decoded; whoever first met it has reported it. */
function readable<T>(value: Uint8Array, message: { decode(bytes: Uint8Array): T }): T | undefined {
  try {
    return message.decode(value);
  } catch {
    return undefined;
  }
}
