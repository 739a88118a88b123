/** Signals and ticks in, outcomes out, over a real log: each decision once, whatever happens between. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { partitionOf } from '#libs/log/topics.ts';
import { type ServiceContext, type Source } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { namingProblems } from '#libs/telemetry/naming.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { Direction, Outcome, OutcomeStatus, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { decisionKey, OutcomeJoin } from './outcomes.ts';
import { restore } from './restore.ts';
import { EVALUATION_GROUP, runEvaluation } from './service.ts';

const T = Date.UTC(2026, 0, 5, 12);
const PARTITIONS = 2;
const ASSETS = ['BTC', 'ETH'] as const;
const HORIZONS = { '1m': 60_000, '5m': 300_000, '15m': 900_000 } as const;

let directory: string;
let log: EventLog;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-evaluation-'));
  log = await openEmbeddedLog({ path: directory, partitions: PARTITIONS });
});

afterEach(async () => {
  await log.close();
  await rm(directory, { recursive: true });
});

function start(source: Source = 'sim', snapshotEveryMs?: number) {
  const stop = new AbortController();
  const context: ServiceContext = {
    log,
    clock: systemClock,
    logger: createLogger({ level: 'silent' }),
    metrics: createMetrics({ source }),
    health: new Health(),
    source,
  };
  const running = runEvaluation(context, { snapshotEveryMs }, stop.signal);
  return {
    context,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

/** What happens in `minute`, in the order of the log: prices of both assets, decisions a moment after the minute began. */
function minuteOf(minute: number): { readonly ticks: OutRecord[]; readonly signals: Signal[] } {
  const ticks: OutRecord[] = [];
  const begin = T + minute * 60_000;
  for (let second = 0; second < 60; second += 5) {
    for (const asset of ASSETS) {
      const price = 100 + 10 * Math.sin((minute * 60 + second) / 97 + asset.length);
      const place = { asset, venue: 'kraken', instrument: `${asset}-USD`, exchangeTime: (begin + second * 1000 + 7) * 1000 };
      ticks.push(
        tickRecord(
          Tick.fromPartial({
            ...place,
            event: { $case: 'trade', value: { tradeId: minute * 100 + second + 1, price, size: 1 } },
          }),
          asset,
        ),
      );
    }
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const clock = Tick.fromPartial({ event: { $case: 'clock', value: { t: begin + (second + 5) * 1000, writerEpoch: 1 } } });
      ticks.push({ ...tickRecord(clock, ''), partition });
    }
  }
  const publishedAt = begin + 40 + (minute % 7);
  const published = ASSETS.flatMap((asset) =>
    Object.entries(HORIZONS).map(([horizon, width]) =>
      Signal.fromPartial({
        ...{
          asset,
          venue: 'kraken',
          instrument: `${asset}-USD`,
          horizon,
          t: begin,
          publishedAt,
          validUntil: publishedAt + width,
        },
        ...{ direction: Direction.DIRECTION_UP, probabilityUp: 0.7, confidence: 0.7, threshold: 0.6, source: 'sim' },
        ...{ slot: 'champion', bundleId: 'a' },
      }),
    ),
  );
  const opposite = { direction: Direction.DIRECTION_DOWN, probabilityUp: 0.3, shadow: true, slot: 'challenger', bundleId: 'b' };
  return { ticks, signals: published.flatMap((signal) => [signal, { ...signal, ...opposite }]) };
}

const tickRecord = (tick: Tick, key: string): OutRecord => ({ topic: 'ticks', key, value: Tick.encode(tick).finish() });
const signalRecord = (signal: Signal): OutRecord => ({
  topic: signal.shadow ? 'shadow' : 'signals',
  key: signal.asset,
  value: Signal.encode(signal).finish(),
});

async function outcomesIn(topic: 'outcomes' | 'shadow-outcomes'): Promise<Outcome[]> {
  const found: Outcome[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for await (const batch of log.read(topic, partition))
      found.push(...batch.records.map((record) => Outcome.decode(record.value)));
  }
  return found;
}

const outcomes = async (): Promise<Outcome[]> => [...(await outcomesIn('outcomes')), ...(await outcomesIn('shadow-outcomes'))];

/** What the pure join makes of the whole log. */
function offline(records: readonly OutRecord[], signals: readonly Signal[]): Map<string, Outcome> {
  const found = new Map<string, Outcome>();
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const offlineJoin = new OutcomeJoin(2_000);
    for (const signal of signals) if (partitionOf(signal.asset, PARTITIONS) === partition) offlineJoin.expect(signal);
    for (const record of records) {
      if ((record.partition ?? partitionOf(record.key, PARTITIONS)) !== partition) continue;
      offlineJoin.fold(Tick.decode(record.value), (outcome) => found.set(decisionKey(outcome.signal!), outcome));
    }
  }
  return found;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await systemClock.sleep(10);
}

const sorted = (all: Iterable<Outcome>): Outcome[] =>
  [...all].sort((a, b) => (decisionKey(a.signal!) < decisionKey(b.signal!) ? -1 : 1));

