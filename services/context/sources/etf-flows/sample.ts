/** A file as an operator keeps it, with numbers of ours. */
import { join } from 'node:path';
import { type SourceSample } from '../../testing/sample.ts';

export const etfFlowsSample: SourceSample = {
  now: Date.UTC(2026, 10, 19, 13),
  answers: {},
  files: { 'etf-flows-btc': join(import.meta.dirname, 'sample.csv') },
};
