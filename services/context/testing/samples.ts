/** Good answers of every source, one line each: sources/ID/sample.ts. */
import { type SourceSample } from './faults.ts';

/** By id of the source. */
export const SAMPLES: Readonly<Record<string, SourceSample>> = {};
