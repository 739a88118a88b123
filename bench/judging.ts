/** What came of the decisions as the rollout takes it at its start: read from the embedded log, decoded, judged. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { DEFAULT_ROLLOUT, Rollout } from '#libs/registry/rollout.ts';
import { Direction, Outcome, OutcomeStatus, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { type Figure, rate } from './measure.ts';

const OUTCOMES = 100_000;
const BATCH = 1_000;
const T = Date.UTC(2026, 0, 5);
const held = (bundleId: string) => ({ bundleId, since: T, share: 0, pinned: false, trainedTo: T });

export async function benchJudging(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const log = await openEmbeddedLog({ path: join(directory, 'log'), partitions: 1 });
  try {
    for (let from = 0; from < OUTCOMES; from += BATCH)
      await log.append(Array.from({ length: BATCH }, (_, i) => record(from + i)));
    const judged = await rate('rollout: outcomes read and judged', 'outcomes/s', OUTCOMES, async () => {
      const rollout = new Rollout(DEFAULT_ROLLOUT, 'fast');
      rollout.hold({ champion: held('a'.repeat(64)), challenger: held('b'.repeat(64)) });
      for await (const { records } of log.read('shadow-outcomes', 0))
        for (const { value } of records) rollout.add(Outcome.decode(value));
    });
    return [judged];
  } finally {
    await log.close();
    await rm(directory, { recursive: true });
  }
}

/** Of the challenger's shadow: it has the published decision beside it, and is the longest that there is. */
function record(place: number) {
  const t = T + place * 250;
  const said = (slot: string, bundle: string): Signal =>
    Signal.fromPartial({
      ...{
        asset: 'BTC',
        venue: 'coinbase',
        instrument: 'BTC-USD',
        horizon: '10s',
        lane: 'fast',
        t,
        slot,
        bundleId: bundle.repeat(64),
      },
      ...{ publishedAt: t + 20, validUntil: t + 10_000, confidence: 0.61, probabilityUp: 0.61, threshold: 0.6, costBps: 61.5 },
      ...{ direction: Direction.DIRECTION_UP, referencePrice: 60_000.5, source: 'live', unfamiliarity: 0.4 },
    });
  const outcome = Outcome.fromPartial({
    ...{ signal: { ...said('challenger', 'b'), shadow: true }, published: said('champion', 'a') },
    ...{
      status: OutcomeStatus.OUTCOME_STATUS_UP,
      entryPrice: 60_000.5,
      exitPrice: 60_001,
      logReturn: 8e-6,
      resolvedAt: t + 12_000,
    },
  });
  return { topic: 'shadow-outcomes' as const, key: 'BTC', value: Outcome.encode(outcome).finish() };
}
