/** Category D: what institutions do: Coinbase against the venues abroad, funds' flows, futures traders' positions. */
import { contextBlock } from './context-block.ts';
import { type MinuteBlock } from './declaration.ts';
import { dailyValues } from './daily-series.ts';
import { createRolling, mean, push, type Rolling } from './rolling.ts';
import { type AssetState } from './state.ts';

const DAY = 86_400_000;
const DAY_MINUTES = 1440;
const MEAN_LEAST = 720;

const premiumInputs = ['bars', 'references'] as const;

export const premiumBlock: MinuteBlock<Rolling> = {
  kind: 'minute',
  category: 'D',
  scope: 'asset',
  features: [
    {
      name: 'coinbase_premium_bps',
      unit: 'bps',
      formula: '1e4 x (ln of the price in USD on Coinbase less the mean ln price of the live USDT legs elsewhere, converted)',
      inputs: premiumInputs,
      warmup: 1,
    },
    {
      name: 'coinbase_premium_1d',
      unit: 'bps',
      formula: 'mean of coinbase_premium_bps over 1440 minutes that have one, at least 720',
      inputs: premiumInputs,
      warmup: DAY_MINUTES,
    },
  ],
  create: () => createRolling(DAY_MINUTES),
  write: (window, { asset }, out, at) => {
    const premium = premiumOf(asset) * 1e4;
    if (Number.isNaN(premium)) return;
    push(window, premium);
    out[at] = premium;
    out[at + 1] = mean(window, MEAN_LEAST);
  },
};

function premiumOf({ asset, venues, instruments }: AssetState): number {
  const home = venues.get('coinbase')?.get(`${asset}-USD`)?.leg;
  if (home?.isLive !== true) return NaN;
  let sum = 0;
  let count = 0;
  for (const { venue, quote, leg } of instruments) {
    if (venue === 'coinbase' || quote !== 'USDT' || !leg.isLive) continue;
    sum += leg.dollars;
    count++;
  }
  return home.dollars - sum / count;
}

const FLOWS = 'etf-flows:net_flow.{asset}';
const FLOW_DAYS = 5;
/** Five trading days, published the day after, with a long weekend in between. */
const FLOW_WARMUP = 10 * DAY_MINUTES;
const flowFeature = { unit: 'million USD', inputs: ['context'], reads: [FLOWS], warmup: FLOW_WARMUP } as const;

export const fundFlowBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'D',
  scope: 'asset',
  features: [
    { ...flowFeature, name: 'etf_flow_1d', formula: 'net flow into US spot funds on the newest day published' },
    { ...flowFeature, name: 'etf_flow_5d', formula: 'sum over the five newest trading days' },
  ],
  create: () => null,
  write: (_state, { context, asset, t }, out, at) => {
    const flows = dailyValues(context, FLOWS.replace('{asset}', asset.asset), t, FLOW_DAYS);
    if (flows.length === 0) return;
    out[at] = flows[0]!.value;
    if (flows.length === FLOW_DAYS) out[at + 1] = flows.reduce((sum, { value }) => sum + value, 0);
  },
};

const TRADERS = [
  { label: 'asset_manager', who: 'asset managers' },
  { label: 'leveraged', who: 'leveraged funds' },
];

export const positioningBlock = contextBlock(
  'D',
  TRADERS.flatMap(({ label, who }) => {
    const series = `cftc:${label}_net.{asset}`;
    const source = 'CFTC, Traders in Financial Futures, CME futures only';
    const shared = { reads: [series], source, unit: 'share' };
    return [
      {
        ...shared,
        name: `cot_${label}_net`,
        formula: `(long - short contracts of ${who}) / open interest, as of the newest Tuesday published`,
        warmup: 60,
        compute: ({ value }) => value(series),
      },
      {
        ...shared,
        name: `cot_${label}_net_chg_1w`,
        formula: `cot_${label}_net less what it was a week before`,
        warmup: 9 * DAY_MINUTES,
        compute: ({ value, before }) => value(series) - before(series, 7 * DAY),
      },
    ];
  }),
);
