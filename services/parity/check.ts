/**
 * Parity: folds the ticks since the last check once more, from the state that features kept then, and makes a sample of the decisions once more;
 * then holds both against what was published. What differs is told in `parity`, whose newest reports the gateway shows as metrics. The state
 * that features keeps now is put aside for the next check, in the same commit.
 */
import { type FastState, foldFast } from '#libs/features/fast/fold.ts';
import { featureSchema } from '#libs/features/catalogue.ts';
import { type FoldState, foldTick } from '#libs/features/fold.ts';
import { type LogRecord, type OutRecord } from '#libs/log/port.ts';
import { seekBack } from '#libs/readback/readback.ts';
import { type Trust } from '#libs/registry/operator-key.ts';
import { ModelRegistry } from '#libs/registry/registry.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { type Snapshot } from '#libs/snapshot/snapshot.ts';
import { FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { ParityReport } from '#libs/wire/tributary/v1/parity.ts';
import { Signal } from '#libs/wire/tributary/v1/signals.ts';
import { FEATURES_GROUP } from '#services/features/service.ts';
import { loadSnapshot, snapshotRecords } from '#services/features/snapshot.ts';
import { ServingModels } from '#services/inference/serving.ts';
import { CADENCE_MS, MAX_LAGS } from '#services/inference/window.ts';
import { SignalParity } from './signals.ts';
import { VectorParity } from './vectors.ts';

export const PARITY_GROUP = 'parity';

export interface ParityOptions {
  /** Whose bundles decide. */
  readonly trust: Trust;
  /** Share of the decisions that are made again, 0 to 1. */
  readonly sample: number;
}

interface States {
  readonly slow: Snapshot<FoldState>;
  readonly fast: Snapshot<FastState> | undefined;
}

/** Each partition once, one after another; a report of those that had a state put aside. The first check of a log only puts states aside. */
export async function checkParity(
  context: ServiceContext,
  options: ParityOptions,
  signal: AbortSignal,
): Promise<readonly ParityReport[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  try {
    const registry = await ModelRegistry.open(context.log, either, (error) => stop.abort(error));
    const models = new ServingModels(registry, featureSchema(), options.trust, context, () => undefined);
    const reports: ParityReport[] = [];
    for (let partition = 0; partition < (await context.log.partitions('ticks')); partition++) {
      const report = await checkPartition(context, partition, new SignalParity(models, options.sample), either);
      either.throwIfAborted();
      if (report !== undefined) reports.push(report);
    }
    return reports;
  } finally {
    stop.abort();
  }
}

async function checkPartition(
  context: ServiceContext,
  partition: number,
  signals: SignalParity,
  signal: AbortSignal,
): Promise<ParityReport | undefined> {
  const { log, source, clock, logger } = context;
  const kept = await loadStates(context, partition, 'parity-state');
  const next = await loadStates(context, partition, 'feature-state');
  const end = await log.committed(FEATURES_GROUP, 'ticks', partition);
  const vectors = new VectorParity();
  const begin = (await log.bounds('ticks', partition)).begin;
  const isUsable = kept !== undefined && end !== undefined && kept.slow.offset >= begin;
  if (kept !== undefined && !isUsable) logger.warn({ partition }, 'the log does not reach back to the last check');
  const restarted = isUsable && (await compare(context, partition, kept, end, { vectors, signals }, signal));
  if (signal.aborted) return undefined;
  const report: ParityReport | undefined = isUsable
    ? {
        ...{ partition, source, time: clock.now(), fromOffset: kept.slow.offset, toOffset: end, restarted },
        ...{ vectors: vectors.compared, vectorMismatches: vectors.mismatches },
        ...{ signals: signals.compared, signalMismatches: signals.mismatches, signalsSkipped: signals.skipped },
        findings: [...vectors.findings, ...signals.findings],
      }
    : undefined;
  const outputs: OutRecord[] = [
    ...(report === undefined
      ? []
      : [{ topic: 'parity' as const, key: String(partition), value: ParityReport.encode(report).finish() }]),
    ...(next === undefined ? [] : statesRecords(next, partition)),
  ];
  if (outputs.length > 0) await log.commit({ group: PARITY_GROUP, topic: 'ticks', partition, offset: end ?? begin, outputs });
  return report;
}

/** Folds [state, end) once more; true = features began anew from history meanwhile, and what came after is another fold. */
async function compare(
  { log }: ServiceContext,
  partition: number,
  { slow, fast }: States,
  end: number,
  { vectors, signals }: { readonly vectors: VectorParity; readonly signals: SignalParity },
  signal: AbortSignal,
): Promise<boolean> {
  const from = slow.offset;
  const since = slow.state.t - (MAX_LAGS + 1) * CADENCE_MS;
  for await (const published of decode(log.read('signals', partition, { from: await start('signals'), signal }), Signal))
    signals.published(published);
  const logged = decode(log.read('features', partition, { from: await start('features'), signal }), FeatureVector);
  let next = await logged.next();
  let hasBegun = false;
  for await (const { records } of log.read('ticks', partition, { from, signal })) {
    for (const record of records) {
      if (record.offset >= end) break;
      foldRecord(record, slow, fast, (vector) => vectors.made(vector));
    }
    const passed = Math.min(records.at(-1)!.offset + 1, end);
    for (; next.done !== true && next.value.sourceOffset < passed; next = await logged.next()) {
      const vector = next.value;
      if (vector.sourceOffset < from && !hasBegun) signals.prime(vector);
      else if (vector.sourceOffset < 0) return true;
      else {
        hasBegun = true;
        if (vector.lane !== 'fast' || fast !== undefined) vectors.logged(vector);
        await signals.decide(vector);
      }
    }
    if (passed === end) break;
  }
  vectors.end();
  return false;

  async function start(topic: 'features' | 'signals'): Promise<number> {
    const message: { decode(bytes: Uint8Array): { readonly t: number } } = topic === 'features' ? FeatureVector : Signal;
    const bounds = await log.bounds(topic, partition);
    return seekBack(log, topic, partition, bounds.end, ({ value }) => {
      const t = readable(value, message)?.t;
      return t === undefined ? undefined : t < since;
    });
  }
}

/** As features does: what cannot be read changes nothing. */
function foldRecord(
  { value, offset }: LogRecord,
  slow: States['slow'],
  fast: States['fast'],
  emit: (vector: FeatureVector) => void,
): void {
  try {
    const tick = Tick.decode(value);
    foldTick(slow.state, tick, offset, emit);
    if (fast !== undefined && offset >= fast.offset) foldFast(fast.state, tick, offset, emit);
  } catch {
    // It went to dead-letter when features met it.
  }
}

async function loadStates(
  { log }: ServiceContext,
  partition: number,
  topic: 'feature-state' | 'parity-state',
): Promise<States | undefined> {
  const slow = await loadSnapshot(log, 'slow', partition, topic);
  const fast = await loadSnapshot(log, 'fast', partition, topic);
  // Both are written together; where only one is of this version, the fast lane waits for the next check.
  return slow === undefined ? undefined : { slow, fast: fast?.offset === slow.offset ? fast : undefined };
}

function statesRecords({ slow, fast }: States, partition: number): readonly OutRecord[] {
  return [
    ...snapshotRecords('slow', slow.state, partition, slow.offset, 'parity-state'),
    ...(fast === undefined ? [] : snapshotRecords('fast', fast.state, partition, fast.offset, 'parity-state')),
  ];
}

async function* decode<T>(
  batches: AsyncIterable<{ readonly records: readonly LogRecord[] }>,
  message: { decode(bytes: Uint8Array): T },
): AsyncGenerator<T, undefined> {
  for await (const { records } of batches) {
    for (const { value } of records) {
      const decoded = readable(value, message);
      if (decoded !== undefined) yield decoded;
    }
  }
}

function readable<T>(value: Uint8Array, message: { decode(bytes: Uint8Array): T }): T | undefined {
  try {
    return message.decode(value);
  } catch {
    return undefined;
  }
}
