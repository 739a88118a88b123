/** Evidence under optional stopping: what two equal models would have done to it over hundreds of replays, and what a better one does. */
import { describe, expect, test } from '@jest/globals';
import { createRandom, type Random, seedFor } from '../models/random.ts';
import { Blocks, FloorEvidence, SymmetryEvidence } from './evidence.ts';

/** Bound once: under jest a look-up through the global object costs more than the arithmetic. */
const { cos, exp, log, max, sqrt, PI } = Math;

const ALPHA = 0.05;
const MINUTE = 60_000;
const BLOCK_MINUTES = 240;
const CADENCE = 20;
const HORIZON = 40;
const DAYS = 30;

interface Replay {
  /** Worst and best that the evidence ever was; the first block at which it would have decided. */
  readonly most: number;
  readonly decidedAt: number | undefined;
  /** Largest standard score of the differences so far: what a test for one look is looked at. */
  readonly mostZ: number;
}

/**
 * Two forecasters of one market, each of whom sees the drift of the next minutes through noise; every four hours chance decides whose noise is
 * the smaller one, so their scores cluster. `lead`: how often that is the second one's, 0.5 = they are equals. A decision every twenty minutes on
 * the next forty, at two venues of nearly the same price.
 */
function replay(seed: number, lead: number): Replay {
  const random = createRandom(seed);
  const evidence = new SymmetryEvidence();
  const blocks = new Blocks();
  let before = 0;
  let [most, mostZ, sum, squares, count, block] = [1, 0, 0, 0, 0, 0];
  let decidedAt: number | undefined;
  let leads = false;
  for (let minute = 0; minute < DAYS * 1_440; minute += CADENCE) {
    if (minute % BLOCK_MINUTES === 0) leads = random.next() < lead;
    // Two steps: the moves of neighbouring decisions share one.
    const step = normal(random);
    const move = before + step;
    before = step;
    const [first, second] = [seen(random, move, leads ? 6 : 2), seen(random, move, leads ? 2 : 6)];
    for (let venue = 0; venue < 2; venue++) {
      const up = Number(move + 0.3 * normal(random) > 0);
      const difference = (first - up) ** 2 - (second - up) ** 2;
      const at = minute * MINUTE;
      blocks.add(at, at + HORIZON * MINUTE, difference);
      [sum, squares, count] = [sum + difference, squares + difference ** 2, count + 1];
      if (count > 30) mostZ = max(mostZ, sum / sqrt(squares));
    }
    if ((minute + CADENCE) % BLOCK_MINUTES > 0) continue;
    for (const { hits } of blocks.close((minute + CADENCE) * MINUTE)) {
      evidence.add(hits);
      block++;
      most = max(most, evidence.capital);
      if (evidence.capital >= 1 / ALPHA) decidedAt ??= block;
    }
  }
  return { most, decidedAt, mostZ };
}

function seen(random: Random, move: number, noise: number): number {
  return 1 / (1 + exp(-(move + noise * normal(random)) / noise));
}

/** Box and Muller. */
function normal(random: Random): number {
  return sqrt(-2 * log(1 - random.next())) * cos(2 * PI * random.next());
}

const replays = (count: number, lead: number): Replay[] =>
  Array.from({ length: count }, (_, i) => replay(seedFor(i, `replay ${lead}`), lead));
const share = (all: readonly Replay[], is: (one: Replay) => boolean): number => all.filter(is).length / all.length;

describe('of two forecasters in blocks of four hours', () => {
  test('equals: hardly ever above 1 / alpha within a month, though looked at after each block', () => {
    const all = replays(400, 0.5);
    const promoted = share(all, ({ most }) => most >= 1 / ALPHA);
    const naive = share(all, ({ mostZ }) => mostZ >= 1.645);
    process.stderr.write(
      `A/A, 400 replays of ${DAYS} days: ${(100 * promoted).toFixed(1)} % promoted; by a test for one look ${(100 * naive).toFixed(1)} %\n`,
    );
    expect(promoted).toBeLessThanOrEqual(ALPHA);
    // The replays are hard enough to fool what is not made for them.
    expect(naive).toBeGreaterThan(0.3);
  });

  test('the worse one: not at all', () => {
    expect(share(replays(100, 0.3), ({ most }) => most >= 1 / ALPHA)).toBe(0);
  });

  test.each([
    [1, 3],
    [0.9, 5],
  ])('one that is better in a share of %d of the blocks: within %d days at the median', (lead, within) => {
    const all = replays(100, lead);
    const days = all.map(({ decidedAt = Infinity }) => decidedAt / 6).sort((a, b) => a - b);
    process.stderr.write(`better in ${100 * lead} % of the blocks: promoted after ${days[50]!.toFixed(1)} days at the median\n`);
    expect(share(all, ({ decidedAt }) => decidedAt !== undefined)).toBeGreaterThanOrEqual(0.95);
    expect(days[50]).toBeLessThan(within);
  });
});

describe('of a floor', () => {
  /** Signals until it is above 100, after `good` that were right in 75 %; undefined = not within `count`. */
  const signals = (seed: number, accuracy: number, count: number, good: number): number | undefined => {
    const random = createRandom(seed);
    const evidence = new FloorEvidence(0.6);
    for (let i = 0; i < good; i++) evidence.add(Number(random.next() < 0.75));
    for (let i = 1; i <= count; i++) {
      evidence.add(Number(random.next() < accuracy));
      if (evidence.capital >= 100) return i;
    }
    return undefined;
  };
  const runs = (accuracy: number, good = 0): number[] =>
    Array.from({ length: 300 }, (_, i) => signals(seedFor(i, 'floor'), accuracy, 2_000, good) ?? Infinity).sort((a, b) => a - b);

  test('stays where the accuracy is on it, falls within hundreds of coins and within dozens of errors', () => {
    const [onIt, coin, wrong] = [runs(0.6), runs(0.5), runs(0.3)];
    process.stderr.write(`below a floor of 0.6, signals at the median: ${coin[150]} at 0.5, ${wrong[150]} at 0.3\n`);
    expect(onIt.filter(Number.isFinite).length / onIt.length).toBeLessThanOrEqual(0.01);
    expect(coin[150]).toBeLessThan(400);
    expect(wrong[150]).toBeLessThan(50);
  });

  test('falls hardly later where it was well above for long', () => {
    const [coin, wrong] = [runs(0.5, 3_000), runs(0.3, 3_000)];
    process.stderr.write(`after 3000 signals that were right in 75 %: ${coin[150]} at 0.5, ${wrong[150]} at 0.3
`);
    expect(coin[150]).toBeLessThan(900);
    expect(wrong[150]).toBeLessThan(100);
  });
});

describe('blocks', () => {
  test('leave out what reaches over their end, and what comes when they are closed', () => {
    const blocks = new Blocks(10);
    blocks.add(0, 9, 1);
    blocks.add(4, 9, 2);
    blocks.add(5, 10, 4);
    blocks.add(12, 19, 8);
    expect(blocks.close(9)).toEqual([]);
    expect(blocks.close(10)).toEqual([{ start: 0, hits: 3, trials: 2 }]);
    blocks.add(1, 2, 16);
    expect(blocks.close(30)).toEqual([{ start: 10, hits: 8, trials: 1 }]);
  });
});
