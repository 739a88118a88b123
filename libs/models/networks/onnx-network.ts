/** A network that serves: onnxruntime on one thread, after the file was checked. */
import type * as Runtime from 'onnxruntime-node';
import { messageOf, TributaryError } from '../../errors/errors.ts';
import { checkOnnx } from './onnx-check.ts';
import { type MirrorMap } from '../bundle.ts';
import { INPUT, OUTPUT } from './onnx.ts';
import { withMirrorImages } from './windows.ts';

export interface OnnxNetwork {
  /** `windows`: [steps, batch, inputs], standardised. Resolves with the probabilities of up, [batch, outputs]. */
  run(windows: Float32Array, steps: number, batch: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** `mirror`: of a network that is asked about mirror images, too. Throws `TRB_BUNDLE_NETWORK`. */
export async function openOnnxNetwork(onnx: Uint8Array, mirror?: MirrorMap): Promise<OnnxNetwork> {
  checkOnnx(onnx);
  // Loaded where a network is served, and not with every process that can.
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  let session: Runtime.InferenceSession;
  try {
    session = await InferenceSession.create(onnx, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
  } catch (cause) {
    throw new TributaryError('TRB_BUNDLE_NETWORK', `A network of the bundle does not load: ${messageOf(cause)}.`, {
      hint: 'Train a new bundle with `tributary train`.',
      cause,
    });
  }
  const run = async (windows: Float32Array, steps: number, batch: number): Promise<Float32Array> => {
    const x = new Tensor('float32', windows, [steps, batch, windows.length / (steps * batch)]);
    const { [OUTPUT]: answer } = await session.run({ [INPUT]: x });
    return answer!.data as Float32Array;
  };
  return {
    async run(windows, steps, batch) {
      if (mirror === undefined) return run(windows, steps, batch);
      const both = await run(withMirrorImages(windows, steps, batch, mirror), steps, 2 * batch);
      const half = both.length / 2;
      return both.subarray(0, half).map((up, i) => (up + 1 - both[half + i]!) / 2);
    },
    close: () => session.release(),
  };
}
