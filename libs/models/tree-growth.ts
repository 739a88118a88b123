/** One tree: leaf-wise growth on packed histograms; the larger child's histogram is the parent's less the smaller's. */
import { type Bins } from './bins.ts';

export interface TreeOptions {
  /** At most this many leaves. */
  readonly leaves: number;
  /** Least rows in a leaf, as estimated from its hessian. */
  readonly leafRows: number;
  /** Penalty on leaf values. */
  readonly l2: number;
}

/** Nodes in order of creation; children stand behind their parent; feature -1 = leaf. */
export interface Tree {
  readonly feature: number[];
  readonly bin: number[];
  readonly left: number[];
  readonly right: number[];
  readonly missingLeft: number[];
  readonly value: number[];
}

interface Split {
  readonly gain: number;
  readonly feature: number;
  readonly bin: number;
  readonly missingLeft: number;
}

interface Leaf {
  readonly node: number;
  readonly from: number;
  readonly to: number;
  /** Sum over rows of gradient and hessian, packed. */
  readonly total: number;
  /** Absent where the leaf cannot be split. */
  readonly histogram: Float64Array | undefined;
  readonly split: Split | undefined;
}

/** Gradient and hessian steps such that sums over all rows stay exact in one double's 53 bits: gradient * base + hessian. */
interface Packing {
  readonly base: number;
  readonly gradientStep: number;
  readonly hessianStep: number;
}

/** `gradients` and `hessians` are by row of `bins`; only `rows` and `columns` are looked at. */
export function growTree(
  bins: Bins,
  rows: Int32Array,
  columns: Int32Array,
  gradients: Float64Array,
  hessians: Float64Array,
  options: TreeOptions,
): Tree {
  const { packing, packed } = pack(rows, gradients, hessians);
  const stride = columns.reduce((most, column) => Math.max(most, bins.edges[column]!.length + 2), 0);
  const scratch = { packed: new Float64Array(rows.length), moved: new Int32Array(rows.length), spare: [] };
  const grower: Grower = { bins, rows, columns, stride, packed, packing, options, scratch };
  const tree: Tree = { feature: [], bin: [], left: [], right: [], missingLeft: [], value: [] };
  const leaves: Leaf[] = [measure(grower, addNode(tree), 0, rows.length, fill(grower, 0, rows.length))];
  while (leaves.length < options.leaves) {
    const best = bestLeaf(leaves);
    if (best === undefined) break;
    const last = leaves.length + 1 === options.leaves;
    leaves.splice(leaves.indexOf(best), 1, ...divide(grower, tree, best, last));
  }
  for (const leaf of leaves) tree.value[leaf.node] = leafValue(leaf.total, packing, options.l2);
  return tree;
}

interface Grower {
  readonly bins: Bins;
  /** Rows ordered by leaf: each leaf holds a range. */
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  /** Room for one column's bins in a histogram. */
  readonly stride: number;
  /** By row of `bins`. */
  readonly packed: Float64Array;
  readonly packing: Packing;
  readonly options: TreeOptions;
  readonly scratch: { readonly packed: Float64Array; readonly moved: Int32Array; readonly spare: Float64Array[] };
}

function pack(rows: Int32Array, gradients: Float64Array, hessians: Float64Array): { packing: Packing; packed: Float64Array } {
  const bits = Math.min(15, Math.floor((52 - 2 * Math.ceil(Math.log2(rows.length + 1))) / 2));
  const levels = 2 ** bits - 1;
  let mostGradient = 1e-300;
  let mostHessian = 1e-300;
  for (const row of rows) {
    mostGradient = Math.max(mostGradient, Math.abs(gradients[row]!));
    mostHessian = Math.max(mostHessian, hessians[row]!);
  }
  const packing = {
    base: 2 ** (bits + Math.ceil(Math.log2(rows.length + 1))),
    gradientStep: mostGradient / levels,
    hessianStep: mostHessian / levels,
  };
  const packed = new Float64Array(gradients.length);
  for (const row of rows) {
    packed[row] =
      Math.round(gradients[row]! / packing.gradientStep) * packing.base + Math.round(hessians[row]! / packing.hessianStep);
  }
  return { packing, packed };
}

function addNode(tree: Tree): number {
  tree.feature.push(-1);
  for (const part of [tree.bin, tree.left, tree.right, tree.missingLeft, tree.value]) part.push(0);
  return tree.feature.length - 1;
}

function bestLeaf(leaves: readonly Leaf[]): Leaf | undefined {
  let best: Leaf | undefined;
  for (const leaf of leaves) if (leaf.split !== undefined && leaf.split.gain > (best?.split?.gain ?? 0)) best = leaf;
  return best;
}

/** `last`: no leaf is split after this, so the children need no histogram. */
function divide(grower: Grower, tree: Tree, leaf: Leaf, last: boolean): [Leaf, Leaf] {
  const split = leaf.split!;
  const middle = partition(grower, leaf, split);
  const left = addNode(tree);
  const right = addNode(tree);
  tree.feature[leaf.node] = split.feature;
  tree.bin[leaf.node] = split.bin;
  tree.missingLeft[leaf.node] = split.missingLeft;
  tree.left[leaf.node] = left;
  tree.right[leaf.node] = right;
  const leftIsSmaller = middle - leaf.from < leaf.to - middle;
  const most = Math.max(middle - leaf.from, leaf.to - middle);
  let small: Float64Array | undefined;
  let large: Float64Array | undefined;
  if (!last && most >= 2 * grower.options.leafRows) {
    small = leftIsSmaller ? fill(grower, leaf.from, middle) : fill(grower, middle, leaf.to);
    large = leaf.histogram!;
    for (let i = 0; i < large.length; i++) large[i]! -= small[i]!;
  } else if (leaf.histogram !== undefined) grower.scratch.spare.push(leaf.histogram);
  return [
    measure(grower, left, leaf.from, middle, leftIsSmaller ? small : large),
    measure(grower, right, middle, leaf.to, leftIsSmaller ? large : small),
  ];
}

