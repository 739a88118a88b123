/** Replays of the rollout over made-up outcomes: who is promoted, who is rolled back, and how often for no reason. */
import { describe, expect, test } from '@jest/globals';
import { type Lane } from '../market/horizon.ts';
import { createRandom, type Random, seedFor } from '../models/random.ts';
import { Direction, Outcome, OutcomeStatus, Signal } from '../wire/tributary/v1/signals.ts';
import { DEFAULT_ROLLOUT, type Held, Rollout, type Step, type Watched } from './rollout.ts';

const MINUTE = 60_000;
const EMPTY = Signal.create();
const OPEN = Outcome.create();
const START = Date.UTC(2026, 0, 5);
/** Minutes from one decision to the next, and how far ahead each is. */
const PACES = {
  slow: { cadence: 5, horizon: '5m', ahead: 5 },
  fast: { cadence: 1 / 3, horizon: '10s', ahead: 1 / 6 },
} as const;
const ASKED_EVERY = 60;

const held = (bundleId: string, since = START, more: Partial<Held> = {}): Held => ({
  ...{ bundleId, since, share: 0, pinned: false, trainedTo: START },
  ...more,
});

/** The chance that a model sees where the price goes; what it sees not, it guesses. */
type Skill = Readonly<Record<string, number>>;

interface World {
  readonly slots: Partial<Record<Watched, Held>>;
  /** By bundle. */
  readonly skill: Skill | ((minute: number) => Skill);
  readonly days: number;
  readonly seed: number;
  /** Default: slow. */
  readonly lane?: Lane;
}

/** Steps taken, with the hour; each changes the slots as the registry would. */
function live(
  { slots, skill, days, seed, lane = 'slow' }: World,
  options = DEFAULT_ROLLOUT,
): (Step & { readonly hour: number })[] {
  const random = createRandom(seed);
  const rollout = new Rollout(options, lane);
  const { cadence, ahead } = PACES[lane];
  const steps: (Step & { hour: number })[] = [];
  let now = slots;
  rollout.hold(now);
  for (let place = 0; place * cadence < days * 1_440; place++) {
    const minute = Math.floor(place * cadence);
    const t = START + place * cadence * MINUTE;
    const up = random.next() < 0.5;
    const seen = typeof skill === 'function' ? skill(minute) : skill;
    const { champion, challenger, fallback } = now;
    const decider: Watched | undefined =
      random.next() < (challenger?.share ?? 0)
        ? 'challenger'
        : has(champion)
          ? 'champion'
          : has(fallback)
            ? 'fallback'
            : undefined;
    const says = (slot: Watched, shadow: boolean): Signal =>
      forecast(random, lane, now[slot]!.bundleId, slot, t, up, seen, shadow);
    const published = decider === undefined ? { ...EMPTY, t, probabilityUp: 0.5 } : says(decider, false);
    const status = up ? OutcomeStatus.OUTCOME_STATUS_UP : OutcomeStatus.OUTCOME_STATUS_DOWN;
    rollout.add({ ...OPEN, signal: published, status });
    for (const slot of ['champion', 'challenger', 'fallback'] as const) {
      if (slot === decider || !has(now[slot])) continue;
      rollout.add({ ...OPEN, signal: says(slot, true), status, published });
    }
    const at = t + ahead * MINUTE;
    const step = minute % ASKED_EVERY === 0 ? rollout.step(at) : undefined;
    if (step === undefined) continue;
    steps.push({ ...step, hour: Math.round(minute / 60) });
    now = after(now, step, at);
    rollout.hold(now);
  }
  return steps;
}

const has = (slot: Held | undefined): boolean => slot !== undefined && slot.bundleId !== '';

function forecast(
  random: Random,
  lane: Lane,
  bundleId: string,
  slot: string,
  t: number,
  up: boolean,
  skill: Skill,
  shadow: boolean,
): Signal {
  const { horizon, ahead } = PACES[lane];
  const right = random.next() < skill[bundleId]!;
  const confidence = 0.55 + 0.15 * random.next();
  const isUp = right === up;
  return {
    ...{ ...EMPTY, lane, bundleId, slot, t, horizon, publishedAt: t, validUntil: t + ahead * MINUTE, confidence, shadow },
    probabilityUp: isUp ? confidence : 1 - confidence,
    direction: isUp ? Direction.DIRECTION_UP : Direction.DIRECTION_DOWN,
  };
}

