/**
 * What networks are made of. A network is written once in these operations; TensorFlow computes them in training, and ONNX describes them for
 * serving, so that what is served is what was trained. `T` is a tensor to the one and the name of a value to the other.
 */

/** How a parameter begins: glorot = uniform within sqrt(6 / (from + to)), Glorot and Bengio 2010; small = uniform within 0.02. */
export type Initial = 'glorot' | 'zeros' | 'ones' | 'small' | 'lstm-bias';

export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: Initial;
}

export interface Operations<T> {
  parameter(parameter: ParameterShape): T;
  /** x W + b over the last axis. */
  dense(x: T, name: string, from: number, to: number): T;
  /** [steps, batch, from] -> hidden states [steps, batch, to], from a state of zeros. */
  lstm(x: T, name: string, from: number, to: number): T;
  /** Zero mean and unit variance over the last axis, then scaled and shifted (Ba, Kiros and Hinton 2016). */
  layerNorm(x: T, name: string, width: number): T;
  /** In training: drops units, the same ones along `sharedAxis` (Gal and Ghahramani 2016); nothing in serving. */
  dropout(x: T, rate: number, sharedAxis: number): T;
  add(a: T, b: T): T;
  scale(x: T, by: number): T;
  /** Over the last two axes, the others side by side; `transposed`: b is given transposed. */
  matmul(a: T, b: T, transposed?: boolean): T;
  relu(x: T): T;
  tanh(x: T): T;
  /** Over the last axis. */
  softmax(x: T): T;
  /** Sum over an axis, which goes. */
  sum(x: T, axis: number): T;
  /** At most one -1, for the batch. */
  reshape(x: T, shape: readonly number[]): T;
  transpose(x: T, order: readonly number[]): T;
  /** Some places of the last axis. */
  columns(x: T, places: readonly number[]): T;
  /** Along a new axis. */
  stack(parts: readonly T[], axis: number): T;
}

export const LAYER_NORM_EPSILON = 1e-5;

export function denseParameters(name: string, from: number, to: number): { weights: ParameterShape; bias: ParameterShape } {
  return {
    weights: { name: `${name}.weights`, shape: [from, to], initial: 'glorot' },
    bias: { name: `${name}.bias`, shape: [to], initial: 'zeros' },
  };
}

/** Rows of `kernel`: the input, then the hidden state; columns: the gates input, forget, cell, output, `to` each. */
export function lstmParameters(name: string, from: number, to: number): { kernel: ParameterShape; bias: ParameterShape } {
  return {
    kernel: { name: `${name}.kernel`, shape: [from + to, 4 * to], initial: 'glorot' },
    bias: { name: `${name}.bias`, shape: [4 * to], initial: 'lstm-bias' },
  };
}

export function layerNormParameters(name: string, width: number): { gain: ParameterShape; shift: ParameterShape } {
  return {
    gain: { name: `${name}.gain`, shape: [width], initial: 'ones' },
    shift: { name: `${name}.shift`, shape: [width], initial: 'zeros' },
  };
}