/** Orders the leaf's rows left before right, each in its old order; returns where the right begins. */
function partition(grower: Grower, leaf: Leaf, split: Split): number {
  const { bins, rows } = grower;
  const { moved } = grower.scratch;
  const from = split.feature * bins.rows;
  const lastBin = bins.edges[split.feature]!.length;
  let kept = leaf.from;
  let away = 0;
  for (let i = leaf.from; i < leaf.to; i++) {
    const row = rows[i]!;
    const code = bins.codes[from + row]!;
    if (code > lastBin ? split.missingLeft === 1 : code <= split.bin) rows[kept++] = row;
    else moved[away++] = row;
  }
  rows.set(moved.subarray(0, away), kept);
  return kept;
}

function fill(grower: Grower, from: number, to: number): Float64Array {
  const { bins, rows, columns, stride, scratch } = grower;
  const histogram = scratch.spare.pop()?.fill(0) ?? new Float64Array(columns.length * stride);
  const { codes } = bins;
  const ordered = scratch.packed;
  for (let i = from; i < to; i++) ordered[i] = grower.packed[rows[i]!]!;
  let k = 0;
  // Four columns at a time: rows and gradients are read once for them.
  for (; k + 3 < columns.length; k += 4) {
    const [a, b, c, d] = [
      columns[k]! * bins.rows,
      columns[k + 1]! * bins.rows,
      columns[k + 2]! * bins.rows,
      columns[k + 3]! * bins.rows,
    ];
    const [ra, rb, rc, rd] = [k * stride, (k + 1) * stride, (k + 2) * stride, (k + 3) * stride];
    for (let i = from; i < to; i++) {
      const row = rows[i]!;
      const both = ordered[i]!;
      histogram[ra + codes[a + row]!]! += both;
      histogram[rb + codes[b + row]!]! += both;
      histogram[rc + codes[c + row]!]! += both;
      histogram[rd + codes[d + row]!]! += both;
    }
  }
  for (; k < columns.length; k++) {
    const start = columns[k]! * bins.rows;
    const room = k * stride;
    for (let i = from; i < to; i++) histogram[room + codes[start + rows[i]!]!]! += ordered[i]!;
  }
  return histogram;
}

function measure(grower: Grower, node: number, from: number, to: number, histogram: Float64Array | undefined): Leaf {
  let total = 0;
  for (let i = from; i < to; i++) total += grower.packed[grower.rows[i]!]!;
  const split =
    histogram === undefined || to - from < 2 * grower.options.leafRows
      ? undefined
      : findSplit(grower, histogram, total, to - from);
  if (split === undefined && histogram !== undefined) grower.scratch.spare.push(histogram);
  return { node, from, to, total, histogram: split === undefined ? undefined : histogram, split };
}

function leafValue(total: number, packing: Packing, l2: number): number {
  const gradient = Math.floor(total / packing.base);
  const hessian = total - gradient * packing.base;
  return (-gradient * packing.gradientStep) / (hessian * packing.hessianStep + l2);
}

/** In quantised units: scores are G² / (H + l2') with G, H in steps and l2' = l2 / hessianStep, which orders splits alike. */
function findSplit(grower: Grower, histogram: Float64Array, total: number, count: number): Split | undefined {
  const { bins, columns, stride, packing, options } = grower;
  const perBase = 1 / packing.base;
  const l2 = options.l2 / packing.hessianStep;
  const allGradient = Math.floor(total * perBase);
  const allHessian = total - allGradient * packing.base;
  const leastHessian = (options.leafRows - 0.5) * (allHessian / count);
  const parent = (allGradient * allGradient) / (allHessian + l2);
  let gain = 0;
  let feature = -1;
  let bin = 0;
  let missingLeft = 0;
  for (let k = 0; k < columns.length; k++) {
    const candidate = columns[k]!;
    const last = bins.edges[candidate]!.length;
    const room = k * stride;
    const absent = histogram[room + last + 1]!;
    // Missing values on the right, then on the left; one pass where there are none.
    for (let side = 0; side < (absent === 0 ? 1 : 2); side++) {
      let sum = side === 0 ? 0 : absent;
      const end = side === 0 && absent !== 0 ? last : last - 1;
      for (let code = 0; code <= end; code++) {
        sum += histogram[room + code]!;
        const gradient = Math.floor(sum * perBase);
        const hessian = sum - gradient * packing.base;
        if (hessian < leastHessian) continue;
        const otherHessian = allHessian - hessian;
        if (otherHessian < leastHessian) break;
        const otherGradient = allGradient - gradient;
        const reached = (gradient * gradient) / (hessian + l2) + (otherGradient * otherGradient) / (otherHessian + l2) - parent;
        if (reached > gain) {
          gain = reached;
          feature = candidate;
          bin = code;
          missingLeft = side;
        }
      }
    }
  }
  return feature < 0 ? undefined : { gain, feature, bin, missingLeft };
}
