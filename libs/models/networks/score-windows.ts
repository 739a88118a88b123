/** Scores rows of a table with a network as it is served. */
import { type Input, resolveInputs } from '../inputs.ts';
import { type VectorTable } from '../vector-table.ts';
import { type NetworkModel } from './network-model.ts';
import { openOnnxNetwork } from './onnx-network.ts';
import { standardiseTable, windowsOf } from './windows.ts';

/** Windows in one run. */
const BATCH = 256;

/** Probability of up, by output, for each window that ends at one of `rows`. Throws `TRB_BUNDLE_FEATURES`, `TRB_BUNDLE_NETWORK`. */
export async function scoreWindows(
  model: NetworkModel,
  inputs: readonly Input[],
  table: VectorTable,
  rows: Int32Array,
): Promise<Float64Array[]> {
  const { steps, outputs, scaler } = model;
  const standardised = standardiseTable(table, resolveInputs(inputs, table.columns), scaler);
  const scores = Array.from({ length: outputs }, () => new Float64Array(rows.length));
  const network = await openOnnxNetwork(model.onnx, model.mirror);
  try {
    for (let from = 0; from < rows.length; from += BATCH) {
      const some = rows.subarray(from, from + BATCH);
      const windows = windowsOf(table.t, standardised, inputs.length, some, steps);
      const answer = await network.run(windows, steps, some.length);
      answer.forEach((value, i) => (scores[i % outputs]![from + Math.floor(i / outputs)] = value));
    }
  } finally {
    await network.close();
  }
  return scores;
}