function after(slots: World['slots'], step: Step, since: number): World['slots'] {
  const { champion, challenger, fallback } = slots;
  const nothing = held('', since);
  if (step.action === 'serve') return { ...slots, challenger: { ...challenger!, since, share: step.share } };
  if (step.action === 'promote') return { champion: { ...challenger!, since, share: 0 }, fallback: fallback ?? nothing };
  if (step.action === 'clear') return { ...slots, [step.slot]: nothing };
  return { ...slots, champion: champion!.bundleId === 'old' ? nothing : held('old', since) };
}

const told = (steps: readonly Step[]): string[] =>
  steps.map((step) =>
    step.action === 'serve' ? `serve ${step.share}` : step.action === 'clear' ? `clear ${step.slot}` : step.action,
  );

describe('a challenger', () => {
  const slots = { champion: held('champion'), challenger: held('challenger') };

  test('that is no better goes live in at most five replays of a hundred', () => {
    const replays = 200;
    const runs = Array.from({ length: replays }, (_, i) =>
      live({ slots, skill: { champion: 0.7, challenger: 0.7 }, days: 10, seed: seedFor(i, 'A/A') }),
    );
    const promoted = runs.filter((steps) => steps.some(({ action }) => action === 'promote')).length;
    const served = runs.filter((steps) => steps.some(({ action }) => action === 'serve')).length;
    process.stderr.write(`A/A, ${replays} replays of 10 days: ${served} served a share, ${promoted} promoted\n`);
    expect(served / replays).toBeLessThanOrEqual(DEFAULT_ROLLOUT.alpha);
    expect(promoted).toBeLessThanOrEqual(served);
  });

  test('that is better goes to all by way of two shares, a block of time at each', () => {
    const steps = live({ slots, skill: { champion: 0.62, challenger: 0.7 }, days: 10, seed: 1 });
    expect(told(steps)).toEqual(['serve 0.05', 'serve 0.25', 'promote']);
    expect(steps[1]!.hour - steps[0]!.hour).toBeGreaterThanOrEqual(4);
    expect(steps[2]!.hour - steps[1]!.hour).toBeGreaterThanOrEqual(4);
    for (const { reason } of steps)
      expect(reason).toMatch(/^better: quadratic score 0\.\d+ against 0\.\d+ on \d+ decisions in \d+ blocks, evidence \d+/);
  });

  test('that is worse leaves', () => {
    const steps = live({ slots, skill: { champion: 0.7, challenger: 0.62 }, days: 10, seed: 2 });
    expect(told(steps)).toEqual(['clear challenger']);
    expect(steps[0]!.reason).toMatch(/^worse: /);
  });

  test('does not take the place of a pinned champion', () => {
    const pinned = { ...slots, champion: held('champion', START, { pinned: true }) };
    expect(live({ slots: pinned, skill: { champion: 0.5, challenger: 0.7 }, days: 5, seed: 3 })).toEqual([]);
  });

  test('that loses its skill while it serves a share leaves', () => {
    const skill = (minute: number): Skill => ({ champion: 0.62, challenger: minute < 2_400 ? 0.75 : 0.3 });
    const steps = told(live({ slots, skill, days: 4, seed: 4 }));
    expect(steps).toContain('serve 0.05');
    expect(steps).not.toContain('promote');
    expect(steps.at(-1)).toBe('clear challenger');
  });

  test('has to be better than a coin where nothing decides', () => {
    const alone = { challenger: held('challenger') };
    expect(told(live({ slots: alone, skill: { challenger: 0.68 }, days: 6, seed: 5 }))).toEqual([
      'serve 0.05',
      'serve 0.25',
      'promote',
    ]);
    expect(told(live({ slots: alone, skill: { challenger: 0.5 }, days: 6, seed: 5 }))).not.toContain('promote');
  });
});

