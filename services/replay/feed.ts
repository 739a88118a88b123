/** Writes recorded ticks into a log as ingest and clock would: an asset's events to its partition, references and clocks to each. */
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';

const BATCH = 2_000;

export interface FeedOptions {
  /** Waits until the recorded time `t` (ms) may pass; called at each clock. Default: as fast as the log takes it. */
  readonly pace?: (t: number) => Promise<void>;
}

/** Resolves with the time of the last clock, milliseconds, when everything is in the log or `signal` has aborted. */
export async function feedHistory(
  log: EventLog,
  ticks: Iterable<Tick> | AsyncIterable<Tick>,
  options: FeedOptions,
  signal: AbortSignal,
): Promise<number> {
  const partitions = await log.partitions('ticks');
  let batch: OutRecord[] = [];
  let t = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await log.append(batch);
    batch = [];
  };
  for await (const tick of ticks) {
    if (signal.aborted) break;
    const value = Tick.encode(tick).finish();
    if (tick.asset === '') {
      for (let partition = 0; partition < partitions; partition += 1) batch.push({ topic: 'ticks', key: '', value, partition });
    } else {
      batch.push({ topic: 'ticks', key: tick.asset, value });
    }
    const clock = tick.event?.$case === 'clock' ? tick.event.value : undefined;
    if (clock !== undefined) t = clock.t;
    if (batch.length >= BATCH || (clock !== undefined && options.pace !== undefined)) await flush();
    if (clock !== undefined) await options.pace?.(t);
  }
  await flush();
  return t;
}
