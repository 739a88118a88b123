/**
 * The loop closed, twice, with no hand on it after the first models: a market whose leader changes, where a challenger trained by the calendar takes
 * over from the champion by steps, and in which then all that was learned is wrong, so that the floor takes everything out until there is silence; and
 * the same market without a change, where a challenger as good as the champion goes nowhere. Prints what it saw. Simulated: no figure here says
 * anything of real markets.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type CandleRow } from '#libs/history/rows.ts';
import { DEFAULT_ROLLOUT } from '#libs/registry/rollout.ts';
import { streamCandles } from '#libs/store/candles.ts';
import { type ModelSlot } from '#libs/wire/tributary/v1/models.ts';
import { Direction, type Outcome, type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { simulatedMinutes } from '#services/simulator/minutes.ts';
import { type Bundle, Loop, type LoopOptions, type Seen, TRAINING_DAYS } from './loop.ts';
import { clock, hitsOf, reportOf } from './report.ts';
import { turnedBack } from './turned-back.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const SEED = 7;
const MARKET = { seed: SEED, symbol: 'BTC-USD', edge: 'lag' } as const;
/** The leader changes, right after midnight. */
const CHANGE = Date.UTC(2026, 2, 5);
const START = CHANGE - 12 * HOUR;
/** By then what training learns from is all of the new time. */
const TRAINING = CHANGE + TRAINING_DAYS * DAY;
/** From then on moves turn back that went on before. */
const ALL_WRONG = CHANGE + 4 * DAY;
const END = ALL_WRONG + 12 * HOUR;
const KEYS = 4;
const PATIENCE = 900_000;

let folder: string;
/** By bundle. */
const names = new Map<string, string>();
const bundles = new Map<string, Bundle>();

