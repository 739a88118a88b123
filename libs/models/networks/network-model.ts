/** A trained network as it is kept and served: an ONNX file, the scaler of its inputs, the length of its windows. */
import { type Scaler } from './windows.ts';

export interface NetworkModel {
  readonly kind: 'network';
  /** Vectors of a window. */
  readonly steps: number;
  readonly outputs: number;
  readonly scaler: Scaler;
  /** As toOnnx makes it. */
  readonly onnx: Uint8Array;
}
