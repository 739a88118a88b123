/** Where each block of the catalogue writes, compiled once. */
import { CATALOGUE, COLUMNS } from './catalogue.ts';
import { type BarBlock, columnsOf, type MinuteBlock, type Timeframe, TIMEFRAMES } from './declaration.ts';

export interface BarPlace {
  readonly block: BarBlock<unknown>;
  readonly timeframe: Timeframe;
  readonly at: number;
}

export interface MinutePlace {
  readonly block: MinuteBlock<unknown>;
  readonly at: number;
}

/** Columns of a vector. */
export const WIDTH = COLUMNS.length;
export const ASSET_PLACES: MinutePlace[] = [];
export const INSTRUMENT_PLACES: MinutePlace[] = [];
/** Bar instances by index of TIMEFRAMES. */
export const BAR_PLACES: BarPlace[][] = TIMEFRAMES.map(() => []);

let at = 0;
for (const block of CATALOGUE) {
  if (block.kind === 'bars') {
    block.over.forEach(({ timeframe }, index) => {
      BAR_PLACES[TIMEFRAMES.indexOf(timeframe)]!.push({ block, timeframe, at: at + index * block.features.length });
    });
  } else (block.scope === 'asset' ? ASSET_PLACES : INSTRUMENT_PLACES).push({ block, at });
  at += columnsOf(block).length;
}
