/**
 * Logistic regression with an L2 penalty on standardised inputs clipped to ±4; missing values count as the mean. Fitted by L-BFGS
 * (Nocedal and Wright 2006, algorithm 7.4). Deterministic.
 */
import { type LogisticModel } from './bundle.ts';
import { column, type Matrix } from './matrix.ts';

export interface LogisticOptions {
  /** Strength of the data against the penalty: minimises inverseL2 * sum(loss) + |w|² / 2, as scikit-learn's C. */
  readonly inverseL2: number;
  /** Stops when no slope of the objective exceeds this. Default 1e-3. */
  readonly tolerance?: number;
  /** Default 200. */
  readonly iterations?: number;
}

const CLIP = 4;
const MEMORY = 10;

/** `up`: 1 or 0 a row; `rowWeights`: all 1 by default. */
export function fitLogistic(matrix: Matrix, up: Uint8Array, options: LogisticOptions, rowWeights?: Float64Array): LogisticModel {
  const scaler = fitScaler(matrix);
  const design = standardise(matrix, scaler);
  const { weights, intercept } = minimise(design, up, options, rowWeights);
  return { kind: 'logistic', scaler, weights: [...weights], intercept };
}

/** Probability of up for one row of the model's inputs. */
export function predictLogistic(model: LogisticModel, values: Float32Array): number {
  const { mean, deviation } = model.scaler;
  let score = model.intercept;
  for (let i = 0; i < model.weights.length; i++) {
    const value = values[i]!;
    if (value !== value) continue; // missing: the mean, which is 0 after scaling
    const scaled = (value - mean[i]!) / deviation[i]!;
    score += model.weights[i]! * (scaled > CLIP ? CLIP : scaled < -CLIP ? -CLIP : scaled);
  }
  return sigmoid(score);
}

export function sigmoid(score: number): number {
  return 1 / (1 + Math.exp(-score));
}

export function logit(probability: number): number {
  const inside = Math.min(Math.max(probability, 1e-9), 1 - 1e-9);
  return Math.log(inside / (1 - inside));
}

function fitScaler(matrix: Matrix): LogisticModel['scaler'] {
  const mean: number[] = [];
  const deviation: number[] = [];
  for (let c = 0; c < matrix.width; c++) {
    const values = column(matrix, c);
    let count = 0;
    let sum = 0;
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      count++;
      sum += value;
    }
    const centre = count === 0 ? 0 : sum / count;
    let squares = 0;
    for (const value of values) if (Number.isFinite(value)) squares += (value - centre) ** 2;
    const spread = count === 0 ? 0 : Math.sqrt(squares / count);
    mean.push(centre);
    deviation.push(spread > 1e-12 ? spread : 1);
  }
  return { mean, deviation };
}

function standardise(matrix: Matrix, scaler: LogisticModel['scaler']): Matrix {
  const values = new Float32Array(matrix.values.length);
  for (let c = 0; c < matrix.width; c++) {
    const [centre, spread] = [scaler.mean[c]!, scaler.deviation[c]!];
    for (let i = c * matrix.rows; i < (c + 1) * matrix.rows; i++) {
      const scaled = (matrix.values[i]! - centre) / spread;
      values[i] = scaled !== scaled ? 0 : scaled > CLIP ? CLIP : scaled < -CLIP ? -CLIP : scaled;
    }
  }
  return { rows: matrix.rows, width: matrix.width, values };
}

/** The last parameter is the intercept, which bears no penalty. */
function minimise(
  design: Matrix,
  up: Uint8Array,
  options: LogisticOptions,
  rowWeights: Float64Array | undefined,
): { weights: Float64Array; intercept: number } {
  const size = design.width + 1;
  const at = new Float64Array(size);
  const slope = new Float64Array(size);
  const scores = new Float64Array(design.rows);
  const rise = new Float64Array(design.rows);
  const history: { step: Float64Array; bend: Float64Array; curvature: number }[] = [];
  let objective = loss(scores, up, options.inverseL2, rowWeights);
  gradient(design, scores, up, at, options.inverseL2, rowWeights, slope);
  for (let iteration = 0; iteration < (options.iterations ?? 200); iteration++) {
    if (largest(slope) < (options.tolerance ?? 1e-3)) break;
    const direction = descent(slope, history);
    multiply(design, direction, rise);
    const found = search(at, direction, scores, rise, up, objective, dot(slope, direction), options.inverseL2, rowWeights);
    if (found === undefined) break;
    const before = slope.slice();
    for (let i = 0; i < size; i++) at[i]! += found.length * direction[i]!;
    for (let i = 0; i < scores.length; i++) scores[i]! += found.length * rise[i]!;
    objective = found.objective;
    gradient(design, scores, up, at, options.inverseL2, rowWeights, slope);
    const step = direction.map((value) => value * found.length);
    const bend = slope.map((value, i) => value - before[i]!);
    const curvature = dot(step, bend);
    if (curvature > 1e-12) history.push({ step, bend, curvature });
    if (history.length > MEMORY) history.shift();
  }
  return { weights: at.slice(0, -1), intercept: at[size - 1]! };
}

