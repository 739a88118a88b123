/** Calibration, vote weights and thresholds on made-up predictions whose truth is known. */
import { describe, expect, test } from '@jest/globals';
import { calibrate, fitBeta, fitCalibration, fitIsotonic, fitPlatt } from './calibration.ts';
import { decide, DEFAULT_ENSEMBLE, fitDecider } from './decide.ts';
import { combine, fitStacking, heardMembers, memberWeights, usefulWeights, vote, VOTE } from './ensemble.ts';
import { logit, sigmoid } from './logistic.ts';
import { createRandom } from './random.ts';
import { chooseThreshold } from './threshold.ts';

const OPTIONS = { wanted: 0.7, atLeast: 0.66, recent: 0.66 };
const MINUTE = 60_000;

/** Truth drawn from `truth(i)`. */
function draw(
  rows: number,
  seed: number,
  truth: (random: () => number, i: number) => number,
): { truth: Float64Array; up: Uint8Array } {
  const random = createRandom(seed);
  const probabilities = Float64Array.from({ length: rows }, (_, i) => truth(() => random.next(), i));
  return { truth: probabilities, up: Uint8Array.from(probabilities, (p) => Number(random.next() < p)) };
}

const minutes = (rows: number): Float64Array => Float64Array.from({ length: rows }, (_, i) => i * MINUTE);

describe('calibration', () => {
  const { truth, up } = draw(20_000, 1, (random) => 0.1 + 0.8 * random());
  const tooBold = truth.map((p) => sigmoid(2.5 * logit(p) + 0.3));

  test.each([
    ['platt', fitPlatt(tooBold, up)],
    ['isotonic', fitIsotonic(tooBold, up)],
    ['beta', fitBeta(tooBold, up)],
    ['the chosen one', fitCalibration(tooBold, up)],
  ])('%s takes over-confidence back', (_name, calibration) => {
    const error = truth.reduce((sum, p, i) => sum + Math.abs(calibrate(calibration, tooBold[i]!) - p), 0) / truth.length;
    expect(error).toBeLessThan(0.02);
  });

  test('isotonic pools what falls', () => {
    const calibration = fitIsotonic(Float64Array.of(0.1, 0.2, 0.3, 0.4), Uint8Array.of(0, 1, 0, 1));
    // Blocks {0.1: 0}, {0.2, 0.3: 1 of 2}, {0.4: 1}, each pulled to one half by one row up and one down.
    expect(calibration).toEqual({ kind: 'isotonic', raw: [0.1, 0.25, 0.4], probability: [1 / 3, 0.5, 2 / 3] });
    expect(calibrate(calibration, 0.25 + 0.075)).toBeCloseTo(0.5 + 1 / 12, 9);
    expect(calibrate(calibration, 0.9)).toBeCloseTo(2 / 3, 9);
  });

  test('beta bends each end by itself, where a sigmoid cannot', () => {
    // p = sigmoid(0.5 ln(raw) - 2 ln(1 - raw) - 0.4) is what the outcomes follow.
    const raw = draw(20_000, 7, (random) => 0.05 + 0.9 * random()).truth;
    const truth = raw.map((value) => sigmoid(0.5 * Math.log(value) - 2 * Math.log(1 - value) - 0.4));
    const { up } = draw(20_000, 8, (_random, i) => truth[i]!);
    const errorOf = (calibration: ReturnType<typeof fitBeta>): number =>
      truth.reduce((sum, p, i) => sum + Math.abs(calibrate(calibration, raw[i]!) - p), 0) / truth.length;
    expect(fitBeta(raw, up)).toMatchObject({ kind: 'beta', rise: expect.closeTo(0.5, 0), fall: expect.closeTo(2, 0) });
    expect(errorOf(fitBeta(raw, up))).toBeLessThan(errorOf(fitPlatt(raw, up)) / 2);
    // Votes that say the opposite are worth nothing: the curve is flat, and does not fall.
    const opposite = fitBeta(
      raw,
      Uint8Array.from(raw, (value, i) => Number((i * 0.618) % 1 > value)),
    );
    expect(calibrate(opposite, 0.9)).toBeGreaterThanOrEqual(calibrate(opposite, 0.1));
  });

  test('few rows change nothing', () => {
    expect(fitCalibration(tooBold.subarray(0, 50), up.subarray(0, 50))).toEqual({ kind: 'identity' });
  });
});