beforeAll(() => {
  // A minute waits for four commits, one after the other: on a disk that is most of its time, and what survives a crash is tests/delivery's matter.
  const shared = '/dev/shm';
  const hasRoom = existsSync(shared) && statfsSync(shared).bavail * statfsSync(shared).bsize > 2 ** 31;
  folder = mkdtempSync(join(hasRoom ? shared : tmpdir(), 'tributary-rollout-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function open(name: string, market: LoopOptions['market'], rows: readonly CandleRow[]): Promise<Loop> {
  return Loop.start({ folder: join(folder, name), key: join(folder, 'operator.pem'), market, rows, from: START });
}

/** What trainings read was fetched from the venues, and is the market that passed, as far as they tell of it. */
async function expectFetched(loop: Loop, rows: readonly CandleRow[], until: number): Promise<void> {
  const stored: CandleRow[] = [];
  for await (const batch of streamCandles(loop.store, { from: rows[0]!.start, to: until })) stored.push(...batch);
  const keyed = (of: readonly CandleRow[]): Map<string, CandleRow> =>
    new Map(of.map((row) => [`${row.venue} ${row.start}`, row]));
  // Coinbase's candles do not say how many trades they are made of.
  const passed = rows
    .filter(({ start }) => start < until)
    .map((row) => (row.venue === 'coinbase' ? { ...row, trades: -1 } : row));
  expect(keyed(stored)).toEqual(keyed(passed));
  const origins = await loop.store.query('SELECT DISTINCT origin FROM candles', z.object({ origin: z.string() }));
  expect(origins).toEqual([{ origin: 'rest' }]);
}

async function publish(loop: Loop, name: string, slot: Parameters<Loop['publish']>[1], actor: string): Promise<void> {
  const record = await loop.publish(bundles.get(name)!, slot, actor);
  names.set(record.bundleId, name);
}

const move = ({ value }: Seen<ModelSlot>): string => {
  const held = value.bundleId === '' ? 'nothing' : names.get(value.bundleId)!;
  return `${value.slot}: ${held}${value.share > 0 ? ` ${100 * value.share} %` : ''}`;
};
const isTuned = ({ value }: Seen<ModelSlot>): boolean => value.reason.startsWith('threshold');
const evidenceOf = ({ reason }: ModelSlot): number => Number(/evidence (\d+)$/.exec(reason)![1]);
const accuracyOf = (outcomes: readonly Seen<Outcome>[], isMeant: (signal: Signal) => boolean): number => {
  const { said, right } = hitsOf(
    outcomes.map(({ value }) => value),
    isMeant,
  );
  expect(said).toBeGreaterThan(200);
  return right / said;
};
const within =
  (from: number, to: number) =>
  ({ t }: Signal): boolean =>
    t >= from && t < to;

function tell(title: string, loop: Loop): void {
  const outcomes = loop.outcomes.map(({ value }) => value);
  const changes = loop.changes.map(({ value }) => value);
  process.stderr.write(`\n${title}\n${reportOf(outcomes, changes, names)}\n`);
}

describe('a market whose leader changes, and which then turns back', () => {
  let loop: Loop;
  let rows: readonly CandleRow[];
  let rollouts: Seen<ModelSlot>[];
  let promoted: number;
  beforeAll(async () => {
    const market = { ...MARKET, leaderChangesAt: CHANGE };
    rows = await simulatedMinutes({
      ...market,
      until: END,
      days: (END - START) / DAY + TRAINING_DAYS,
    });
    const before = rows.filter(({ start }) => start < ALL_WRONG);
    loop = await open('change', market, [...before, ...turnedBack(rows.slice(before.length), 'kraken')]);
    const prepare = async (): Promise<void> => {
      bundles.set('old', await loop.train('old', '--seed', '1'));
      await publish(loop, 'old', 'next', 'operator');
      bundles.set('fallback', await loop.train('fallback', '--seed', '2', '--quick'));
      await publish(loop, 'fallback', 'fallback', 'operator');
    };
    const retrain = async (): Promise<void> => {
      bundles.set('new', await loop.train('new', '--seed', '3'));
      await publish(loop, 'new', 'next', 'training');
    };
    await loop.run(prepare, new Map([[TRAINING, retrain]]));
    rollouts = loop.changes.filter(({ value }) => value.actor === 'rollout' && value.time >= TRAINING);
    promoted = loop.changes.find((change) => move(change) === 'champion: new')?.value.effectiveT ?? Infinity;
    tell(`the leader changes at ${clock(CHANGE)}; moves turn back from ${clock(ALL_WRONG)} on`, loop);
  }, PATIENCE);
  afterAll(() => loop.close());

  test('the accuracy of the champion falls, and returns with the one that takes over', () => {
    const old = (signal: Signal): boolean => names.get(signal.bundleId) === 'old';
    const before = accuracyOf(loop.outcomes, (signal) => old(signal) && within(START, CHANGE)(signal));
    const fallen = accuracyOf(loop.outcomes, (signal) => old(signal) && within(CHANGE, TRAINING)(signal));
    const returned = accuracyOf(loop.outcomes, within(promoted, ALL_WRONG));
    process.stderr.write(
      `right: ${percent(before)} before, ${percent(fallen)} after the change, ${percent(returned)} with the new one\n`,
    );
    expect(before).toBeGreaterThan(0.72);
    expect(fallen).toBeLessThan(before - 0.04);
    expect(returned).toBeGreaterThan(fallen + 0.04);
  });

  test('what it was trained on came from the venues, as the CronJob fetches it', () => expectFetched(loop, rows, TRAINING));

  test('it takes over by 5 and 25 %, each on evidence of 20 and more, at whole blocks, by the rollout alone', () => {
    const steps = rollouts.filter((change) => change.value.time < ALL_WRONG && !isTuned(change));
    expect(steps.map(move)).toEqual(['challenger: new 5 %', 'challenger: new 25 %', 'challenger: nothing', 'champion: new']);
    for (const { value } of steps) {
      expect(value.reason).toMatch(
        /^better: quadratic score 0\.\d+ against 0\.\d+ on \d+ decisions in \d+ blocks, evidence \d+$/,
      );
      expect(evidenceOf(value)).toBeGreaterThanOrEqual(1 / DEFAULT_ROLLOUT.alpha);
    }
    const [small, large, , all] = steps.map(({ value }) => value.effectiveT);
    expect(large! - small!).toBeGreaterThanOrEqual(DEFAULT_ROLLOUT.blockMs);
    expect(all! - large!).toBeGreaterThanOrEqual(DEFAULT_ROLLOUT.blockMs);
    for (const [from, to, share] of [
      [small!, large!, 0.05],
      [large!, all!, 0.25],
    ] as const) {
      const decisions = loop.decisions.filter(within(from, to));
      const served = decisions.filter(({ slot }) => slot === 'challenger').length / decisions.length;
      expect(served).toBeGreaterThan(share / 4);
      expect(served).toBeLessThan(share * 2);
    }
  });

  test('the floor takes out champion, the one before it and the fallback, each within seconds; then there is silence', async () => {
    const steps = rollouts.filter((change) => change.value.time >= ALL_WRONG && !isTuned(change));
    expect(steps.map(move)).toEqual(['previous: nothing', 'champion: old', 'champion: nothing', 'fallback: nothing']);
    const [, ...falls] = steps;
    for (const { value, at } of falls) {
      expect(value.reason).toMatch(/^below the floor of 60\.0 %: \d+\.\d % of \d+ signals at (1|5)m were right, evidence \d+$/);
      expect(evidenceOf(value)).toBeGreaterThanOrEqual(1 / DEFAULT_ROLLOUT.floorAlpha);
      const seconds = (value.effectiveT - value.time) / 1_000;
      expect(seconds).toBeLessThanOrEqual(5);
      const cause = loop.outcomes.findLast((outcome) => outcome.value.resolvedAt <= value.time && outcome.at <= at)!;
      process.stderr.write(
        `rollback at ${clock(value.time)}: known ${Math.round(at - cause.at)} ms after the outcome that led to it, in force ${seconds} s after it\n`,
      );
    }
    const shown = await loop.metric('tributary_rollout_rollback_seconds');
    expect(shown).toBeGreaterThan(0);
    expect(shown).toBeLessThanOrEqual(5);
    const silence = loop.decisions.filter(within(falls.at(-1)!.value.effectiveT, END));
    expect(silence.length).toBeGreaterThan(KEYS * 60);
    expect(new Set(silence.map(({ direction, abstainReason }) => `${direction} ${abstainReason}`))).toEqual(
      new Set([`${Direction.DIRECTION_ABSTAIN} no_model`]),
    );
  });

  test('every minute has its decisions, each once, whoever decided', () => {
    const minutes = (END - START) / MINUTE;
    const keys = loop.decisions.map(({ venue, horizon, t }) => `${venue} ${horizon} ${t}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.length).toBe(KEYS * (minutes + 1));
    expect([loop.decisions[0]!.t, loop.decisions.at(-1)!.t]).toEqual([START, END]);
  });

  test('every change stands in the archive with who and why', async () => {
    const row = z.object({ slot: z.string(), bundle_id: z.string(), actor: z.string(), reason: z.string() });
    const rows = await loop.store.query('SELECT slot, bundle_id, actor, reason FROM models ORDER BY log_offset', row);
    expect(rows).toEqual(
      loop.changes.map(({ value: { slot, bundleId, actor, reason } }) => ({ slot, bundle_id: bundleId, actor, reason })),
    );
    for (const { actor, reason } of rows) expect([actor, reason].every((text) => text.length > 3)).toBe(true);
  });
});

describe('the same market without a change, and a challenger that is as good as the champion', () => {
  let loop: Loop;
  beforeAll(async () => {
    const rows = await simulatedMinutes({ ...MARKET, until: CHANGE + 1.5 * DAY, days: TRAINING_DAYS + 2 });
    loop = await open('same', MARKET, rows);
    const prepare = async (): Promise<void> => {
      bundles.set('twin', await loop.train('twin', '--seed', '4'));
      await publish(loop, 'old', 'next', 'operator');
      await publish(loop, 'twin', 'next', 'training');
    };
    await loop.run(prepare, new Map());
    tell('nothing changes', loop);
  }, PATIENCE);
  afterAll(() => loop.close());

  test('is never served a share, and nothing is rolled back', () => {
    expect(loop.shadows.length).toBeGreaterThan(KEYS * 24 * 60);
    expect(loop.changes.filter((change) => change.value.actor === 'rollout' && !isTuned(change)).map(move)).toEqual([]);
    expect(accuracyOf(loop.outcomes, within(CHANGE, CHANGE + 1.5 * DAY))).toBeGreaterThan(0.7);
  });
});

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
