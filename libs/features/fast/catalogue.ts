/** The fast lane's catalogue: every block in the order of its columns. What is not listed here is not computed. */
import { describeSchema, type FeatureSchema } from '../schema.ts';
import { type FastBlock, fastColumns } from './declaration.ts';
import { legFastBlock } from './leg-block.ts';
import { othersFastBlock } from './others-block.ts';
import { ownFastBlock } from './own-block.ts';

export const FAST_BLOCKS: readonly FastBlock[] = [ownFastBlock, othersFastBlock, legFastBlock];

const SCHEMA = describeSchema(FAST_BLOCKS.flatMap(fastColumns));

/** The schema of the vectors that the fast lane makes. */
export function fastSchema(): FeatureSchema {
  return SCHEMA;
}
