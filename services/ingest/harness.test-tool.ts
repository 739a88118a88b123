/** Tests only: ingest running for real into an embedded log, and what it wrote. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog } from '#libs/log/port.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { gapKindToJSON, Tick } from '#libs/wire/tributary/v1/market.ts';
import { type IngestOptions, runIngest } from './service.ts';

type EventOf<K> = Extract<NonNullable<Tick['event']>, { $case: K }> extends { value: infer V } ? V : never;

/** Resolves when `condition` holds; fails after 20 s with `what`. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
    await systemClock.sleep(20);
  }
}

/** A log in a folder of its own, read as it is written. `wrap` changes the log that ingest is given. */
export async function openHarness(partitions = 2) {
  const path = await mkdtemp(join(tmpdir(), 'tributary-ingest-'));
  const log = await openEmbeddedLog({ path, partitions });
  const reading = new AbortController();
  const ticks: Tick[] = [];
  const readers = Array.from({ length: partitions }, async (_, partition) => {
    for await (const { records } of log.read('ticks', partition, { until: 'follow', signal: reading.signal })) {
      for (const { value } of records) ticks.push(Tick.decode(value));
    }
  });
  const metrics = new Registry();
  const health = new Health();
  const runs: { stop: () => Promise<void> }[] = [];

  function start(options: IngestOptions, given: EventLog = log) {
    const stopping = new AbortController();
    const logger = createLogger({ level: 'silent' });
    const context = { log: given, clock: systemClock, logger, metrics, health, source: 'sim' as const };
    const running = runIngest(context, { reconnectMs: 50, ...options }, stopping.signal);
    running.catch(() => undefined); // a test that does not stop it looks at `running` itself
    const run = {
      running,
      stop: async () => {
        stopping.abort();
        await running;
      },
    };
    runs.push(run);
    return run;
  }

  const of = <K extends NonNullable<Tick['event']>['$case']>(kind: K, instrument?: string): EventOf<K>[] =>
    ticks
      .filter((tick) => tick.event?.$case === kind && (instrument === undefined || tick.instrument === instrument))
      .map((tick) => tick.event!.value as EventOf<K>);
  return {
    ticks,
    log,
    metrics,
    health,
    start,
    of,
    gaps: (instrument?: string) => of('gap', instrument).map(({ kind }) => gapKindToJSON(kind).replace('GAP_KIND_', '')),
    async close() {
      await Promise.allSettled(runs.map(({ stop }) => stop()));
      reading.abort();
      await Promise.allSettled(readers);
      await log.close();
      await rm(path, { recursive: true, force: true });
    },
  };
}

export type Harness = Awaited<ReturnType<typeof openHarness>>;
