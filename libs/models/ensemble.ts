/** From the members' probabilities to one: a weighted mean (soft vote), the majority, or a logistic model over their log odds (stacking). */
import { type Combination } from './bundle.ts';
import { logit, sigmoid } from './logistic.ts';

export const VOTE: Combination = { kind: 'vote' };

/** `weights`: of the vote; the other kinds bring their own, or have none. */
export function combine(combination: Combination, probabilities: ArrayLike<number>, weights: ArrayLike<number>): number {
  if (combination.kind === 'vote') return vote(probabilities, weights);
  if (combination.kind === 'majority') return majority(probabilities);
  let score = combination.intercept;
  for (let i = 0; i < probabilities.length; i++) score += combination.weights[i]! * logit(probabilities[i]!);
  return sigmoid(score);
}

/** A probability of exactly one half is half a vote. */
function majority(probabilities: ArrayLike<number>): number {
  let ups = 0;
  for (let i = 0; i < probabilities.length; i++) ups += probabilities[i]! > 0.5 ? 1 : probabilities[i] === 0.5 ? 0.5 : 0;
  return (ups + 1) / (probabilities.length + 2);
}

/** Weights need not add up to 1; all zero = equal. */
export function vote(probabilities: ArrayLike<number>, weights: ArrayLike<number>): number {
  let sum = 0;
  let total = 0;
  let plain = 0;
  for (let i = 0; i < probabilities.length; i++) {
    sum += probabilities[i]! * weights[i]!;
    total += weights[i]!;
    plain += probabilities[i]!;
  }
  if (total > 0) return sum / total;
  return probabilities.length === 0 ? 0.5 : plain / probabilities.length;
}

/** Places of the members whose opinion can change what `combine` says: a vote does not hear those of weight 0, unless all have it. */
export function heardMembers({ kind }: Combination, weights: readonly number[]): number[] {
  const all = [...weights.keys()];
  const heard = kind === 'vote' ? all.filter((k) => weights[k]! > 0) : all;
  return heard.length === 0 ? all : heard;
}

/**
 * Weights from out-of-fold predictions only: the simplex point of least Brier score, by multiplicative updates (Kivinen and Warmuth
 * 1997), pulled half-way to equal weights, which few data seldom beat (Stock and Watson 2004).
 */
export function memberWeights(predictions: readonly Float64Array[], up: Uint8Array): number[] {
  const members = predictions.length;
  const equal = 1 / members;
  let weights = new Array<number>(members).fill(equal);
  if (up.length < 200 || members < 2) return weights;
  for (let step = 0; step < 200; step++) {
    const slope = brierSlope(predictions, up, weights);
    const raised = weights.map((weight, k) => weight * Math.exp(-20 * slope[k]!));
    const total = raised.reduce((sum, weight) => sum + weight, 0);
    weights = raised.map((weight) => weight / total);
  }
  return weights.map((weight) => Number(((weight + equal) / 2).toPrecision(6)));
}

/**
 * Vote weights with the members left out (weight 0) who do harm: out goes, one by one, the member whose leaving makes the vote's Brier score least, as
 * long as it is smaller by more than a standard error of the difference; less is no evidence of either. Out-of-fold predictions only.
 */
export function usefulWeights(predictions: readonly Float64Array[], up: Uint8Array): number[] {
  let kept = predictions.map((_, k) => k);
  const among = (members: readonly number[]): { members: readonly number[]; weights: number[]; losses: Float64Array } => {
    const own = members.map((k) => predictions[k]!);
    const weights = memberWeights(own, up);
    return { members, weights, losses: voteLosses(own, up, weights) };
  };
  let best = among(kept);
  while (up.length > 0 && kept.length > 1) {
    const without = kept.map((left) => among(kept.filter((k) => k !== left)));
    const better = without.reduce((least, each) => (meanOf(each.losses) < meanOf(least.losses) ? each : least));
    if (!isSmaller(better.losses, best.losses)) break;
    best = better;
    kept = [...better.members];
  }
  const weights = predictions.map(() => 0);
  best.members.forEach((k, i) => (weights[k] = best.weights[i]!));
  return weights;
}

/** Of two losses of the same rows: on average by more than a standard error, rows taken as independent. */
export function isSmaller(a: Float64Array, b: Float64Array): boolean {
  const differences = b.map((loss, row) => loss - a[row]!);
  const mean = meanOf(differences);
  const spread = Math.sqrt(meanOf(differences.map((each) => (each - mean) ** 2)));
  return mean > 0 && mean > spread / Math.sqrt(differences.length);
}

export function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/**
 * Non-negative weights of the members' log odds (Breiman 1996) and an intercept that make the out-of-fold outcomes likeliest, pulled towards the
 * plain mean as by 200 rows. Projected gradient steps with Nesterov's momentum: the loss is convex.
 */
export function fitStacking(predictions: readonly Float64Array[], up: Uint8Array): Combination {
  const members = predictions.length;
  const equal = 1 / Math.max(members, 1);
  const odds = predictions.map((each) => each.map(logit));
  // The loss bends at most as the squares of the log odds do, a quarter for each row.
  const bend = odds.reduce((sum, each) => sum + each.reduce((s, x) => s + x * x, 0), up.length) / 4 + STACKING_PULL;
  let at = new Float64Array(members + 1).fill(equal, 0, members);
  let ahead = at;
  for (let step = 1; step <= STACKING_STEPS; step++) {
    const slope = Float64Array.from(ahead, (value, k) => STACKING_PULL * (value - (k < members ? equal : 0)));
    for (let row = 0; row < up.length; row++) {
      let score = ahead[members]!;
      for (let k = 0; k < members; k++) score += ahead[k]! * odds[k]![row]!;
      const error = sigmoid(score) - up[row]!;
      for (let k = 0; k < members; k++) slope[k]! += error * odds[k]![row]!;
      slope[members]! += error;
    }
    const before = at;
    at = ahead.map((value, k) => (k < members ? Math.max(0, value - slope[k]! / bend) : value - slope[k]! / bend));
    const momentum = (step - 1) / (step + 2);
    const next = at;
    ahead = next.map((value, k) => value + momentum * (value - before[k]!));
  }
  return { kind: 'stacking', weights: [...at.subarray(0, members)], intercept: at[members]! };
}

const STACKING_PULL = 50;
const STACKING_STEPS = 150;

/** Squared errors of the vote, row by row. */
function voteLosses(predictions: readonly Float64Array[], up: Uint8Array, weights: readonly number[]): Float64Array {
  const opinions = new Float64Array(predictions.length);
  return Float64Array.from(up, (one, row) => {
    for (let k = 0; k < opinions.length; k++) opinions[k] = predictions[k]![row]!;
    return (vote(opinions, weights) - one) ** 2;
  });
}

/** Gradient of the Brier score by each weight. */
function brierSlope(predictions: readonly Float64Array[], up: Uint8Array, weights: readonly number[]): number[] {
  const slope = weights.map(() => 0);
  for (let row = 0; row < up.length; row++) {
    let voted = 0;
    for (let k = 0; k < predictions.length; k++) voted += weights[k]! * predictions[k]![row]!;
    const error = voted - up[row]!;
    for (let k = 0; k < predictions.length; k++) slope[k]! += (2 * error * predictions[k]![row]!) / up.length;
  }
  return slope;
}
