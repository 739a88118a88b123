/**
 * From raw votes to probabilities: Platt's sigmoid (1999), beta calibration (Kull, Silva Filho and Flach 2017) and isotonic regression (pool
 * adjacent violators), all fitted out of fold.
 */
import { type Calibration } from './bundle.ts';
import { logit, sigmoid } from './logistic.ts';

/** Isotonic regression needs many rows before it beats the sigmoid (Niculescu-Mizil and Caruana 2005). */
const ISOTONIC_ROWS = 2_000;

export function calibrate(calibration: Calibration, raw: number): number {
  if (calibration.kind === 'identity') return raw;
  if (calibration.kind === 'platt') return sigmoid(calibration.slope * logit(raw) + calibration.intercept);
  if (calibration.kind === 'beta') {
    const inside = Math.min(Math.max(raw, 1e-9), 1 - 1e-9);
    return sigmoid(calibration.rise * Math.log(inside) - calibration.fall * Math.log(1 - inside) + calibration.intercept);
  }
  return interpolate(calibration.raw, calibration.probability, raw);
}

/**
 * The better of the two by Brier score, each fitted on the first half and judged on the second, then fitted on all. `raw` and `up` in order
 * of time, out of fold. With fewer than 100 rows: identity.
 */
export function fitCalibration(raw: Float64Array, up: Uint8Array): Calibration {
  if (raw.length < 100) return { kind: 'identity' };
  if (raw.length < ISOTONIC_ROWS) return fitPlatt(raw, up);
  const half = raw.length >>> 1;
  const judge = (calibration: Calibration): number => brierOf(calibration, raw.subarray(half), up.subarray(half));
  const isotonic = judge(fitIsotonic(raw.subarray(0, half), up.subarray(0, half)));
  return isotonic < judge(fitPlatt(raw.subarray(0, half), up.subarray(0, half))) ? fitIsotonic(raw, up) : fitPlatt(raw, up);
}

/** `best`: Platt or isotonic, as `fitCalibration` chooses. */
export type CalibrationKind = 'best' | 'platt' | 'beta' | 'isotonic';

/** One kind, whatever the others would give. With fewer than 100 rows: identity. */
export function fitCalibrationOf(kind: CalibrationKind, raw: Float64Array, up: Uint8Array): Calibration {
  if (kind === 'best') return fitCalibration(raw, up);
  if (raw.length < 100) return { kind: 'identity' };
  return kind === 'platt' ? fitPlatt(raw, up) : kind === 'beta' ? fitBeta(raw, up) : fitIsotonic(raw, up);
}

/** Newton's method on three parameters, pulled towards the identity (1, 1, 0) as by 20 rows; a slope that would fall is 0. */
export function fitBeta(raw: Float64Array, up: Uint8Array): Calibration {
  const inside = raw.map((value) => Math.min(Math.max(value, 1e-9), 1 - 1e-9));
  const features = [inside.map(Math.log), inside.map((value) => -Math.log(1 - value)), new Float64Array(raw.length).fill(1)];
  const beta = fitLogOdds(features, up, [1, 1, 0], [0, 1, 2]);
  if (beta[0]! >= 0 && beta[1]! >= 0) return { kind: 'beta', rise: beta[0]!, fall: beta[1]!, intercept: beta[2]! };
  const free = beta[0]! < 0 ? 1 : 0;
  const alone = fitLogOdds(features, up, free === 1 ? [0, 1, 0] : [1, 0, 0], [free, 2]);
  return { kind: 'beta', rise: Math.max(0, alone[0]!), fall: Math.max(0, alone[1]!), intercept: alone[2]! };
}

