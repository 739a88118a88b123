/** The catalogue: every block in the order of its columns. What is not listed here is not computed. */
import { type Block, type Column, columnsOf } from './declaration.ts';
import { aggregateSpreadBlock } from './aggregate-spread.ts';
import { calendarBlock } from './calendar.ts';
import { betaBlock, referenceReturnBlock, referenceSecondBlock } from './cross-asset.ts';
import { flowBlock, longMidReturnBlock, midReturnBlock, quoteBlock } from './flow-block.ts';
import { fundamentalMarketBlock } from './fundamental-market.ts';
import { fundamentalNetworkBlock } from './fundamental-network.ts';
import { fundamentalSocialBlock } from './fundamental-social.ts';
import { forecastBlock } from './forecast.ts';
import { fairBlock, leaderBlock, spreadBlock, spreadLevelBlock } from './gaps.ts';
import { secondLeaderBlock } from './leader-seconds.ts';
import { legBlock, legSpreadBlock, ownBlock, rateBlock, scaleBlock } from './leg-block.ts';
import { oscillatorBlock, profileBlock } from './oscillators.ts';
import { cryptoVixBlock } from './derivatives.ts';
import { MACRO_BLOCKS } from './macro.ts';
import { amihudBlock, returnBlock, shapeBlock, staleBlock, volumeBlock, vwapBlock } from './price.ts';
import { describeSchema, type FeatureSchema } from './schema.ts';
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
  aggregateSpreadBlock,
  leaderBlock,
  secondLeaderBlock,
  forecastBlock,
  quoteBlock,
  midReturnBlock,
  longMidReturnBlock,
  flowBlock,
  ...TECHNICAL_BLOCKS,
  oscillatorBlock,
  profileBlock,
  cryptoVixBlock,
  ...MACRO_BLOCKS,
  calendarBlock,
  referenceReturnBlock,
  referenceSecondBlock,
  betaBlock,
  fundamentalMarketBlock,
  fundamentalSocialBlock,
  fundamentalNetworkBlock,
];

/** Every column, in the order of FeatureVector.values. */
export const COLUMNS: readonly Column[] = CATALOGUE.flatMap(columnsOf);

const SCHEMA: FeatureSchema = describeSchema(COLUMNS.map(({ name }) => name));

/** The schema of the vectors that this code makes. */
export function featureSchema(): FeatureSchema {
  return SCHEMA;
}
