/**
 * Jest's Node environment with the process's own Float32Array: onnxruntime makes its answers with that one and takes no other, and a test's
 * global is otherwise a class of its own.
 */
import { TestEnvironment } from 'jest-environment-node';

export default class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.global.Float32Array = Float32Array;
  }
}
