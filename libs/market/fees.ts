/**
 * What it costs to take: taker fees and typical spreads by venue, basis points. Fees are those of the lowest volume tier, as each venue
 * publishes them; they change, and with more volume they fall: the tiers above the lowest are as generally known, to be confirmed.
 */
export interface VenueCost {
  /** Of the trade's value. */
  readonly takerFeeBps: number;
  /** What it falls to from a volume of 30 days on, US dollars, ascending. */
  readonly tiers?: readonly (readonly [volume: number, takerFeeBps: number])[];
  /** Half the quoted spread of a liquid USD pair, where no quote is known (history made of candles). */
  readonly halfSpreadBps: number;
  /** Where the fee stands. */
  readonly source: string;
}

const TO_BE_CONFIRMED = 'to be confirmed';

export const VENUE_COSTS: Readonly<Record<string, VenueCost>> = {
  coinbase: {
    takerFeeBps: 60,
    halfSpreadBps: 0.5,
    tiers: [
      ...([
        [10e3, 40],
        [50e3, 25],
        [100e3, 20],
        [1e6, 18],
      ] as const),
      ...([
        [15e6, 16],
        [75e6, 12],
        [250e6, 8],
        [400e6, 5],
      ] as const),
    ],
    source: 'Coinbase Exchange, tier below $10,000 in 30 days: exchange.coinbase.com/fees',
  },
  kraken: {
    takerFeeBps: 40,
    halfSpreadBps: 0.5,
    tiers: [
      ...([
        [10e3, 35],
        [50e3, 24],
        [100e3, 22],
        [250e3, 20],
        [500e3, 18],
      ] as const),
      ...([
        [1e6, 16],
        [2.5e6, 14],
        [5e6, 12],
        [10e6, 10],
      ] as const),
    ],
    source: 'Kraken Pro, tier from $0 in 30 days: kraken.com/features/fee-schedule',
  },
  binanceus: { takerFeeBps: 60, halfSpreadBps: 2, source: 'Binance.US, regular tier: binance.us/fees' },
  cryptocom: {
    takerFeeBps: 50,
    halfSpreadBps: 2,
    source: 'Crypto.com Exchange, level 1: crypto.com/exchange/document/fees-limits',
  },
  // To be confirmed: the base tiers as generally known, not read from the venues' pages. They count where an instrument of the venue is a
  // target (an outcome's net basis points, the paper strategy), so for the dollar markets of Bitstamp and Gemini; legs cost nothing.
  binance: { takerFeeBps: 10, halfSpreadBps: 0.5, source: `Binance spot, VIP 0, ${TO_BE_CONFIRMED}: binance.com/fee/schedule` },
  bitstamp: {
    takerFeeBps: 40,
    halfSpreadBps: 2,
    source: `Bitstamp, lowest paying tier, ${TO_BE_CONFIRMED}: bitstamp.net/fee-schedule`,
  },
  bybit: { takerFeeBps: 10, halfSpreadBps: 0.5, source: `Bybit spot, VIP 0, ${TO_BE_CONFIRMED}: bybit.com fee rates` },
  gemini: { takerFeeBps: 40, halfSpreadBps: 2, source: `Gemini ActiveTrader, lowest tier, ${TO_BE_CONFIRMED}: gemini.com/fees` },
  okx: { takerFeeBps: 10, halfSpreadBps: 0.5, source: `OKX spot, level 1, ${TO_BE_CONFIRMED}: okx.com/fees` },
};

/** A venue that is not listed: dear, so that nobody counts on a fee that is not there. */
const UNKNOWN: VenueCost = { takerFeeBps: 60, halfSpreadBps: 5, source: 'not listed' };

/** Of the trade's value, basis points, at a volume of 30 days in US dollars. */
export function takerFeeBps(venue: string, volume = 0): number {
  const { takerFeeBps: lowest, tiers = [] } = costOf(venue);
  return tiers.findLast(([from]) => volume >= from)?.[1] ?? lowest;
}

/** Where no quote is known, basis points. */
export function usualHalfSpreadBps(venue: string): number {
  return costOf(venue).halfSpreadBps;
}

/** Half spread plus taker fee, basis points. `bid` and `ask` 0 = no quote known. */
export function costBps(venue: string, bid: number, ask: number): number {
  const cost = costOf(venue);
  const isQuoted = bid > 0 && ask > bid;
  return cost.takerFeeBps + (isQuoted ? ((ask - bid) / (ask + bid)) * 10_000 : cost.halfSpreadBps);
}

function costOf(venue: string): VenueCost {
  return Object.hasOwn(VENUE_COSTS, venue) ? VENUE_COSTS[venue]! : UNKNOWN;
}
