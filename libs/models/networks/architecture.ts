/**
 * The networks: an LSTM with attention pooling, a Transformer encoder over sources and time, and the incumbent, a plain two-layer LSTM. The first
 * two correct a logistic regression that stands beside them (wide and deep, Cheng et al. 2016): a few days of minutes teach that much before they
 * teach a sequence.
 */
import { type Operations } from './operations.ts';

export interface LstmArchitecture {
  readonly kind: 'lstm';
  readonly layers: number;
  /** Units a layer. */
  readonly width: number;
  /** Share of units dropped after each layer. */
  readonly dropout: number;
  /**
   * attention = layers add to what they read (He et al. 2016), and the last state is joined by all of them weighed by attention; last =
   * plain layers, the last state alone.
   */
  readonly pooling: 'attention' | 'last';
}

export interface TransformerArchitecture {
  readonly kind: 'transformer';
  /** Encoder blocks over time. */
  readonly blocks: number;
  /** Units a token; a multiple of heads. */
  readonly width: number;
  readonly heads: number;
  readonly dropout: number;
}

export type Architecture = LstmArchitecture | TransformerArchitecture;

export interface NetworkShape {
  /** Vectors of a window. */
  readonly steps: number;
  /** Inputs a vector. */
  readonly inputs: number;
  /** As many of them, the first, the deep part reads; the rest are there for the regression. */
  readonly deep: number;
  readonly outputs: number;
  /** Places of the deep part's inputs by the source that they tell of: a Transformer's tokens. Each stands in one. */
  readonly sources: readonly (readonly number[])[];
  /** Places in a window, [steps, inputs] row by row, that the logistic regression reads. */
  readonly wide: readonly number[];
}

/** All but the incumbent. */
export function hasRegression(architecture: Architecture): boolean {
  return architecture.kind !== 'lstm' || architecture.pooling !== 'last';
}

/** Log odds of up [batch, outputs] of windows [steps, batch, inputs]; the outputs share everything but the last layer. */
export function buildNetwork<T>(ops: Operations<T>, architecture: Architecture, shape: NetworkShape, x: T): T {
  const pooled = architecture.kind === 'lstm' ? lstm(ops, architecture, shape, x) : transformer(ops, architecture, shape, x);
  const deep = ops.dense(pooled, 'head', architecture.width, shape.outputs);
  if (!hasRegression(architecture)) return deep;
  const flat = ops.reshape(ops.transpose(x, [1, 0, 2]), [-1, shape.steps * shape.inputs]);
  return ops.add(deep, ops.dense(ops.columns(flat, shape.wide), 'wide', shape.wide.length, shape.outputs));
}

/** [batch, steps, width] -> [batch, width]. */
function lastStep<T>(ops: Operations<T>, x: T, steps: number, width: number): T {
  const places = Array.from({ length: width }, (_, unit) => (steps - 1) * width + unit);
  return ops.columns(ops.reshape(x, [-1, steps * width]), places);
}

function lstm<T>(ops: Operations<T>, { layers, width, dropout, pooling }: LstmArchitecture, shape: NetworkShape, x: T): T {
  const isPlain = pooling === 'last';
  const seen = shape.deep === shape.inputs ? x : ops.columns(x, [...Array(shape.deep).keys()]);
  let hidden = ops.dropout(ops.lstm(seen, 'lstm0', shape.deep, width), dropout, 0);
  for (let layer = 1; layer < layers; layer++) {
    const read = isPlain ? hidden : ops.layerNorm(hidden, `norm${layer}`, width);
    const found = ops.dropout(ops.lstm(read, `lstm${layer}`, width, width), dropout, 0);
    hidden = isPlain ? found : ops.add(hidden, found);
  }
  const byWindow = ops.transpose(hidden, [1, 0, 2]);
  const last = lastStep(ops, byWindow, shape.steps, width);
  return isPlain ? last : ops.add(last, attentionPool(ops, 'pool', byWindow, width));
}

/** Each vector's sources attend to one another and become the token of its time; then times attend to one another. */
function transformer<T>(ops: Operations<T>, architecture: TransformerArchitecture, shape: NetworkShape, x: T): T {
  const { blocks, width, dropout } = architecture;
  const { steps, sources } = shape;
  const tokens = sources.map((places, s) => ops.dense(ops.columns(x, places), `source${s}`, places.length, width));
  let bySource = ops.reshape(ops.stack(tokens, 2), [-1, sources.length, width]);
  if (sources.length > 1) bySource = encoderBlock(ops, 'sources', bySource, sources.length, architecture);
  const merged = ops.scale(ops.sum(bySource, 1), 1 / sources.length);
  const byTime = ops.transpose(ops.reshape(merged, [steps, -1, width]), [1, 0, 2]);
  let hidden = ops.add(byTime, ops.parameter({ name: 'position', shape: [steps, width], initial: 'small' }));
  hidden = ops.dropout(hidden, dropout, 1);
  for (let block = 0; block < blocks; block++) hidden = encoderBlock(ops, `block${block}`, hidden, steps, architecture);
  return attentionPool(ops, 'pool', ops.layerNorm(hidden, 'final', width), width);
}

/** Pre-norm encoder block (Vaswani et al. 2017; Xiong et al. 2020) over [n, length, width]. */
function encoderBlock<T>(
  ops: Operations<T>,
  name: string,
  x: T,
  length: number,
  { width, heads, dropout }: TransformerArchitecture,
): T {
  const normed = ops.layerNorm(x, `${name}.norm1`, width);
  const split = (part: string): T => {
    const projected = ops.dense(normed, `${name}.${part}`, width, width);
    return ops.transpose(ops.reshape(projected, [-1, length, heads, width / heads]), [0, 2, 1, 3]);
  };
  const alike = ops.scale(ops.matmul(split('query'), split('key'), true), 1 / Math.sqrt(width / heads));
  const seen = ops.matmul(ops.softmax(alike), split('value'));
  const joined = ops.reshape(ops.transpose(seen, [0, 2, 1, 3]), [-1, length, width]);
  const attended = ops.add(x, ops.dropout(ops.dense(joined, `${name}.out`, width, width), dropout, 1));
  const inner = ops.relu(ops.dense(ops.layerNorm(attended, `${name}.norm2`, width), `${name}.wide`, width, 2 * width));
  return ops.add(attended, ops.dropout(ops.dense(inner, `${name}.narrow`, 2 * width, width), dropout, 1));
}

/** [batch, steps, width] -> [batch, width], each step weighed by what a small network makes of it (Bahdanau, Cho and Bengio 2015). */
function attentionPool<T>(ops: Operations<T>, name: string, x: T, width: number): T {
  const scores = ops.dense(ops.tanh(ops.dense(x, `${name}.key`, width, width)), `${name}.score`, width, 1);
  const weights = ops.softmax(ops.transpose(scores, [0, 2, 1]));
  return ops.reshape(ops.matmul(weights, x), [-1, width]);
}
