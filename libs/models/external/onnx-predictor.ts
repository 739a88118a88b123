/** A user's ONNX file as a predictor. What reaches the runtime is the file as read and written again: operators of ONNX and their constants. */
import type * as Runtime from 'onnxruntime-node';
import { messageOf, TributaryError } from '../../errors/errors.ts';
import { type GraphProto, ModelProto } from '../../wire/onnx/v1/onnx.ts';
import { type External } from './external.ts';
import { type Answer, type Predictor } from './external-scorer.ts';

/** ONNX's own operators; others would need code that is not here. */
const DOMAINS = new Set(['', 'ai.onnx', 'ai.onnx.ml']);
/** They run a subgraph, as long as it likes. */
const NESTED = new Set(['If', 'Loop', 'Scan', 'SequenceMap']);

/** Throws `TRB_PREDICTOR_NETWORK`. */
export function cleanOnnx(bytes: Uint8Array): Uint8Array {
  let model: ModelProto;
  try {
    model = ModelProto.decode(bytes);
  } catch {
    throw refused('it is no ONNX file');
  }
  const fault = faultOf(model.graph, model.opsetImport);
  if (fault !== undefined) throw refused(fault);
  return ModelProto.encode(model).finish();
}

function faultOf(graph: GraphProto | undefined, imports: ModelProto['opsetImport']): string | undefined {
  if (graph === undefined) return 'it has no graph';
  const domain = [...imports, ...graph.node].find((each) => !DOMAINS.has(each.domain))?.domain;
  if (domain !== undefined) return `it uses operators of ${JSON.stringify(domain)}`;
  const nested = graph.node.find(({ opType }) => NESTED.has(opType));
  if (nested !== undefined) return `it uses the operator ${nested.opType}`;
  const elsewhere = graph.initializer.find(
    ({ dims, rawData, floatData, int32Data, int64Data, doubleData, stringData }) =>
      !dims.includes(0) && [rawData, floatData, int32Data, int64Data, doubleData, stringData].every(({ length }) => length === 0),
  );
  return elsewhere === undefined ? undefined : `the constant ${JSON.stringify(elsewhere.name)} is not in it; save it as one file`;
}

export function createOnnxPredictor({ asks, horizons, window: steps, inputs, threshold, name }: External): Predictor {
  let session: Runtime.InferenceSession | undefined;
  let run: ((values: Float32Array) => Promise<Float32Array>) | undefined;
  if (asks.kind !== 'onnx') throw new Error('no ONNX file');
  const dims = { flat: [1, steps * inputs.length], sequence: [1, steps, inputs.length], time_first: [steps, 1, inputs.length] };

  async function open(): Promise<void> {
    if (asks.kind !== 'onnx' || session !== undefined) return;
    const bytes = cleanOnnx(Buffer.from(asks.onnx, 'base64'));
    // Loaded where a network is served, and not with every process that can.
    const { InferenceSession, Tensor } = await import('onnxruntime-node');
    try {
      session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
    } catch (cause) {
      throw refused(`it does not load: ${messageOf(cause)}`, cause);
    }
    const opened = session;
    const input = asks.input ?? (opened.inputNames.length === 1 ? opened.inputNames[0]! : '');
    const output = asks.output ?? opened.outputNames[0]!;
    if (!opened.inputNames.includes(input) || !opened.outputNames.includes(output))
      throw refused(
        `it maps ${opened.inputNames.join(', ')} to ${opened.outputNames.join(', ')}; say which with input and output`,
      );
    run = async (values) => {
      const { [output]: answer } = await opened.run({ [input]: new Tensor('float32', values, dims[asks.shape]) }, [output]);
      if (answer?.type !== 'float32') throw refused(`its output ${output} is of type ${answer?.type ?? 'none'}, not float`);
      return answer.data as Float32Array;
    };
    try {
      read(await run(new Float32Array(steps * inputs.length)));
    } catch (cause) {
      if (cause instanceof TributaryError) throw cause;
      throw refused(`it does not take ${dims[asks.shape].join(' x ')} floats: ${messageOf(cause)}`, cause);
    }
  }

  /** One probability a horizon; or of one horizon down and up, as classifiers have it. */
  function read(output: Float32Array): Answer[] {
    const ups = horizons.length === 1 && output.length === 2 ? output.subarray(1) : output;
    if (ups.length !== horizons.length) throw refused(`it answers ${output.length} values for ${horizons.length} horizons`);
    return Array.from(ups, (probabilityUp) => ({ probabilityUp, threshold: threshold ?? 2 }));
  }

  return {
    open,
    async close() {
      await session?.release();
      [session, run] = [undefined, undefined];
    },
    async ask({ values }) {
      if (run === undefined) throw new Error(`${name} is not open`);
      return read(await run(values));
    },
  };
}

function refused(fault: string, cause?: unknown): TributaryError {
  return new TributaryError('TRB_PREDICTOR_NETWORK', `The ONNX file of the predictor is refused: ${fault}.`, {
    hint: 'Export it as one file of standard operators that maps floats to probabilities.',
    cause,
  });
}