describe('the vote', () => {
  test('is the weighted mean', () => {
    expect(vote([0.2, 0.8], [1, 3])).toBeCloseTo(0.65, 9);
    expect(vote([0.2, 0.8], [0, 0])).toBeCloseTo(0.5, 9);
  });

  test('does not hear who has weight 0, to the last bit', () => {
    const { truth, up } = draw(300, 9, (random) => random());
    const [weights, said] = [
      [0.3, 0, 0.45, 0, 0.25],
      [0.123, 0.9, 0.456, 0.01, 0.789],
    ];
    const heard = heardMembers(VOTE, weights);
    expect(heard).toEqual([0, 2, 4]);
    expect(
      vote(
        heard.map((k) => said[k]!),
        heard.map((k) => weights[k]!),
      ),
    ).toBe(vote(said, weights));
    expect(heardMembers(VOTE, [0, 0])).toEqual([0, 1]);
    expect(heardMembers({ kind: 'majority' }, [0, 1])).toEqual([0, 1]);
    expect(heardMembers(fitStacking([truth, truth], up), [0, 1])).toEqual([0, 1]);
  });

  test('trusts the member that was right', () => {
    const { truth, up } = draw(5_000, 2, (random) => random());
    const noise = draw(5_000, 3, (random) => random()).truth;
    const [good, bad] = memberWeights([truth, noise], up);
    expect(good).toBeGreaterThan(0.7);
    expect(good! + bad!).toBeCloseTo(1, 5);
  });
});

describe('stacking and the majority', () => {
  const { truth, up } = draw(8_000, 12, (random) => 0.1 + 0.8 * random());
  const noise = draw(8_000, 13, (random) => random()).truth;
  const timid = truth.map((p) => sigmoid(logit(p) / 3));

  test('stacking makes a timid member bold and leaves noise out', () => {
    const stacking = fitStacking([timid, noise], up);
    if (stacking.kind !== 'stacking') throw new Error(stacking.kind);
    expect(stacking.weights[0]).toBeGreaterThan(2.3);
    expect(stacking.weights[1]).toBeLessThan(0.05);
    expect(combine(stacking, [sigmoid(0.5), 0.5], [])).toBeCloseTo(sigmoid(1.5), 1);
  });

  test('the majority counts heads', () => {
    expect(combine({ kind: 'majority' }, [0.51, 0.6, 0.01], [])).toBe(3 / 5);
    expect(combine({ kind: 'majority' }, [0.5, 0.5], [])).toBe(0.5);
  });

  test('who repeats another gets weight 0, and the others those that they would have alone', () => {
    const { truth, up } = draw(8_000, 4, (random) => 0.2 + 0.6 * random());
    const noise = Float64Array.from(up, (_, i) => 0.4 + 0.2 * (((i * 7) % 10) / 10));
    const times = minutes(8_000);
    const both = fitDecider({ predictions: [truth, noise], up, times }, OPTIONS);
    const three = fitDecider({ predictions: [truth, truth, noise], up, times }, OPTIONS, DEFAULT_ENSEMBLE, [false, true, false]);
    expect(three.weights).toEqual([both.weights[0], 0, both.weights[1]]);
  });

  test('who adds nothing gets weight 0', () => {
    const weights = usefulWeights([truth, noise, truth.map((p) => sigmoid(0.9 * logit(p)))], up);
    expect(weights[1]).toBe(0);
    expect(weights[0]! + weights[2]!).toBeCloseTo(1, 5);
    expect(usefulWeights([noise], up)).toEqual([1]);
  });

  test.each(['vote', 'stacking', 'majority'] as const)('a decider of %s is calibrated', (combination) => {
    const options = { combination, calibration: 'beta', dropUseless: false, mirrored: false } as const;
    const decider = fitDecider({ predictions: [truth, timid, noise], up, times: minutes(8_000) }, OPTIONS, options);
    const ups = decide(decider, [truth, timid, noise], 8_000);
    const mean = ups.reduce((sum, p) => sum + p, 0) / 8_000;
    expect(mean).toBeCloseTo(up.reduce((sum, one) => sum + one, 0) / 8_000, 2);
    expect(decider.brier).toBeLessThan(0.23);
  });
});