describe('a champion', () => {
  test('that falls below the floor is rolled back, the one before it too, then the fallback is silenced', () => {
    const slots = { champion: held('new'), fallback: held('fallback') };
    const steps = live({ slots, skill: { new: 0.5, old: 0.5, fallback: 0.5 }, days: 8, seed: 6 });
    expect(told(steps)).toEqual(['rollback', 'rollback', 'clear fallback']);
    for (const { reason } of steps)
      expect(reason).toMatch(/^below the floor of 60\.0 %: 4\d\.\d % of \d+ signals at 5m were right, evidence [1-9]\d\d$/);
  });

  test('at the floor stays in all but a few replays', () => {
    const runs = Array.from({ length: 100 }, (_, i) =>
      live({ slots: { champion: held('new') }, skill: { new: 0.6 }, days: 10, seed: seedFor(i, 'floor') }),
    );
    expect(runs.filter((steps) => steps.length > 0).length).toBeLessThanOrEqual(2);
  });

  test.each([
    ['slow', 'fast'],
    ['fast', 'slow'],
  ] as const)('of the %s lane is not judged by what the %s one says', (lane, other) => {
    const rollout = new Rollout(DEFAULT_ROLLOUT, lane);
    rollout.hold({ champion: held('new') });
    const random = createRandom(1);
    const belowFloor = (of: Lane): number => {
      for (let minute = 0; minute < 1_440; minute += 5) {
        const signal = forecast(random, of, 'new', 'champion', START + minute * MINUTE, true, { new: 0 }, false);
        rollout.add({ ...OPEN, signal, status: OutcomeStatus.OUTCOME_STATUS_UP });
      }
      rollout.step(START + 1_440 * MINUTE, START);
      return rollout.belowFloor('champion');
    };
    expect(belowFloor(other)).toBe(1);
    expect(belowFloor(lane)).toBeGreaterThan(100);
  });

  test('that is too old is rolled back, pinned it is left alone', () => {
    const slots = (pinned: boolean): World['slots'] => ({
      champion: held('new', START, { trainedTo: START - 13 * 86_400_000, pinned }),
    });
    const steps = live({ slots: slots(false), skill: { new: 0.7, old: 0.7 }, days: 2, seed: 7 });
    expect(told(steps)).toEqual(['rollback']);
    expect(steps[0]).toMatchObject({ hour: 24, reason: 'stale: trained until 2025-12-23T00:00:00.000Z' });
    expect(live({ slots: slots(true), skill: { new: 0.4 }, days: 2, seed: 7 })).toEqual([]);
  });
});

/** Decisions come by the thousand, and those of an hour are right or wrong together. */
describe('in the fast lane', () => {
  const slots = { champion: held('champion'), challenger: held('challenger') };
  const even = (minute: number): boolean => Math.floor(minute / 60) % 2 === 0;

  test('a challenger that is no better, though of two the one hour this and the next hour that one is, goes live in at most five of a hundred', () => {
    const skill = (seed: number) => {
      const shift = createRandom(seedFor(seed, 'turns'));
      const turns = Array.from({ length: 3 * 24 }, () => shift.next() < 0.5);
      return (minute: number): Skill =>
        turns[Math.floor(minute / 60)] === true ? { champion: 0.74, challenger: 0.66 } : { champion: 0.66, challenger: 0.74 };
    };
    const replays = 60;
    const runs = Array.from({ length: replays }, (_, seed) => live({ lane: 'fast', slots, skill: skill(seed), days: 2, seed }));
    const served = runs.filter((steps) => steps.some(({ action }) => action === 'serve')).length;
    process.stderr.write(`A/A of the fast lane, ${replays} replays of 2 days: ${served} served a share\n`);
    expect(served / replays).toBeLessThanOrEqual(DEFAULT_ROLLOUT.alpha);
  });

  test('one that is better goes live no sooner than the slow lane would let it', () => {
    const skill = (minute: number): Skill => ({ champion: even(minute) ? 0.6 : 0.64, challenger: 0.7 });
    const steps = live({ lane: 'fast', slots, skill, days: 3, seed: 1 });
    expect(told(steps)).toEqual(['serve 0.05', 'serve 0.25', 'promote']);
    expect(steps[0]!.hour).toBeGreaterThanOrEqual(5 * 4);
  });

  test('ten bad minutes are no reason to go; an hour or two of guessing is', () => {
    const bad = (from: number, until: number, right: number) => (minute: number) => ({
      champion: minute >= from && minute < until ? right : 0.7,
    });
    const alone = { champion: held('champion') };
    expect(live({ lane: 'fast', slots: alone, skill: bad(600, 610, 0), days: 1, seed: 2 })).toEqual([]);
    const [step] = live({ lane: 'fast', slots: alone, skill: bad(0, 1_440, 0.5), days: 1, seed: 3 });
    expect(step).toMatchObject({ action: 'rollback', reason: expect.stringMatching(/^below the floor of 60\.0 %: .* at 10s/) });
    process.stderr.write(`a coin in the fast lane fell after ${step!.hour} hours: ${step!.reason}\n`);
    expect(step!.hour).toBeLessThanOrEqual(6);
  });
});
