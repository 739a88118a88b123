/** Networks in TensorFlow: parameters are variables, made from the seed on first use; every operation has a gradient. */
import { type ParameterValues } from '#libs/models/networks/onnx.ts';
import {
  denseParameters,
  type Initial,
  LAYER_NORM_EPSILON,
  layerNormParameters,
  lstmParameters,
  type Operations,
  type ParameterShape,
} from '#libs/models/networks/operations.ts';
import { createRandom, type Random, seedFor } from '#libs/models/random.ts';
import { createFusedLstm, type FusedLstm } from './fused-lstm.ts';
import { type StagedTensorFlow, type Tensor, type TensorFlow, type Variable } from './tensorflow.ts';

export class TensorOperations implements Operations<Tensor> {
  readonly parameters = new Map<string, Variable>();
  readonly #tf: TensorFlow;
  readonly #lstm: FusedLstm;
  readonly #seed: number;
  readonly #given: ParameterValues;
  /** Where dropout draws from; undefined = nothing is dropped. */
  #dropping: Random | undefined;

  /** `given`: values to begin with, for the parameters that it has. */
  constructor(staged: StagedTensorFlow, seed: number, given: ParameterValues = new Map()) {
    this.#tf = staged.tf;
    this.#lstm = createFusedLstm(staged);
    this.#seed = seed;
    this.#given = given;
  }

  /** Runs `work` as training does, with units dropped as `random` says. */
  whileTraining<R>(random: Random, work: () => R): R {
    this.#dropping = random;
    try {
      return work();
    } finally {
      this.#dropping = undefined;
    }
  }

  parameter({ name, shape, initial }: ParameterShape): Tensor {
    const known = this.parameters.get(name);
    if (known !== undefined) return known;
    const values = this.#given.get(name) ?? initialValues(shape, initial, createRandom(seedFor(this.#seed, name)));
    const variable = this.#tf.variable(this.#tf.tensor(values, shape, 'float32'), true, `${name}#${variables++}`);
    this.parameters.set(name, variable);
    return variable;
  }

  dense(x: Tensor, name: string, from: number, to: number): Tensor {
    const { weights, bias } = denseParameters(name, from, to);
    // One matrix product, whatever the number of axes.
    const product = this.#tf.matMul(this.#tf.reshape(x, [-1, from]), this.parameter(weights));
    return this.#tf.reshape(this.#tf.add(product, this.parameter(bias)), [...x.shape.slice(0, -1), to]);
  }

  lstm(x: Tensor, name: string, from: number, to: number): Tensor {
    const { kernel, bias } = lstmParameters(name, from, to);
    return this.#lstm(x, this.parameter(kernel), this.parameter(bias));
  }

  layerNorm(x: Tensor, name: string, width: number): Tensor {
    const tf = this.#tf;
    const { gain, shift } = layerNormParameters(name, width);
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const spread = tf.sqrt(tf.add(tf.mean(tf.square(centred), -1, true), tf.scalar(LAYER_NORM_EPSILON)));
    return tf.add(tf.mul(tf.div(centred, spread), this.parameter(gain)), this.parameter(shift));
  }

  dropout(x: Tensor, rate: number, sharedAxis: number): Tensor {
    const random = this.#dropping;
    if (random === undefined || rate === 0) return x;
    const shape = x.shape.map((size, axis) => (axis === sharedAxis ? 1 : size));
    const mask = new Float32Array(shape.reduce((product, size) => product * size, 1));
    for (let i = 0; i < mask.length; i++) mask[i] = random.next() < rate ? 0 : 1 / (1 - rate);
    return this.#tf.mul(x, this.#tf.tensor(mask, shape));
  }

  add(a: Tensor, b: Tensor): Tensor {
    return this.#tf.add(a, b);
  }

  scale(x: Tensor, by: number): Tensor {
    return this.#tf.mul(x, this.#tf.scalar(by));
  }

  matmul(a: Tensor, b: Tensor, transposed = false): Tensor {
    return this.#tf.matMul(a, b, false, transposed);
  }

  relu(x: Tensor): Tensor {
    return this.#tf.relu(x);
  }

  tanh(x: Tensor): Tensor {
    return this.#tf.tanh(x);
  }

  softmax(x: Tensor): Tensor {
    return this.#tf.softmax(x);
  }

  sum(x: Tensor, axis: number): Tensor {
    return this.#tf.sum(x, axis);
  }

  reshape(x: Tensor, shape: readonly number[]): Tensor {
    return this.#tf.reshape(x, shape);
  }

  transpose(x: Tensor, order: readonly number[]): Tensor {
    return this.#tf.transpose(x, order);
  }

  columns(x: Tensor, places: readonly number[]): Tensor {
    return this.#tf.gather(x, this.#tf.tensor(places, [places.length], 'int32'), x.shape.length - 1);
  }

  stack(parts: readonly Tensor[], axis: number): Tensor {
    return this.#tf.stack(parts, axis);
  }
}

/** Names of variables are unique in a process. */
let variables = 0;

function initialValues(shape: readonly number[], initial: Initial, random: Random): Float32Array {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  if (initial === 'ones') return values.fill(1);
  // A forget gate that begins open (Jozefowicz et al. 2015).
  if (initial === 'lstm-bias') return values.fill(1, values.length / 4, values.length / 2);
  if (initial === 'zeros') return values;
  const reach = initial === 'small' ? 0.02 : Math.sqrt(6 / (shape[0]! + shape.at(-1)!));
  return values.map(() => (2 * random.next() - 1) * reach);
}
