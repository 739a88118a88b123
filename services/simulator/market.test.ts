import { describe, expect, test } from '@jest/globals';
import { listings, type Listing } from './listing.ts';
import { Market, SECONDS_PER_DAY, type Edge, type ListingDay } from './market.ts';

const { floor, log } = Math;

const FIRST_DAY = 20_400;
const ALL = listings(['BTC-USD'], 1.5);
const COINBASE = ALL.find(({ venue, instrument }) => venue === 'coinbase' && instrument.name === 'BTC-USD')!;
const KRAKEN = ALL.find(({ venue, instrument }) => venue === 'kraken' && instrument.name === 'BTC-USD')!;

/** First and last trade of each minute, as log prices; NaN where there was none. */
function minutes(market: Market, listing: Listing, days: number): { open: Float64Array; close: Float64Array } {
  const open = new Float64Array(days * 1440).fill(NaN);
  const close = new Float64Array(days * 1440).fill(NaN);
  for (let day = 0; day < days; day++) {
    const drawn = market.day(listing, FIRST_DAY + day);
    for (let second = 0; second < SECONDS_PER_DAY; second++) {
      const minute = day * 1440 + floor(second / 60);
      market.trades(listing, drawn, second, 1, (_time, price) => {
        close[minute] = log(price / 10 ** listing.priceDigits);
        if (Number.isNaN(open[minute]!)) open[minute] = close[minute]!;
      });
    }
  }
  return { open, close };
}

/**
 * How often what Coinbase is above Kraken has the sign of Kraken's move from the next minute's first trade to its last; and among the surest
 * fifth.
 */
function accuracy(edge: Edge, days: number, leaderChangesAt?: number): { all: number; surest: number; n: number } {
  const market = new Market(3, edge, leaderChangesAt);
  const [leader, follower] = [minutes(market, COINBASE, days), minutes(market, KRAKEN, days)];
  const rows: { sure: number; right: number }[] = [];
  for (let minute = 0; minute + 1 < days * 1440; minute++) {
    const signal = leader.close[minute]! - follower.close[minute]!;
    const move = follower.close[minute + 1]! - follower.open[minute + 1]!;
    if (signal * move > 0 || signal * move < 0) rows.push({ sure: Math.abs(signal), right: signal * move > 0 ? 1 : 0 });
  }
  rows.sort((a, b) => b.sure - a.sure);
  const share = (of: typeof rows): number => of.reduce((sum, row) => sum + row.right, 0) / of.length;
  return { all: share(rows), surest: share(rows.slice(0, rows.length / 5)), n: rows.length };
}

describe('market', () => {
  test('a second is the same whenever and in whatever order it is asked for', () => {
    const trades = (market: Market, days: readonly number[]): number[] => {
      const found: number[] = [];
      for (const day of days) {
        const drawn = market.day(KRAKEN, day);
        if (day !== FIRST_DAY) continue;
        for (let second = 40_000; second < 40_100; second++) {
          market.trades(KRAKEN, drawn, second, 1, (...trade) => found.push(...trade.map(Number)));
        }
      }
      return found;
    };
    const forward = trades(new Market(3, 'lag'), [FIRST_DAY, FIRST_DAY + 1]);
    expect(forward.length).toBeGreaterThan(200);
    expect(trades(new Market(3, 'lag'), [FIRST_DAY + 5, FIRST_DAY - 3, FIRST_DAY])).toEqual(forward);
    expect(trades(new Market(4, 'lag'), [FIRST_DAY])).not.toEqual(forward);
  });

  test('a day begins where the one before ended, in price and in trade ids', () => {
    const market = new Market(3, 'none');
    const [today, tomorrow] = [market.day(COINBASE, FIRST_DAY), market.day(COINBASE, FIRST_DAY + 1)];
    expect(tomorrow.price[0]).toBeCloseTo(today.price[SECONDS_PER_DAY]!, 10);
    const trades = today.counts.reduce((sum, count) => sum + count, 0);
    expect(market.firstTradeId(COINBASE, FIRST_DAY + 1)).toBe(market.firstTradeId(COINBASE, FIRST_DAY) + trades);
  });

  test('edge lag: what Coinbase is above Kraken foretells the next minute on Kraken', () => {
    const { all, surest } = accuracy('lag', 2);
    expect(all).toBeGreaterThan(0.65);
    expect(surest).toBeGreaterThan(0.8);
  });

  test('where the leader has changed, it foretells the wrong direction; until then it is the same market', () => {
    const { all, surest } = accuracy('lag', 2, FIRST_DAY * SECONDS_PER_DAY);
    expect(all).toBeLessThan(0.5);
    expect(surest).toBeLessThan(0.45);
    const noon = FIRST_DAY * SECONDS_PER_DAY + 43_200;
    const [changed, same] = [new Market(3, 'lag', noon), new Market(3, 'lag')].map((market) => market.day(KRAKEN, FIRST_DAY));
    expect(changed!.price.subarray(0, 43_200)).toEqual(same!.price.subarray(0, 43_200));
    expect(changed!.counts).toEqual(same!.counts);
    // Kraken's price follows within two seconds from then on: its noise is the same, and half of what it was behind is gone.
    const behind = ({ pull }: ListingDay): number => pull.subarray(43_500).reduce((sum, value) => sum + value ** 2, 0);
    expect(behind(changed!)).toBeLessThan(behind(same!) / 2);
  });

  test('edge none: it foretells nothing, beyond four standard errors', () => {
    const { all, surest, n } = accuracy('none', 3);
    expect(Math.abs(all - 0.5)).toBeLessThan(4 * (0.5 / Math.sqrt(n)));
    expect(Math.abs(surest - 0.5)).toBeLessThan(4 * (0.5 / Math.sqrt(n / 5)));
  });

  test('edge none: nothing within the second either, and both venues quote the same price at every instant', () => {
    const market = new Market(3, 'none');
    let [product, scale, n] = [0, 0, 0];
    for (let second = FIRST_DAY * SECONDS_PER_DAY; second < FIRST_DAY * SECONDS_PER_DAY + 10_000; second++) {
      const at = [0, 0.25, 0.5, 1].map((part) => market.logPrice(COINBASE, second + part));
      expect(market.logPrice(KRAKEN, second + 0.25)).toBe(at[1]);
      product += (at[2]! - at[1]!) * (at[3]! - at[2]!);
      scale += (at[2]! - at[1]!) ** 2;
      n++;
    }
    // The slope of the next half second on the last quarter: zero for a random walk, +2 for a straight line.
    expect(Math.abs(product / scale)).toBeLessThan(4 * Math.sqrt(2 / n));
  });
});
