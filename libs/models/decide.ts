/** What turns members into decisions: vote weights, calibration and threshold, all from predictions on rows the members never saw. */
import { calibrate, type CalibrationKind, fitCalibrationOf } from './calibration.ts';
import { type Calibration, type Combination } from './bundle.ts';
import { combine, fitStacking, heardMembers, memberWeights, usefulWeights, VOTE } from './ensemble.ts';
import { limitOf } from './distribution.ts';
import { chooseThreshold, type Threshold, type ThresholdOptions } from './threshold.ts';

/** How far each row lies from what these members, by place, were trained on (distribution.ts); undefined = they read nothing. */
export type Distances = (members: readonly number[]) => Float64Array | undefined;

/** Out-of-fold moves in order of time. */
export interface OutOfFold {
  /** Probability of up, by member. */
  readonly predictions: readonly Float64Array[];
  readonly up: Uint8Array;
  /** Decision times, milliseconds. */
  readonly times: Float64Array;
  readonly distances?: Distances | undefined;
}

export interface EnsembleOptions {
  readonly combination: Combination['kind'];
  readonly calibration: CalibrationKind;
  /** Members without whom the vote is no worse get weight 0. */
  readonly dropUseless: boolean;
  /** Calibrated on each vote and on its opposite, too: a market leans to neither side. */
  readonly mirrored: boolean;
}

/** A weighted vote of all members, calibrated by the better of Platt and isotonic, to both sides alike. */
export const DEFAULT_ENSEMBLE: EnsembleOptions = { combination: 'vote', calibration: 'best', dropUseless: false, mirrored: true };

export interface Decider {
  readonly combination: Combination;
  /** Of the vote. */
  readonly weights: readonly number[];
  readonly calibration: Calibration;
  readonly threshold: Threshold;
  /** Distance from the training data beyond which it does not speak; undefined = no limit. */
  readonly limit: number | undefined;
  /** Of the out-of-fold moves themselves; null without any. */
  readonly accuracy: number | null;
  readonly brier: number | null;
}

/** `repeats`: by member, whether it says no more than another does; such a one has weight 0, unless there is no other. Default: none. */
export function fitDecider(
  known: OutOfFold,
  options: ThresholdOptions,
  ensemble = DEFAULT_ENSEMBLE,
  repeats: readonly boolean[] = [],
): Decider {
  const all = [...known.predictions.keys()];
  const others = all.filter((k) => repeats[k] !== true);
  const heard = others.length === 0 ? all : others;
  const found = (ensemble.dropUseless ? usefulWeights : memberWeights)(
    heard.map((k) => known.predictions[k]!),
    known.up,
  );
  const weights = known.predictions.map((_, k) => found[heard.indexOf(k)] ?? 0);
  const combination = fitCombination(ensemble.combination, known);
  const raw = combined(combination, known.predictions, weights, known.up.length);
  const calibration = fitCalibrationOf(
    ensemble.calibration,
    ...(ensemble.mirrored ? withOpposites(raw, known.up) : ([raw, known.up] as const)),
  );
  const probability = raw.map((value) => calibrate(calibration, value));
  const right = known.up.map((up, i) => Number(probability[i]! > 0.5 === (up === 1)));
  const confidence = probability.map((p) => Math.max(p, 1 - p));
  const count = known.up.length;
  return {
    combination,
    weights,
    calibration,
    threshold: chooseThreshold(confidence, right, known.times, options),
    limit: limitOf(known.distances?.(heardMembers(combination, weights))),
    accuracy: count === 0 ? null : right.reduce((sum, hit) => sum + hit, 0) / count,
    brier: count === 0 ? null : probability.reduce((sum, p, i) => sum + (p - known.up[i]!) ** 2, 0) / count,
  };
}

/** Each followed by its opposite, so that halves in order of time stay halves. */
function withOpposites(raw: Float64Array, up: Uint8Array): [Float64Array, Uint8Array] {
  return [
    Float64Array.from({ length: 2 * raw.length }, (_, i) => (i % 2 === 0 ? raw[i >> 1]! : 1 - raw[i >> 1]!)),
    Uint8Array.from({ length: 2 * up.length }, (_, i) => (i % 2 === 0 ? up[i >> 1]! : 1 - up[i >> 1]!)),
  ];
}

/** Calibrated probability of up for each row. */
export function decide(decider: Decider, predictions: readonly Float64Array[], rows: number): Float64Array {
  return combined(decider.combination, predictions, decider.weights, rows).map((raw) => calibrate(decider.calibration, raw));
}

function fitCombination(kind: Combination['kind'], { predictions, up }: OutOfFold): Combination {
  return kind === 'stacking' ? fitStacking(predictions, up) : kind === 'majority' ? { kind } : VOTE;
}

function combined(
  combination: Combination,
  predictions: readonly Float64Array[],
  weights: readonly number[],
  rows: number,
): Float64Array {
  const opinions = new Float64Array(predictions.length);
  return Float64Array.from({ length: rows }, (_, row) => {
    for (let k = 0; k < opinions.length; k++) opinions[k] = predictions[k]![row]!;
    return combine(combination, opinions, weights);
  });
}
