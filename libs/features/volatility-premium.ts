/** Category D: what option buyers pay above what the price has done. */
import { contextValue } from './context.ts';
import { type MinuteBlock } from './declaration.ts';
import { createRolling, deviation, push, type Rolling } from './rolling.ts';

const HOUR = 3_600_000;
/** DVOL looks 30 days ahead; so many are looked back at. */
const HOURS = 30 * 24;
const LEAST = 7 * 24;
const HOURS_A_YEAR = 365 * 24;
const DVOL = 'deribit:dvol.{asset}';

interface HourlyReturns {
  readonly returns: Rolling;
  /** ln of the asset's price at the newest whole hour, NaN = not known. */
  price: number;
}

export const volatilityPremiumBlock: MinuteBlock<HourlyReturns> = {
  kind: 'minute',
  category: 'D',
  scope: 'asset',
  features: [
    {
      name: 'dvol_minus_realized',
      unit: 'per year',
      formula:
        'dvol less sqrt(8760) x sample sd of 720 hourly log returns, at least 168, of the mean dollar price of all live legs',
      inputs: ['context', 'bars', 'references'],
      reads: [DVOL],
      warmup: (HOURS + 2) * 60,
    },
  ],
  create: () => ({ returns: createRolling(HOURS), price: NaN }),
  write: (state, { context, asset, t }, out, at) => {
    if (t % HOUR === 0) {
      const move = asset.consensus - state.price;
      state.price = asset.consensus;
      if (!Number.isNaN(move)) push(state.returns, move);
    }
    const realized = deviation(state.returns, LEAST) * Math.sqrt(HOURS_A_YEAR);
    out[at] = contextValue(context, DVOL.replace('{asset}', asset.asset), t) / 100 - realized;
  },
};
