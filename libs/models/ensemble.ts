/** The ensemble's vote: a weighted mean of its members' probabilities (soft vote). */

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
