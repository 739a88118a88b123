/** What tests of the archive's readers begin with: ticks of a log in the store. */
import { Registry } from 'prom-client';
import { systemClock } from '#libs/clock/clock.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type Source } from '#libs/service/service.ts';
import { type Store } from '#libs/store/port.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { ARCHIVE_GROUP, runArchive } from '../service.ts';

/** Runs the archive until it has committed every tick of the log. */
export async function archiveTicks(log: EventLog, store: Store, source: Source = 'sim'): Promise<void> {
  const stop = new AbortController();
  const context = { log, clock: systemClock, metrics: new Registry(), health: new Health(), source };
  const archiving = runArchive(
    { ...context, logger: createLogger({ level: 'silent' }) },
    { store, flushMs: 0, maxBackoffMs: 50 },
    stop.signal,
  );
  const until = async (): Promise<void> => {
    for (let partition = 0; partition < (await log.partitions('ticks')); partition++) {
      const { end } = await log.bounds('ticks', partition);
      while (((await log.committed(ARCHIVE_GROUP, 'ticks', partition)) ?? 0) < end) await systemClock.sleep(20);
    }
  };
  await Promise.race([archiving, until()]);
  stop.abort();
  await archiving;
}
