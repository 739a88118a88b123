/** How far the instrument stands from CryptoCompare's aggregate of all exchanges, where an operator has a key for it. */
import { contextValue } from './context.ts';
import { type Feature, type MinuteBlock } from './declaration.ts';
import { createRolling, deviation, mean, push, type Rolling } from './rolling.ts';

const SERIES = 'cryptocompare:cccagg.{asset}';
const WINDOWS = [
  { name: '5m', minutes: 5, least: 5 },
  { name: '1h', minutes: 60, least: 30 },
] as const;
/** The series may come as rarely as once an hour. */
const SERIES_MINUTES = 61;
const shared = { inputs: ['bars', 'references', 'context'], reads: [SERIES] } as const;

export const aggregateSpreadBlock: MinuteBlock<readonly Rolling[]> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  variants: ['cccagg'],
  features: [
    {
      name: 'spread',
      unit: 'log',
      formula: "ln(close in dollars / CryptoCompare's aggregate price)",
      ...shared,
      warmup: SERIES_MINUTES,
    },
    ...WINDOWS.map(({ name, minutes }): Feature => ({
      name: `spread_z_${name}`,
      unit: 'z',
      formula: `that spread less its mean over ${minutes} min, over its sd + 1e-6`,
      ...shared,
      warmup: SERIES_MINUTES + minutes,
    })),
  ],
  create: () => WINDOWS.map(({ minutes }) => createRolling(minutes)),
  write: (windows, { context, asset, instrument: { leg }, t }, out, at) => {
    const spread = leg.dollars - Math.log(contextValue(context, SERIES.replace('{asset}', asset.asset), t));
    if (!leg.isLive || !Number.isFinite(spread)) return;
    out[at] = spread;
    for (let i = 0; i < WINDOWS.length; i++) {
      const window = windows[i]!;
      const { least } = WINDOWS[i]!;
      push(window, spread);
      out[at + 1 + i] = (spread - mean(window, least)) / (deviation(window, least) + 1e-6);
    }
  },
};
