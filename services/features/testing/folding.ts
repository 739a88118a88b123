/** What the tests of the feature service share: ticks into a real log, the service over them, its vectors. */
import { Registry } from 'prom-client';
import { systemClock } from '#libs/clock/clock.ts';
import { FEW_LISTINGS, generateMarket } from '#libs/features/checks/market.ts';
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { type ServiceContext, type Source } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { FeatureState, FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { type FeaturesOptions, runFeatures } from '../service.ts';

export const PARTITIONS = 2;

/** Candles, then what is heard live, of a few listings. */
export const market = (candleMinutes: number, liveMinutes: number): Tick[] =>
  generateMarket({
    ...{ start: Date.UTC(2024, 2, 1), candleMinutes, liveMinutes, seed: 7 },
    listings: [...FEW_LISTINGS, { venue: 'kraken', base: 'ETH', quote: 'USD' }],
  });

/** Clocks and references go to every partition. */
export async function append(
  log: EventLog,
  events: readonly Tick[],
  write: (records: readonly OutRecord[]) => Promise<void> = (records) => log.append(records),
): Promise<void> {
  const records = events.flatMap((tick): OutRecord[] => {
    const record = { topic: 'ticks' as const, key: tick.asset, value: Tick.encode(tick).finish() };
    if (tick.asset !== '') return [record];
    return Array.from({ length: PARTITIONS }, (_, partition) => ({ ...record, partition }));
  });
  for (let i = 0; i < records.length; i += 2_000) await write(records.slice(i, i + 2_000));
}

/** The snapshots there are become another version's. */
export async function ageSnapshots(log: EventLog): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for await (const { records } of log.read('feature-state', partition)) {
      const others = records.map(({ key, value }) => {
        const chunk = FeatureState.encode({ ...FeatureState.decode(value), stateVersion: 'another' }).finish();
        return { topic: 'feature-state' as const, partition, key, value: chunk };
      });
      await log.append(others);
    }
  }
}

/** Runs the service until its offset is the end of every partition, then stops it. */
export async function runUntilFolded(log: EventLog, options: FeaturesOptions, source: Source = 'replay'): Promise<void> {
  const stop = new AbortController();
  const context: ServiceContext = {
    log,
    clock: systemClock,
    logger: createLogger({ level: 'silent' }),
    metrics: new Registry(),
    health: new Health(),
    source,
  };
  const running = runFeatures(context, options, stop.signal);
  await Promise.race([running, untilFolded(context)]);
  stop.abort();
  await running;
}

async function untilFolded({ metrics, clock }: ServiceContext): Promise<void> {
  for (;;) {
    await clock.sleep(20);
    const lag = (await metrics.getMetricsAsJSON()).find(({ name }) => name === 'tributary_features_lag_records');
    if (lag?.values.length === PARTITIONS && lag.values.every(({ value }) => value === 0)) return;
  }
}

export async function readVectors(log: EventLog): Promise<readonly FeatureVector[]> {
  const vectors: FeatureVector[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for await (const batch of log.read('features', partition)) {
      vectors.push(...batch.records.map(({ value }) => FeatureVector.decode(value)));
    }
  }
  return vectors;
}
