/**
 * What a new owner of a partition reads back, so that it goes on where the last one stopped: enough ticks to know the prices of every
 * decision that is still open, those decisions, and the outcomes there are. No state of its own is stored.
 */
import { type EventLog } from '#libs/log/port.ts';
import { seekBack } from '#libs/readback/readback.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { Outcome, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { LiveAccuracy } from './accuracy.ts';
import { decisionKey } from './outcomes.ts';

export interface Restored {
  /** Where to begin in `ticks`. */
  readonly ticksFrom: number;
  /** First offset of `signals` that is not in `open`. */
  readonly nextSignal: number;
  /** Decisions without an outcome. */
  readonly open: readonly Signal[];
  readonly accuracy: LiveAccuracy;
}

/** `committed`: the group's offset in ticks; `reachMs`: the longest that a decision can be open. */
export async function restore(
  log: EventLog,
  partition: number,
  committed: number | undefined,
  reachMs: number,
): Promise<Restored> {
  const clock = committed === undefined ? undefined : await clockBefore(log, partition, committed);
  const since = clock === undefined ? -Infinity : clock - reachMs;
  const { decisions, nextSignal } = await readDecisions(log, partition, since);
  const oldest = decisions.reduce((least, { publishedAt }) => Math.min(least, publishedAt), Infinity);
  const { settled, accuracy } = await readOutcomes(log, partition, oldest);
  const open = decisions.filter((decision) => !settled.has(decisionKey(decision)));
  return { ticksFrom: await firstTick(log, partition, committed, since), nextSignal, open, accuracy };
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
  partition: number,
  since: number,
): Promise<{ decisions: Signal[]; nextSignal: number }> {
  const { end } = await log.bounds('signals', partition);
  let nextSignal = await seekBack(log, 'signals', partition, end, (record) => {
    const decision = readable(record.value, Signal);
    return decision === undefined ? undefined : decision.publishedAt < since;
  });
  const decisions: Signal[] = [];
  for await (const batch of log.read('signals', partition, { from: nextSignal })) {
    for (const record of batch.records) {
      nextSignal = record.offset + 1;
      const decision = readable(record.value, Signal);
      if (decision !== undefined) decisions.push(decision);
    }
  }
  return { decisions, nextSignal };
}

/** The accuracy of all outcomes, and the keys of those whose decision is not older than `oldest`. */
async function readOutcomes(
  log: EventLog,
  partition: number,
  oldest: number,
): Promise<{ settled: Set<string>; accuracy: LiveAccuracy }> {
  const accuracy = new LiveAccuracy();
  const settled = new Set<string>();
  for await (const batch of log.read('outcomes', partition)) {
    for (const record of batch.records) {
      const outcome = Outcome.decode(record.value);
      accuracy.add(outcome);
      if (outcome.signal !== undefined && outcome.signal.publishedAt >= oldest) settled.add(decisionKey(outcome.signal));
    }
  }
  return { settled, accuracy };
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
