/** The catalogue: every block in the order of its columns. What is not listed here is not computed. */
import { createHash } from 'node:crypto';
import { type Block, type Column, columnsOf } from './declaration.ts';
import { calendarBlock } from './calendar.ts';
import { betaBlock, referenceReturnBlock } from './cross-asset.ts';
import { flowBlock, midReturnBlock, quoteBlock } from './flow-block.ts';
import { fundamentalMarketBlock } from './fundamental-market.ts';
import { fundamentalNetworkBlock } from './fundamental-network.ts';
import { fundamentalSocialBlock } from './fundamental-social.ts';
import { fairBlock, leaderBlock, spreadBlock, spreadLevelBlock } from './gaps.ts';
import { legBlock, legSpreadBlock, ownBlock, rateBlock, scaleBlock } from './leg-block.ts';
import { amihudBlock, returnBlock, shapeBlock, staleBlock, volumeBlock, vwapBlock } from './price.ts';
import { type FeatureSchema } from './schema.ts';
import { TECHNICAL_BLOCKS } from './technical.ts';

export const CATALOGUE: readonly Block[] = [
  scaleBlock,
  legBlock,
  legSpreadBlock,
  rateBlock,
  ownBlock,
  returnBlock,
  shapeBlock,
  volumeBlock,
  vwapBlock,
  amihudBlock,
  staleBlock,
  fairBlock,
  spreadLevelBlock,
  spreadBlock,
  leaderBlock,
  quoteBlock,
  midReturnBlock,
  flowBlock,
  ...TECHNICAL_BLOCKS,
  calendarBlock,
  referenceReturnBlock,
  betaBlock,
  fundamentalMarketBlock,
  fundamentalSocialBlock,
  fundamentalNetworkBlock,
];

/** Every column, in the order of FeatureVector.values. */
export const COLUMNS: readonly Column[] = CATALOGUE.flatMap(columnsOf);

const SCHEMA: FeatureSchema = describe(COLUMNS.map(({ name }) => name));

/** The schema of the vectors that this code makes. */
export function featureSchema(): FeatureSchema {
  return SCHEMA;
}

function describe(columns: readonly string[]): FeatureSchema {
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`Two features are named ${twice}.`);
  return { id: createHash('sha256').update(columns.join('\n')).digest('hex').slice(0, 16), columns };
}
