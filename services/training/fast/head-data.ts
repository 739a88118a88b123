/** A fast head's rows. */
import { heardWithin } from '#libs/features/fast/silence.ts';
import { HORIZON_MS, type Horizon } from '#libs/market/horizon.ts';
import { labelMids } from '#libs/validation/mid-labels.ts';
import { type HeadData } from '../head-data.ts';
import { type FastHistory, type FastTarget } from './history.ts';

/** `delay`: how long after the decision the price is taken that its move is measured from, milliseconds; the move ends at t + horizon. */
export function fastHeadData({ table, series }: FastTarget, horizon: Horizon, { stalls, to }: FastHistory, delay = 0): HeadData {
  const length = HORIZON_MS[horizon];
  const { y, logReturn } = labelMids(series, { horizon: length, delay }, table.t, stalls, to);
  const width = table.columns.length;
  const isHeard = heardWithin(table.columns);
  const isDecided = Uint8Array.from(table.t, (_, row) => Number(isHeard(table.values, length, row * width)));
  return { table, horizon, target: 'mid', y, size: logReturn.map(Math.abs), isDecided };
}
