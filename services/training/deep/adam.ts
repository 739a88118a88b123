/** Adam (Kingma and Ba 2015) with an L2 penalty on weights and gradients clipped to a norm of one; its state can be saved and set. */
import { type ParameterValues } from '#libs/models/networks/onnx.ts';
import { type Tensor, type TensorFlow, type Variable } from './tensorflow.ts';

export interface AdamState {
  readonly steps: number;
  readonly mean: ParameterValues;
  readonly square: ParameterValues;
}

const MEAN_DECAY = 0.9;
const SQUARE_DECAY = 0.999;
const EPSILON = 1e-7;

export class Adam {
  readonly #tf: TensorFlow;
  readonly #parameters: ReadonlyMap<string, Variable>;
  readonly #l2: number;
  readonly #mean = new Map<string, Variable>();
  readonly #square = new Map<string, Variable>();
  #steps: number;

  constructor(tf: TensorFlow, parameters: ReadonlyMap<string, Variable>, l2: number, state?: AdamState) {
    this.#tf = tf;
    this.#parameters = parameters;
    this.#l2 = l2;
    this.#steps = state?.steps ?? 0;
    for (const [name, { shape }] of parameters) {
      const begin = (values: Float32Array | undefined): Variable =>
        tf.tidy(() => tf.variable(values === undefined ? tf.zeros(shape) : tf.tensor(values, shape), false));
      this.#mean.set(name, begin(state?.mean.get(name)));
      this.#square.set(name, begin(state?.square.get(name)));
    }
  }

  /** `slope`: of the loss by each parameter. Within a tidy. */
  step(slope: (parameter: Variable) => Tensor, learningRate: number): void {
    const tf = this.#tf;
    this.#steps++;
    const slopes = [...this.#parameters].map(([name, parameter]) => {
      const isWeight = name.endsWith('.weights') || name.endsWith('.kernel');
      const raw = slope(parameter);
      return isWeight && this.#l2 > 0 ? tf.add(raw, tf.mul(parameter, tf.scalar(this.#l2))) : raw;
    });
    const norm = tf.sqrt(slopes.map((each) => tf.sum(tf.square(each))).reduce((a, b) => tf.add(a, b)));
    const shrink = tf.div(tf.scalar(1), tf.add(tf.relu(tf.sub(norm, tf.scalar(1))), tf.scalar(1)));
    const rate = (learningRate * Math.sqrt(1 - SQUARE_DECAY ** this.#steps)) / (1 - MEAN_DECAY ** this.#steps);
    [...this.#parameters].forEach(([name, parameter], i) => {
      const clipped = tf.mul(slopes[i]!, shrink);
      const mean = blend(tf, this.#mean.get(name)!, clipped, MEAN_DECAY);
      const square = blend(tf, this.#square.get(name)!, tf.square(clipped), SQUARE_DECAY);
      const move = tf.div(mean, tf.add(tf.sqrt(square), tf.scalar(EPSILON)));
      parameter.assign(tf.sub(parameter, tf.mul(move, tf.scalar(rate))));
    });
  }

  state(): AdamState {
    return { steps: this.#steps, mean: valuesOf(this.#mean), square: valuesOf(this.#square) };
  }

  dispose(): void {
    for (const variable of [...this.#mean.values(), ...this.#square.values()]) variable.dispose();
  }
}

export function valuesOf(variables: ReadonlyMap<string, Variable>): Map<string, Float32Array> {
  return new Map([...variables].map(([name, variable]) => [name, variable.dataSync().slice()]));
}

/** Moves a trailing mean towards a value; returns the new mean. */
function blend(tf: TensorFlow, trailing: Variable, value: Tensor, decay: number): Tensor {
  const next = tf.add(tf.mul(trailing, tf.scalar(decay)), tf.mul(value, tf.scalar(1 - decay)));
  trailing.assign(next);
  return next;
}