/** Two-loop recursion: minus the approximate inverse Hessian times the slope. */
function descent(
  slope: Float64Array,
  history: readonly { step: Float64Array; bend: Float64Array; curvature: number }[],
): Float64Array {
  const direction = slope.map((value) => -value);
  const shares: number[] = [];
  for (let k = history.length - 1; k >= 0; k--) {
    const { step, bend, curvature } = history[k]!;
    const share = dot(step, direction) / curvature;
    shares[k] = share;
    for (let i = 0; i < direction.length; i++) direction[i]! -= share * bend[i]!;
  }
  const last = history.at(-1);
  const scale = last === undefined ? 1 / Math.max(1, Math.sqrt(dot(slope, slope))) : last.curvature / dot(last.bend, last.bend);
  for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  for (let k = 0; k < history.length; k++) {
    const { step, bend, curvature } = history[k]!;
    const share = shares[k]! - dot(bend, direction) / curvature;
    for (let i = 0; i < direction.length; i++) direction[i]! += share * step[i]!;
  }
  return direction;
}

/** Backtracking on the scores themselves, so a trial costs no pass over the design. */
function search(
  at: Float64Array,
  direction: Float64Array,
  scores: Float64Array,
  rise: Float64Array,
  up: Uint8Array,
  objective: number,
  slopeAlong: number,
  inverseL2: number,
  rowWeights: Float64Array | undefined,
): { length: number; objective: number } | undefined {
  const trial = new Float64Array(scores.length);
  for (let length = 1; length > 1e-8; length /= 2) {
    for (let i = 0; i < trial.length; i++) trial[i] = scores[i]! + length * rise[i]!;
    let penalty = 0;
    for (let i = 0; i < at.length - 1; i++) penalty += (at[i]! + length * direction[i]!) ** 2 / 2;
    const reached = loss(trial, up, inverseL2, rowWeights) + penalty;
    if (reached <= objective + 1e-4 * length * slopeAlong) return { length, objective: reached };
  }
  return undefined;
}

function loss(scores: Float64Array, up: Uint8Array, inverseL2: number, rowWeights: Float64Array | undefined): number {
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const margin = up[i] === 1 ? scores[i]! : -scores[i]!;
    const cost = margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin;
    sum += rowWeights === undefined ? cost : cost * rowWeights[i]!;
  }
  return inverseL2 * sum;
}

function gradient(
  design: Matrix,
  scores: Float64Array,
  up: Uint8Array,
  at: Float64Array,
  inverseL2: number,
  rowWeights: Float64Array | undefined,
  out: Float64Array,
): void {
  const { rows, width, values } = design;
  const errors = new Float64Array(rows);
  let total = 0;
  for (let i = 0; i < rows; i++) {
    const error = inverseL2 * (sigmoid(scores[i]!) - up[i]!) * (rowWeights === undefined ? 1 : rowWeights[i]!);
    errors[i] = error;
    total += error;
  }
  // Four columns at a time: the errors are read once for them.
  let c = 0;
  for (; c + 3 < width; c += 4) {
    const from = c * rows;
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let i = 0; i < rows; i++) {
      const error = errors[i]!;
      s0 += values[from + i]! * error;
      s1 += values[from + rows + i]! * error;
      s2 += values[from + 2 * rows + i]! * error;
      s3 += values[from + 3 * rows + i]! * error;
    }
    out[c] = s0 + at[c]!;
    out[c + 1] = s1 + at[c + 1]!;
    out[c + 2] = s2 + at[c + 2]!;
    out[c + 3] = s3 + at[c + 3]!;
  }
  for (; c < width; c++) {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += values[c * rows + i]! * errors[i]!;
    out[c] = sum + at[c]!;
  }
  out[width] = total;
}

/** out = design * direction + its last element. */
function multiply(design: Matrix, direction: Float64Array, out: Float64Array): void {
  const { rows, width, values } = design;
  out.fill(direction[width]!);
  let c = 0;
  for (; c + 3 < width; c += 4) {
    const from = c * rows;
    const [f0, f1, f2, f3] = [direction[c]!, direction[c + 1]!, direction[c + 2]!, direction[c + 3]!];
    for (let i = 0; i < rows; i++) {
      out[i]! +=
        f0 * values[from + i]! +
        f1 * values[from + rows + i]! +
        f2 * values[from + 2 * rows + i]! +
        f3 * values[from + 3 * rows + i]!;
    }
  }
  for (; c < width; c++) for (let i = 0; i < rows; i++) out[i]! += direction[c]! * values[c * rows + i]!;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function largest(values: Float64Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}
