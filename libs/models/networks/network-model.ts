/** A trained network as it is kept and served: an ONNX file, the scaler of its inputs, the length of its windows. */
import { type MirrorMap } from '../bundle.ts';
import { type Scaler } from './windows.ts';

export interface NetworkModel {
  readonly kind: 'network';
  /** Vectors of a window. */
  readonly steps: number;
  readonly outputs: number;
  readonly scaler: Scaler;
  /** It says the mean of what it says of a window and the opposite of what it says of the mirror image; undefined = of the window alone. */
  readonly mirror?: MirrorMap | undefined;
  /** As toOnnx makes it. */
  readonly onnx: Uint8Array;
}
