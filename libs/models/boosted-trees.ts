/**
 * Gradient-boosted trees for a binary outcome, grown leaf by leaf on histograms (Ke et al. 2017, LightGBM). Gradient and hessian of a row are
 * quantised (Shi et al. 2022) and packed into one double, so that a histogram costs one addition a row and sums are exact. Seeded.
 */
import { type Bins } from './bins.ts';
import { type Forest, type MirrorMap } from './bundle.ts';
import { logit, sigmoid } from './logistic.ts';
import { type Matrix, readRow } from './matrix.ts';
import { createRandom, type Random, sample } from './random.ts';
import { growTree, type Tree, type TreeOptions } from './tree-growth.ts';

export interface BoostOptions extends TreeOptions {
  readonly trees: number;
  readonly learningRate: number;
  /** Share of rows a tree sees, (0, 1]. */
  readonly rowShare: number;
  /** Share of columns a tree sees, (0, 1]. */
  readonly columnShare: number;
  readonly seed: number;
}

/** `up`: 1 or 0 a row; `rowWeights`: all 1 by default. */
export function fitForest(bins: Bins, up: Uint8Array, options: BoostOptions, rowWeights?: Float64Array): Forest {
  const random = createRandom(options.seed);
  const base = logit(weightedShare(up, rowWeights));
  const scores = new Float64Array(bins.rows).fill(base);
  const gradients = new Float64Array(bins.rows);
  const hessians = new Float64Array(bins.rows);
  const useful = bins.edges.flatMap((edges, c) => (edges.length > 0 || bins.missing[c] === 1 ? [c] : []));
  const forest: Forest = {
    kind: 'trees',
    base,
    roots: [],
    feature: [],
    threshold: [],
    left: [],
    right: [],
    missingLeft: [],
    value: [],
  };
  if (useful.length === 0) return forest;
  for (let round = 0; round < options.trees; round++) {
    for (let i = 0; i < bins.rows; i++) {
      const probability = sigmoid(scores[i]!);
      const weight = rowWeights === undefined ? 1 : rowWeights[i]!;
      gradients[i] = (probability - up[i]!) * weight;
      hessians[i] = probability * (1 - probability) * weight;
    }
    const rows = sample(random, bins.rows, Math.max(1, Math.round(bins.rows * options.rowShare)));
    const columns = chooseColumns(random, useful, options.columnShare);
    const tree = growTree(bins, rows, columns, gradients, hessians, options);
    shrink(tree, options.learningRate);
    addScores(tree, bins, scores);
    append(forest, tree, bins);
  }
  return forest;
}

/** Probability of up for one row of the model's inputs. */
export function predictForest(forest: Forest, values: Float32Array): number {
  const straight = sigmoid(scoreOf(forest, values));
  return forest.mirror === undefined ? straight : (straight + 1 - sigmoid(scoreOf(forest, reflect(forest.mirror, values)))) / 2;
}

function reflect({ from, about }: MirrorMap, values: Float32Array): Float32Array {
  const out = new Float32Array(from.length);
  for (let i = 0; i < from.length; i++) {
    const centre = about[i] ?? null;
    out[i] = centre === null ? values[from[i]!]! : 2 * centre - values[from[i]!]!;
  }
  return out;
}

/** Log odds. */
function scoreOf(forest: Forest, values: Float32Array): number {
  const { feature, threshold, left, right, missingLeft, value } = forest;
  let score = forest.base;
  for (const root of forest.roots) {
    let node = root;
    let split = feature[node]!;
    while (split >= 0) {
      const at = values[split]!;
      const goesLeft = at !== at ? missingLeft[node] === 1 : at <= threshold[node]!;
      node = goesLeft ? left[node]! : right[node]!;
      split = feature[node]!;
    }
    score += value[node]!;
  }
  return score;
}

/** Probability of up for every row of the matrix. */
export function predictRows(matrix: Matrix, predict: (values: Float32Array) => number): Float64Array {
  const values = new Float32Array(matrix.width);
  const out = new Float64Array(matrix.rows);
  for (let row = 0; row < matrix.rows; row++) {
    readRow(matrix, row, values);
    out[row] = predict(values);
  }
  return out;
}

function weightedShare(up: Uint8Array, rowWeights: Float64Array | undefined): number {
  let ups = 0;
  let total = 0;
  for (let i = 0; i < up.length; i++) {
    const weight = rowWeights === undefined ? 1 : rowWeights[i]!;
    ups += weight * up[i]!;
    total += weight;
  }
  return total > 0 ? ups / total : 0.5;
}

function chooseColumns(random: Random, useful: readonly number[], share: number): Int32Array {
  const chosen = sample(random, useful.length, Math.max(1, Math.ceil(useful.length * share)));
  return chosen.map((place) => useful[place]!);
}

/** Six digits are far below what a leaf's estimate is worth, and keep bundles small. */
function shrink(tree: Tree, learningRate: number): void {
  for (let node = 0; node < tree.value.length; node++)
    tree.value[node] = Number((tree.value[node]! * learningRate).toPrecision(6));
}

function addScores(tree: Tree, bins: Bins, scores: Float64Array): void {
  for (let row = 0; row < bins.rows; row++) {
    let node = 0;
    while (tree.feature[node]! >= 0) {
      const split = tree.feature[node]!;
      const code = bins.codes[split * bins.rows + row]!;
      const goesLeft = code > bins.edges[split]!.length ? tree.missingLeft[node] === 1 : code <= tree.bin[node]!;
      node = goesLeft ? tree.left[node]! : tree.right[node]!;
    }
    scores[row]! += tree.value[node]!;
  }
}

/** A split after the last present bin keeps only missing values on the other side: its edge is the largest number. */
function append(forest: Forest, tree: Tree, bins: Bins): void {
  const first = forest.feature.length;
  forest.roots.push(first);
  for (let node = 0; node < tree.feature.length; node++) {
    const split = tree.feature[node]!;
    forest.feature.push(split);
    forest.threshold.push(split < 0 ? 0 : (bins.edges[split]![tree.bin[node]!] ?? Number.MAX_VALUE));
    forest.left.push(split < 0 ? 0 : first + tree.left[node]!);
    forest.right.push(split < 0 ? 0 : first + tree.right[node]!);
    forest.missingLeft.push(tree.missingLeft[node]!);
    forest.value.push(split < 0 ? tree.value[node]! : 0);
  }
}