describe('evaluation', () => {
  test.each([
    ['the ticks', undefined],
    ['snapshots', 1],
  ])(
    'goes on from %s: settles every decision exactly once, though it is stopped and started in the middle',
    async (_from, every) => {
      const begin = (): ReturnType<typeof start> => start('sim', every);
      const ticks: OutRecord[] = [];
      const signals: Signal[] = [];
      let service = begin();
      for (let minute = 0; minute < 40; minute++) {
        const now = minuteOf(minute);
        ticks.push(...now.ticks);
        signals.push(...now.signals);
        await log.append([...now.signals.map(signalRecord), ...now.ticks]);
        if (minute % 6 === 5) {
          await service.stop();
          // While nobody settles, the market goes on.
          if (minute % 12 === 11) service = begin();
        } else if (minute % 6 === 3 && minute % 12 > 6) service = begin();
        if (minute % 12 < 5) await until(async () => (await outcomes()).length >= offline(ticks, signals).size);
      }
      await service.stop();
      service = begin();
      const expected = offline(ticks, signals);
      await until(async () => (await outcomes()).length >= expected.size);
      await service.stop();
      const found = await outcomes();
      expect(expected.size).toBeGreaterThan(360);
      expect(new Set(found.map(({ status }) => status)).size).toBeGreaterThan(1);
      // A published decision is never among the shadows, nor the other way round; each shadow stands beside what was published.
      expect((await outcomesIn('outcomes')).every(({ signal, published }) => !signal!.shadow && published === undefined)).toBe(
        true,
      );
      const shadows = await outcomesIn('shadow-outcomes');
      expect(shadows).toHaveLength(expected.size / 2);
      expect(shadows.every(({ signal, published }) => signal!.shadow && published?.t === signal!.t && !published.shadow)).toBe(
        true,
      );
      const line = (outcome: Outcome): string =>
        `${decisionKey(outcome.signal!)} ${outcome.status} ${outcome.voidReason} ${outcome.entryPrice} ${outcome.exitPrice} ${outcome.resolvedAt}`;
      expect(sorted(found).map(line)).toEqual(sorted(expected.values()).map(line));
      for (const partition of new Set(ASSETS.map((asset) => partitionOf(asset, PARTITIONS)))) {
        const committed = (await log.committed(EVALUATION_GROUP, 'ticks', partition))!;
        const { ticksFrom } = await restore(log, partition, committed, 2_000);
        // A snapshot is of what was committed; without one the ticks of the open decisions are read again.
        if (every === undefined) expect(ticksFrom).toBeLessThan(committed - 100);
        else expect(ticksFrom).toBe(committed);
      }
    },
  );

  test('shows the accuracy of what was settled before, under names that Prometheus accepts', async () => {
    const minutes = [0, 1, 2, 3].map(minuteOf);
    await log.append(minutes.flatMap(({ signals, ticks }) => [...signals.map(signalRecord), ...ticks]));
    const first = start();
    await until(async () => (await outcomes()).length >= 12);
    await first.stop();
    const second = start();
    const shown = 'tributary_evaluation_accuracy_ratio{venue="kraken",instrument="BTC-USD",horizon="1m",source="sim"}';
    await until(async () => (await second.context.metrics.metrics()).includes(shown));
    const text = await second.context.metrics.metrics();
    await second.stop();
    const minute = (await outcomesIn('outcomes')).filter(
      ({ signal }) => signal!.instrument === 'BTC-USD' && signal!.horizon === '1m',
    );
    const right = minute.filter(({ status }) => status === OutcomeStatus.OUTCOME_STATUS_UP).length / minute.length;
    expect(text).toContain(`${shown} ${right}`);
    const slotOf = (name: string, slot: string): string =>
      `tributary_evaluation_slot_${name}{venue="kraken",instrument="BTC-USD",horizon="1m",slot="${slot}",source="sim"}`;
    const moves = minute.filter(({ status }) => status !== OutcomeStatus.OUTCOME_STATUS_FLAT).length;
    expect(text).toContain(`${slotOf('accuracy_ratio', 'champion')} ${(right * minute.length) / moves}`);
    expect(text).toContain(`${slotOf('paired_accuracy_ratio', 'challenger')} ${1 - (right * minute.length) / moves}`);
    expect(text).toContain(`${slotOf('published_accuracy_ratio', 'challenger')} ${(right * minute.length) / moves}`);
    expect(namingProblems(text)).toEqual([]);
  });

  test('an unreadable record goes to dead-letter and stops nothing', async () => {
    const { ticks, signals } = minuteOf(0);
    const later = minuteOf(1);
    const broken: OutRecord = { topic: 'ticks', key: 'BTC', value: Uint8Array.of(0xff, 0xff, 0xff) };
    await log.append([...signals.map(signalRecord), broken, ...ticks, ...later.ticks]);
    const service = start();
    await until(async () => (await outcomes()).length >= 2);
    await until(async () => (await log.bounds('dead-letter', 0)).end === 1);
    await service.stop();
  });

  test('in a replay, waits for features and inference instead of the wall clock', async () => {
    const minutes = [0, 1, 2].map(minuteOf);
    await log.append(minutes.flatMap(({ ticks }) => ticks));
    const service = start('replay');
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { end } = await log.bounds('ticks', partition);
      await log.commit({
        group: 'features',
        topic: 'ticks',
        partition,
        offset: end,
        outputs: [{ topic: 'features', key: '', partition, value: Uint8Array.of() }],
      });
    }
    expect(await outcomes()).toEqual([]);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const outputs = minutes[0]!.signals.filter(({ asset }) => partitionOf(asset, PARTITIONS) === partition).map(signalRecord);
      await log.commit({ group: 'inference', topic: 'features', partition, offset: 1, outputs });
    }
    await until(async () => (await outcomes()).length >= 2);
    await service.stop();
    expect(
      (await outcomes()).every(({ signal, status }) => signal!.horizon === '1m' && status !== OutcomeStatus.OUTCOME_STATUS_VOID),
    ).toBe(true);
  });
});
