/**
 * What it costs to take: taker fees and typical spreads by venue, basis points. Fees are those of the lowest volume tier, as each venue
 * publishes them; they change, and with more volume they fall, so an operator can put his own in their place.
 */
export interface VenueCost {
  /** Of the trade's value. */
  readonly takerFeeBps: number;
  /** Half the quoted spread of a liquid USD pair, where no quote is known (history made of candles). */
  readonly halfSpreadBps: number;
  /** Where the fee stands. */
  readonly source: string;
}

export const VENUE_COSTS: Readonly<Record<string, VenueCost>> = {
  coinbase: {
    takerFeeBps: 60,
    halfSpreadBps: 0.5,
    source: 'Coinbase Exchange, tier below $10,000 in 30 days: exchange.coinbase.com/fees',
  },
  kraken: {
    takerFeeBps: 40,
    halfSpreadBps: 0.5,
    source: 'Kraken Pro, tier from $0 in 30 days: kraken.com/features/fee-schedule',
  },
  binanceus: { takerFeeBps: 60, halfSpreadBps: 2, source: 'Binance.US, regular tier: binance.us/fees' },
  cryptocom: {
    takerFeeBps: 50,
    halfSpreadBps: 2,
    source: 'Crypto.com Exchange, level 1: crypto.com/exchange/document/fees-limits',
  },
};

/** A venue that is not listed: dear, so that nobody counts on a fee that is not there. */
const UNKNOWN: VenueCost = { takerFeeBps: 60, halfSpreadBps: 5, source: 'not listed' };

/** Of the trade's value, basis points. */
export function takerFeeBps(venue: string): number {
  return costOf(venue).takerFeeBps;
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
