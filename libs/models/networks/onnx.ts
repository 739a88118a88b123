/** Networks as ONNX files (opset 17): the same operations as in training become nodes, trained parameters become constants. */
import { AttributeProto, ModelProto, type NodeProto, TensorProto, type ValueInfoProto } from '../../wire/onnx/v1/onnx.ts';
import { type Architecture, buildNetwork, type NetworkShape } from './architecture.ts';
import {
  denseParameters,
  LAYER_NORM_EPSILON,
  layerNormParameters,
  lstmParameters,
  type Operations,
  type ParameterShape,
} from './operations.ts';

export const INPUT = 'windows';
export const OUTPUT = 'probability_up';
export const IR_VERSION = 8;
export const OPSET = 17;
export const FLOAT = 1;
export const INT64 = 7;

/** By name; shapes follow from the network. */
export type ParameterValues = ReadonlyMap<string, Float32Array>;

/** A file that maps `windows` [steps, batch, inputs] to `probability_up` [batch, outputs]. */
export function toOnnx(architecture: Architecture, shape: NetworkShape, parameters: ParameterValues): Uint8Array {
  const ops = new OnnxOperations(parameters);
  ops.node('Sigmoid', [buildNetwork(ops, architecture, shape, INPUT)], [], OUTPUT);
  const model: ModelProto = {
    irVersion: IR_VERSION,
    producerName: 'tributary',
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name: architecture.kind,
      node: ops.nodes,
      initializer: ops.constants,
      input: [valueOf(INPUT, [shape.steps, 'batch', shape.inputs])],
      output: [valueOf(OUTPUT, ['batch', shape.outputs])],
    },
  };
  return ModelProto.encode(model).finish();
}

/** Values are known by their names. */
class OnnxOperations implements Operations<string> {
  readonly nodes: NodeProto[] = [];
  readonly constants: TensorProto[] = [];
  readonly #parameters: ParameterValues;
  readonly #known = new Set<string>();

  constructor(parameters: ParameterValues) {
    this.#parameters = parameters;
  }

  node(opType: string, input: string[], attribute: AttributeProto[] = [], output = `v${this.nodes.length}`): string {
    this.nodes.push({ name: output, opType, input, output: [output], attribute, domain: '' });
    return output;
  }

  parameter({ name, shape }: ParameterShape): string {
    return this.#floats(name, shape, this.#valuesOf(name));
  }

  dense(x: string, name: string, from: number, to: number): string {
    const { weights, bias } = denseParameters(name, from, to);
    return this.node('Add', [this.node('MatMul', [x, this.parameter(weights)]), this.parameter(bias)]);
  }

  lstm(x: string, name: string, from: number, to: number): string {
    const { kernel, bias } = lstmParameters(name, from, to);
    const values = this.#valuesOf(kernel.name);
    const input = this.#floats(`${name}.W`, [1, 4 * to, from], gateRows(values, 0, from, to));
    const recurrence = this.#floats(`${name}.R`, [1, 4 * to, to], gateRows(values, from, to, to));
    const both = new Float32Array(8 * to);
    both.set(gateRows(this.#valuesOf(bias.name), 0, 1, to));
    const biases = this.#floats(`${name}.B`, [1, 8 * to], both);
    const hidden = this.node('LSTM', [x, input, recurrence, biases], [integer('hidden_size', to)]);
    return this.node('Squeeze', [hidden, this.#integers(`${name}.direction`, [1])]);
  }

  layerNorm(x: string, name: string, width: number): string {
    const { gain, shift } = layerNormParameters(name, width);
    return this.node(
      'LayerNormalization',
      [x, this.parameter(gain), this.parameter(shift)],
      [float('epsilon', LAYER_NORM_EPSILON)],
    );
  }

  dropout(x: string): string {
    return x;
  }

  add(a: string, b: string): string {
    return this.node('Add', [a, b]);
  }

  scale(x: string, by: number): string {
    return this.node('Mul', [x, this.#floats(`c${this.constants.length}`, [], Float32Array.of(by))]);
  }

  matmul(a: string, b: string, transposed = false): string {
    return this.node('MatMul', [a, transposed ? this.transpose(b, [0, 1, 3, 2]) : b]);
  }

  relu(x: string): string {
    return this.node('Relu', [x]);
  }

  tanh(x: string): string {
    return this.node('Tanh', [x]);
  }

  softmax(x: string): string {
    return this.node('Softmax', [x]);
  }

  sum(x: string, axis: number): string {
    const axes = this.#integers(`c${this.constants.length}`, [axis]);
    // Without keepdims = 0 the axis would stay.
    return this.node('Squeeze', [this.node('ReduceSum', [x, axes]), axes]);
  }

  reshape(x: string, shape: readonly number[]): string {
    return this.node('Reshape', [x, this.#integers(`c${this.constants.length}`, shape)]);
  }

  transpose(x: string, order: readonly number[]): string {
    return this.node('Transpose', [x], [{ ...NO_ATTRIBUTE, name: 'perm', ints: [...order], type: 7 }]);
  }

  columns(x: string, places: readonly number[]): string {
    return this.node('Gather', [x, this.#integers(`c${this.constants.length}`, places)], [integer('axis', -1)]);
  }

  stack(parts: readonly string[], axis: number): string {
    const axes = this.#integers(`c${this.constants.length}`, [axis]);
    return this.node(
      'Concat',
      parts.map((part) => this.node('Unsqueeze', [part, axes])),
      [integer('axis', axis)],
    );
  }

  #valuesOf(name: string): Float32Array {
    const values = this.#parameters.get(name);
    if (values === undefined) throw new Error(`the network has no parameter ${name}`);
    return values;
  }

  #floats(name: string, dims: readonly number[], values: Float32Array): string {
    return this.#constant(name, dims, FLOAT, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  #integers(name: string, values: readonly number[]): string {
    return this.#constant(name, [values.length], INT64, new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
  }

  #constant(name: string, dims: readonly number[], dataType: number, rawData: Uint8Array): string {
    if (!this.#known.has(name)) this.constants.push({ ...NO_TENSOR, name, dims: [...dims], dataType, rawData });
    this.#known.add(name);
    return name;
  }
}

const NO_ATTRIBUTE = AttributeProto.fromPartial({});
const NO_TENSOR = TensorProto.fromPartial({});

function integer(name: string, i: number): AttributeProto {
  return { ...NO_ATTRIBUTE, name, i, type: 2 };
}

function float(name: string, f: number): AttributeProto {
  return { ...NO_ATTRIBUTE, name, f, type: 1 };
}

function valueOf(name: string, dims: readonly (number | string)[]): ValueInfoProto {
  const dim = dims.map((size) => ({
    value: typeof size === 'number' ? { $case: 'dimValue' as const, value: size } : { $case: 'dimParam' as const, value: size },
  }));
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim } } } };
}

/**
 * `rows` rows from `from` on of a matrix whose columns are the gates input, forget, cell, output (`units` each), transposed, with the gates
 * in ONNX's order: input, output, forget, cell.
 */
function gateRows(values: Float32Array, from: number, rows: number, units: number): Float32Array {
  const out = new Float32Array(4 * units * rows);
  [0, 3, 1, 2].forEach((gate, place) => {
    for (let unit = 0; unit < units; unit++) {
      for (let row = 0; row < rows; row++) {
        out[(place * units + unit) * rows + row] = values[(from + row) * 4 * units + gate * units + unit]!;
      }
    }
  });
  return out;
}
