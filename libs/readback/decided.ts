/** A replay has no wall clock that keeps the services abreast of each other: who joins ticks with decisions waits for those who decide. */
import { type ServiceContext } from '../service/service.ts';

/** How often upstream is asked whether it has come so far, milliseconds. */
const POLL_MS = 20;

/**
 * Resolves when features and inference have passed `offset` of a partition of `ticks`, or `signal` aborts. On the embedded log, where
 * committed offsets meet the end exactly.
 */
export async function untilDecided(
  { log, clock }: Pick<ServiceContext, 'log' | 'clock'>,
  partition: number,
  offset: number,
  signal: AbortSignal,
): Promise<void> {
  const reached = async (group: string, topic: 'ticks' | 'features', target: number): Promise<void> => {
    while (!signal.aborted && ((await log.committed(group, topic, partition)) ?? 0) < target) await clock.sleep(POLL_MS, signal);
  };
  await reached('features', 'ticks', offset);
  await reached('inference', 'features', (await log.bounds('features', partition)).end);
}