/** Logistic regression by Newton's method over the `free` parameters, each pulled to where it begins; a step too long is halved. */
function fitLogOdds(
  features: readonly Float64Array[],
  up: Uint8Array,
  begin: readonly number[],
  free: readonly number[],
): number[] {
  const pull = 5;
  let at: readonly number[] = begin;
  const scoreOf = (point: readonly number[], i: number): number =>
    features.reduce((sum, feature, k) => sum + point[k]! * feature[i]!, 0);
  const lossOf = (point: readonly number[]): number => {
    let sum = free.reduce((penalty, k) => penalty + (pull / 2) * (point[k]! - begin[k]!) ** 2, 0);
    for (let i = 0; i < up.length; i++)
      sum -= Math.log(Math.max(1e-300, sigmoid(up[i] === 1 ? scoreOf(point, i) : -scoreOf(point, i))));
    return sum;
  };
  let loss = lossOf(at);
  for (let step = 0; step < 50; step++) {
    const slope = free.map((k) => pull * (at[k]! - begin[k]!));
    const bends = free.map((_, a) => free.map((__, b) => (a === b ? pull : 0)));
    for (let i = 0; i < up.length; i++) {
      const p = sigmoid(scoreOf(at, i));
      free.forEach((k, a) => {
        slope[a]! += (p - up[i]!) * features[k]![i]!;
        free.forEach((l, b) => (bends[a]![b]! += p * (1 - p) * features[k]![i]! * features[l]![i]!));
      });
    }
    const move = solve(bends, slope);
    let share = 1;
    const moved = (): number[] => at.map((value, k) => value - share * (move[free.indexOf(k)] ?? 0));
    while (share > 1e-6 && lossOf(moved()) > loss) share /= 2;
    const next = moved();
    const reached = lossOf(next);
    if (reached >= loss) break;
    at = next;
    if (loss - reached < 1e-9) break;
    loss = reached;
  }
  return [...at];
}

/** Gaussian elimination of a positive definite system. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  rows.forEach((pivot, i) => {
    for (const row of rows) {
      if (row === pivot) continue;
      const share = row[i]! / pivot[i]!;
      for (let k = i; k < row.length; k++) row[k]! -= share * pivot[k]!;
    }
  });
  return rows.map((row, i) => row.at(-1)! / row[i]!);
}

/** Newton's method on slope and intercept, pulled towards (1, 0) as by 20 rows, so few rows leave the votes as they are. */
export function fitPlatt(raw: Float64Array, up: Uint8Array): Calibration {
  const pull = 5;
  let slope = 1;
  let intercept = 0;
  const x = raw.map(logit);
  for (let step = 0; step < 50; step++) {
    let [gs, gi, ss, si, ii] = [pull * (slope - 1), pull * intercept, pull, 0, pull];
    for (let i = 0; i < x.length; i++) {
      const p = sigmoid(slope * x[i]! + intercept);
      const bend = p * (1 - p);
      gs += (p - up[i]!) * x[i]!;
      gi += p - up[i]!;
      ss += bend * x[i]! * x[i]!;
      si += bend * x[i]!;
      ii += bend;
    }
    const determinant = ss * ii - si * si;
    const moveSlope = (ii * gs - si * gi) / determinant;
    const moveIntercept = (ss * gi - si * gs) / determinant;
    slope -= moveSlope;
    intercept -= moveIntercept;
    if (Math.abs(moveSlope) + Math.abs(moveIntercept) < 1e-10) break;
  }
  return { kind: 'platt', slope: Math.max(slope, 0), intercept };
}

/** Blocks of equal probability become knots at their mean raw vote, joined by lines, so that votes keep their order within a block. */
export function fitIsotonic(raw: Float64Array, up: Uint8Array): Calibration {
  const order = [...raw.keys()].sort((a, b) => raw[a]! - raw[b]!);
  const blocks: { count: number; ups: number; votes: number }[] = [];
  for (const i of order) {
    blocks.push({ count: 1, ups: up[i]!, votes: raw[i]! });
    for (let last = blocks.length - 1; last > 0; last--) {
      const [below, above] = [blocks[last - 1]!, blocks[last]!];
      if (below.ups / below.count < above.ups / above.count) break;
      blocks.splice(last - 1, 2, {
        count: below.count + above.count,
        ups: below.ups + above.ups,
        votes: below.votes + above.votes,
      });
    }
  }
  // A block's share is pulled to one half by one row up and one down: the end blocks would claim certainty otherwise.
  const knots = blocks.map((block) => ({ raw: block.votes / block.count, probability: (block.ups + 1) / (block.count + 2) }));
  for (let i = 1; i < knots.length; i++) knots[i]!.probability = Math.max(knots[i]!.probability, knots[i - 1]!.probability);
  return { kind: 'isotonic', raw: knots.map((knot) => knot.raw), probability: knots.map((knot) => knot.probability) };
}

function interpolate(xs: readonly number[], ys: readonly number[], x: number): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (xs[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return ys[0]!;
  if (low === xs.length) return ys[low - 1]!;
  const [x0, x1] = [xs[low - 1]!, xs[low]!];
  return ys[low - 1]! + ((ys[low]! - ys[low - 1]!) * (x - x0)) / (x1 - x0);
}

function brierOf(calibration: Calibration, raw: Float64Array, up: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < raw.length; i++) sum += (calibrate(calibration, raw[i]!) - up[i]!) ** 2;
  return sum / raw.length;
}