describe('the threshold', () => {
  test('is the least confidence that was right often enough', () => {
    const { truth, up } = draw(8_000, 4, (random) => random());
    const decider = fitDecider({ predictions: [truth], up, times: minutes(8_000) }, { ...OPTIONS, wanted: 0.85 });
    // Confidence is uniform on [0.5, 1]: above c it is right (1 + c) / 2 of the time, 0.85 at c = 0.7.
    expect(decider.threshold.confidence).toBeGreaterThan(0.67);
    expect(decider.threshold.confidence).toBeLessThan(0.74);
    expect(decider.threshold.silenced).toBe('');
    expect(decide(decider, [Float64Array.of(0.9)], 1)[0]).toBeCloseTo(0.9, 1);
  });

  test('is silent on noise: never in 60 markets without an edge', () => {
    for (let seed = 0; seed < 60; seed++) {
      const { up } = draw(3_000, seed, () => 0.5);
      const noise = draw(3_000, seed + 1_000, (random) => random()).truth;
      const right = up.map((one, i) => Number(noise[i]! > 0.5 === (one === 1)));
      const confidence = noise.map((p) => Math.max(p, 1 - p));
      expect(chooseThreshold(confidence, right, minutes(3_000), OPTIONS).confidence).toBeGreaterThan(1);
    }
  });

  test('is silent where the lower bound is below what must hold, though the mean is not', () => {
    const confidence = new Float64Array(6_000).fill(0.8);
    const times = minutes(6_000);
    const steady = Uint8Array.from(times, (_t, i) => Number(i % 25 < 18));
    expect(chooseThreshold(confidence, steady, times, OPTIONS)).toMatchObject({ silenced: '', accuracy: 0.72 });
    // The same 0.72, but 0.94 and 0.5 by turns: as much as a hundred independent moves tell, whose lower bound is 0.65.
    const moody = Uint8Array.from(times, (_t, i) => Number(Math.floor(i / 240) % 2 === 0 ? i % 50 < 47 : i % 2 === 0));
    expect(moody.reduce((sum, hit) => sum + hit, 0) / 6_000).toBeGreaterThan(0.72);
    expect(chooseThreshold(confidence, moody, times, OPTIONS)).toMatchObject({
      confidence: 2,
      silenced: 'no confidence level was right 0.7 of the time on earlier data',
    });
    expect(chooseThreshold(confidence, moody, times, { ...OPTIONS, atLeast: 0.6 }).silenced).toBe('');
  });

  test('is silent where few blocks of time carry the edge, where it fades, and where there is little data', () => {
    const confidence = new Float64Array(4_000).fill(0.8);
    const times = minutes(4_000);
    const twoLuckyBlocks = Uint8Array.from(times, (t) => Number(t < 480 * MINUTE || t % (2 * MINUTE) === 0));
    expect(chooseThreshold(confidence, twoLuckyBlocks, times, { ...OPTIONS, wanted: 0.55 }).confidence).toBeGreaterThan(1);
    const fading = Uint8Array.from(times, (t, i) => Number(i % 10 < (t < 2_000 * MINUTE ? 9 : 6)));
    expect(chooseThreshold(confidence, fading, times, OPTIONS).confidence).toBeGreaterThan(1);
    const short = chooseThreshold(confidence.subarray(0, 300), new Uint8Array(300).fill(1), times.subarray(0, 300), OPTIONS);
    expect(short).toMatchObject({ confidence: 2, silenced: 'too little earlier data: 300 moves' });
  });
});
