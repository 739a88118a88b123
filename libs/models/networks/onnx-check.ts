/**
 * What a bundle may bring as a network: an ONNX file of the operations that toOnnx writes, with every constant inside it. Files elsewhere,
 * other operators and whatever this version does not know are refused before the runtime sees them.
 */
import { TributaryError } from '../../errors/errors.ts';
import { ModelProto } from '../../wire/onnx/v1/onnx.ts';
import { FLOAT, INT64, INPUT, IR_VERSION, OPSET, OUTPUT } from './onnx.ts';

const OPERATORS = new Set([
  ...['Add', 'Concat', 'Gather', 'LayerNormalization', 'LSTM', 'MatMul', 'Mul', 'ReduceSum', 'Relu', 'Reshape'],
  ...['Sigmoid', 'Softmax', 'Squeeze', 'Tanh', 'Transpose', 'Unsqueeze'],
]);

/** Throws `TRB_BUNDLE_NETWORK`. */
export function checkOnnx(bytes: Uint8Array): void {
  const fault = faultOf(bytes);
  if (fault === undefined) return;
  throw new TributaryError('TRB_BUNDLE_NETWORK', `A network of the bundle is refused: ${fault}.`, {
    hint: 'Train a new bundle with `tributary train`.',
  });
}

function faultOf(bytes: Uint8Array): string | undefined {
  let model: ModelProto;
  try {
    model = ModelProto.decode(bytes);
  } catch {
    return 'it is no ONNX file';
  }
  // Fields that are not declared (references to files, functions, subgraphs) are lost on the way.
  if (Buffer.compare(ModelProto.encode(model).finish(), bytes) !== 0) return 'it holds more than operators and their constants';
  const [opset, ...others] = model.opsetImport;
  if (model.irVersion !== IR_VERSION || opset?.version !== OPSET || opset.domain !== '' || others.length > 0)
    return 'it is of another version';
  const { graph } = model;
  if (graph === undefined) return 'it has no graph';
  const strange = graph.node.find(({ opType }) => !OPERATORS.has(opType));
  if (strange !== undefined) return `it uses the operator ${JSON.stringify(strange.opType)}`;
  const names = [...graph.input, ...graph.output].map(({ name }) => name).join();
  if (names !== `${INPUT},${OUTPUT}`) return `it maps ${names}`;
  for (const { name, dims, dataType, rawData } of graph.initializer) {
    const width = dataType === FLOAT ? 4 : dataType === INT64 ? 8 : 0;
    const size = dims.reduce((product, dim) => product * dim, width);
    if (width === 0 || size !== rawData.length) return `the constant ${JSON.stringify(name)} is malformed`;
  }
  return undefined;
}
