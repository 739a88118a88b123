/**
 * TensorFlow, where it is staged (scripts/stage-tensorflow.js): loaded by path, since it is no dependency of the project; declared here
 * as far as training uses it. One copy a process.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { TributaryError } from '#libs/errors/errors.ts';

/** As scripts/stage-tensorflow.js stages it. */
const VERSION = '4.22.0';

export interface Tensor {
  readonly shape: number[];
  dataSync(): Float32Array;
  dispose(): void;
}

export interface Variable extends Tensor {
  readonly name: string;
  assign(value: Tensor): void;
}

/** An attribute of a kernel, by TensorFlow's name and type code. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

export interface Backend {
  readonly binding: Readonly<Record<'TF_ATTR_TYPE' | 'TF_ATTR_BOOL' | 'TF_ATTR_FLOAT' | 'TF_FLOAT', number>>;
  executeMultipleOutputs(kernel: string, attributes: readonly Attribute[], inputs: readonly object[], outputs: number): Tensor[];
}

type Gradient = (slope: Tensor, saved: Tensor[]) => Tensor[];

export interface TensorFlow {
  readonly version: { readonly tfjs: string };
  getBackend(): string;
  backend(): Backend;
  tidy<R>(work: () => R): R;
  keep<R extends Tensor>(tensor: R): R;
  memory(): { readonly numTensors: number };
  tensor(values: ArrayLike<number>, shape: readonly number[], dtype?: 'float32' | 'int32'): Tensor;
  scalar(value: number): Tensor;
  zeros(shape: readonly number[]): Tensor;
  ones(shape: readonly number[]): Tensor;
  variable(initial: Tensor, trainable?: boolean, name?: string): Variable;
  variableGrads(loss: () => Tensor, variables: readonly Variable[]): { value: Tensor; grads: Readonly<Record<string, Tensor>> };
  customGrad(
    forward: (...inputs: [...Tensor[], (saved: Tensor[]) => void]) => { value: Tensor; gradFunc: Gradient },
  ): (...inputs: Tensor[]) => Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  sub(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor): Tensor;
  div(a: Tensor, b: Tensor): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, order: readonly number[]): Tensor;
  gather(x: Tensor, places: Tensor, axis: number): Tensor;
  stack(parts: readonly Tensor[], axis: number): Tensor;
  concat(parts: readonly Tensor[], axis: number): Tensor;
  sum(x: Tensor, axis?: number, keepDims?: boolean): Tensor;
  mean(x: Tensor, axis?: number, keepDims?: boolean): Tensor;
  relu(x: Tensor): Tensor;
  tanh(x: Tensor): Tensor;
  sigmoid(x: Tensor): Tensor;
  softplus(x: Tensor): Tensor;
  softmax(x: Tensor): Tensor;
  square(x: Tensor): Tensor;
  sqrt(x: Tensor): Tensor;
}

export type Device = 'cpu' | 'gpu';

/** What TensorFlow reads as it is loaded. */
const ENVIRONMENT: Readonly<Record<Device, Readonly<Record<string, string>>>> = {
  // The library for a GPU takes every one that it sees, asked for or not.
  cpu: { CUDA_VISIBLE_DEVICES: '-1' },
  // Memory as it is needed, and factors of matrix products as they are: by default they are rounded to TF32's ten bits.
  gpu: { TF_FORCE_GPU_ALLOW_GROWTH: 'true', NVIDIA_TF32_OVERRIDE: '0' },
};

/** A value of 64 bits, which tfjs has no tensor for. */
export type Int64 = new (value: number) => object;

export interface StagedTensorFlow {
  readonly tf: TensorFlow;
  readonly Int64: Int64;
  /** What it computes on. */
  readonly device: Device;
}

export function tensorflowFolder(): string {
  return join(process.env['TRIBUTARY_CACHE'] ?? join(homedir(), '.cache', 'tributary'), `tfjs-node-${VERSION}`);
}

export function isTensorflowStaged(): boolean {
  return existsSync(tensorflowFolder());
}

/** Throws `TRB_TENSORFLOW_MISSING`, `TRB_TENSORFLOW_GPU` (asked for, and not in use). */
export function loadTensorflow(device: Device = 'cpu'): StagedTensorFlow {
  const folder = tensorflowFolder();
  if (!isTensorflowStaged()) throw tensorflowMissing();
  Object.assign(process.env, ENVIRONMENT[device]);
  const require = createRequire(join(folder, 'package.json'));
  // tfjs prints advice on the console while it loads.
  const tf = require('@tensorflow/tfjs-node') as TensorFlow;
  const { Int64Scalar } = require('@tensorflow/tfjs-node/dist/int64_tensors.js') as { Int64Scalar: Int64 };
  const backend = tf.backend() as Backend & { readonly isUsingGpuDevice?: boolean };
  if (tf.getBackend() !== 'tensorflow') throw tensorflowMissing();
  if (device === 'gpu') checkGpu(tf, backend.isUsingGpuDevice === true);
  return { tf, Int64: Int64Scalar, device };
}

/** A card that is in use may still not compute: cuBLAS is first asked for by a product, and fails where it does not fit or memory is another's. */
function checkGpu(tf: TensorFlow, isInUse: boolean): void {
  const hint = 'Look at the CUDA libraries and the driver, or train with the CPU.';
  if (!isInUse)
    throw new TributaryError('TRB_TENSORFLOW_GPU', 'TensorFlow runs on the CPU though a GPU was asked for.', { hint });
  try {
    tf.tidy(() => tf.matMul(tf.ones([2, 2]), tf.ones([2, 2])).dataSync());
  } catch (cause) {
    throw new TributaryError('TRB_TENSORFLOW_GPU', 'TensorFlow has a GPU and cannot compute on it.', { hint, cause });
  }
}

export function tensorflowMissing(): TributaryError {
  return new TributaryError('TRB_TENSORFLOW_MISSING', 'Deep models need TensorFlow, which is not staged here.', {
    hint: 'Run `node scripts/stage-tensorflow.js` once, or train with --models fast.',
  });
}
