/** Category D: prices of the same asset that cross between instruments, from live quotes. */
import { takerFeeBps } from '../market/fees.ts';
import { type MinuteBlock } from './declaration.ts';
import { isDollar } from './legs.ts';
import { createRolling, push, type Rolling } from './rolling.ts';
import { type AssetState } from './state.ts';

const MINUTES = 60;
/** Of the minutes, so many must have had quotes. */
const LEAST = 30;

interface Crossings {
  /** Each 60 minutes of 0 or 1: quotes were known, bid above ask, began to be. */
  readonly known: Rolling;
  readonly crossed: Rolling;
  readonly begun: Rolling;
  wasCrossed: boolean;
}

const inputs = ['quotes', 'references'] as const;
const WHERE = "over the asset's instruments quoted in USD, USDT or USDC, converted";

export const arbitrageBlock: MinuteBlock<Crossings> = {
  kind: 'minute',
  category: 'D',
  scope: 'asset',
  features: [
    {
      name: 'arb_edge_bps',
      unit: 'bps',
      formula: `1e4 x (largest of ln(bid) - taker fee, less smallest of ln(ask) + taker fee), ${WHERE}, at least two quoted`,
      inputs,
      warmup: 1,
    },
    {
      name: 'arb_duration_1h',
      unit: 'min',
      formula: `minutes of the last 60 at whose end the best bid was above the best ask, before fees, ${WHERE}; 30 of them quoted`,
      inputs,
      warmup: MINUTES + 1,
    },
    {
      name: 'arb_count_1h',
      unit: 'count',
      formula: 'times in the last 60 minutes that such a crossing began, seen at the ends of minutes',
      inputs,
      warmup: MINUTES + 1,
    },
  ],
  create: () => ({
    known: createRolling(MINUTES),
    crossed: createRolling(MINUTES),
    begun: createRolling(MINUTES),
    wasCrossed: false,
  }),
  write: (state, { asset }, out, at) => {
    const { gross, net } = edgesOf(asset);
    const isCrossed = gross > 0;
    push(state.known, Number(!Number.isNaN(gross)));
    push(state.crossed, Number(isCrossed));
    push(state.begun, Number(isCrossed && !state.wasCrossed));
    state.wasCrossed = isCrossed;
    out[at] = net * 1e4;
    if (state.known.sum < LEAST) return;
    out[at + 1] = state.crossed.sum;
    out[at + 2] = state.begun.sum;
  },
};

/** ln(best bid / best ask) before and after both taker fees; NaN with fewer than two quotes. */
function edgesOf({ instruments }: AssetState): { readonly gross: number; readonly net: number } {
  let quotes = 0;
  let bid = -Infinity;
  let ask = Infinity;
  let netBid = -Infinity;
  let netAsk = Infinity;
  for (const instrument of instruments) {
    const { conversion } = instrument.leg;
    if (!(instrument.bid > 0) || instrument.feed.isMasked || !isDollar(instrument.quote)) continue;
    if (conversion.old || conversion.depegged) continue;
    quotes++;
    const fee = takerFeeBps(instrument.venue) / 1e4;
    const ownBid = Math.log(instrument.bid) + conversion.rate;
    const ownAsk = Math.log(instrument.ask) + conversion.rate;
    bid = Math.max(bid, ownBid);
    ask = Math.min(ask, ownAsk);
    netBid = Math.max(netBid, ownBid - fee);
    netAsk = Math.min(netAsk, ownAsk + fee);
  }
  return quotes < 2 ? { gross: NaN, net: NaN } : { gross: bid - ask, net: netBid - netAsk };
}
