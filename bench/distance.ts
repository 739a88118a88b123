/** How far one row of 300 inputs, a head's most, lies from what a head was trained on: asked at every head of every vector (decision 059). */
import { distanceOf } from '#libs/models/distribution.ts';
import { createRandom } from '#libs/models/random.ts';
import { type Figure, figure, quantile } from './measure.ts';

const INPUTS = 300;
const ROWS = 2_000;
const WARM_UP = ROWS / 10;

export function benchDistance(): Figure[] {
  const random = createRandom(3);
  const numbers = (): number[] => Array.from({ length: INPUTS }, () => random.next() - 0.5);
  const scaler = { mean: numbers(), deviation: numbers().map((value) => 1 + value) };
  const runs: number[] = [];
  let sum = 0;
  for (let row = 0; row < ROWS + WARM_UP; row++) {
    // A tenth is missing.
    const values = Float32Array.from(numbers(), (value) => (random.next() < 0.1 ? Number.NaN : 10 * value));
    const start = performance.now();
    sum += distanceOf(scaler, values);
    if (row >= WARM_UP) runs.push(performance.now() - start);
  }
  if (!(sum > 0)) throw new Error('the distances are nowhere used');
  const p50 = figure('distance from the training data, 300 inputs, p50', 'ms', runs);
  return [p50, { ...p50, name: 'distance from the training data, 300 inputs, p99', value: quantile(runs, 0.99) }];
}
