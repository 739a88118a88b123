/**
 * The market: a pure function of (seed, edge, change of the leader, listings, second). Each currency has an efficient log price with stochastic volatility,
 * jumps and a short-lived trend; each venue sees it with its own lag and noise, and trades there hit its touch.
 *
 * A UTC day is drawn as a whole: its levels at both midnights are fixed by the seed and the path between is a Brownian bridge (which,
 * its end being drawn independently, is a Brownian motion to whoever sees only the past). So a second looks the same whenever it is
 * asked for: history, live trading, REST pages and a restarted simulator all agree, trade ids included.
 *
 * `edge: 'none'`: no trend, no lag, no venue noise, fair taker sides: every venue quotes one random walk, at the same instant.
 *
 * From `leaderChangesAt` on the venues have each other's lags: prices before it are the same with and without it, and what could be learned from
 * them is wrong after it.
 */
import { mix, normal, poisson, streamKey, uniform } from './draw.ts';
import { assetOf, listingKey, type Asset, type Listing } from './listing.ts';

/** Bound once: in the loops below a look-up through the global object would cost more than the arithmetic. */
const { ceil, exp, floor, hypot, log, max, min, round, sqrt, tanh } = Math;

export type Edge = 'lag' | 'none';

export const SECONDS_PER_DAY = 86_400;
/** The price moves 32 times a second. */
const PARTS = 32;
const PART_BITS = 5;

/** Seconds by which a venue's price trails the efficient one, on average. */
const LAG_SECONDS = { coinbase: 1.5, kraken: 22 } as const;
/** Share of the way to the efficient price that a venue goes in a second. */
const FOLLOW = { coinbase: 1 - exp(-1 / LAG_SECONDS.coinbase), kraken: 1 - exp(-1 / LAG_SECONDS.kraken) } as const;
const TREND_HALF_LIFE_SECONDS = 240;
/** The trend's standard deviation a second, in units of the diffusion's. */
const TREND_STRENGTH = 0.25;
const VENUE_NOISE = 3e-5;
const VENUE_NOISE_HALF_LIFE_SECONDS = 15;
const JUMPS_PER_DAY = 4;

/** What happened at the venue, without names; `time` in µs since the epoch. */
export type TradeVisitor = (time: number, priceTicks: number, sizeUnits: number, takerBuys: boolean) => void;

/** A currency's day. */
interface AssetDay {
  /** Log price in dollars at each second, 86,401 values. */
  readonly price: Float64Array;
  /** Standard deviation of a second's diffusion, a value a minute. */
  readonly volatility: Float64Array;
}

/** One instrument's day at one venue. */
export interface ListingDay {
  readonly day: number;
  /** The venue's log price at each second, 86,401 values. */
  readonly price: Float64Array;
  /** How far the efficient price is above the venue's, same grid; zero without an edge. */
  readonly pull: Float64Array;
  /** Trades in each second. */
  readonly counts: Uint16Array;
  readonly volatility: Float64Array;
  /** Streams of the day's trades and of the path within a second. */
  readonly tradesKey: number;
  readonly bridgeKey: number;
}

export interface Touch {
  bid: number;
  ask: number;
}

export class Market {
  readonly #seed: number;
  readonly #edge: Edge;
  readonly #leaderChangesAt: number;
  readonly #assetDays = new Days<AssetDay>();
  readonly #listingDays = new Days<ListingDay>();

  /** `leaderChangesAt`: seconds since the epoch; default: never. */
  constructor(seed: number, edge: Edge, leaderChangesAt = Infinity) {
    this.#seed = seed;
    this.#edge = edge;
    this.#leaderChangesAt = leaderChangesAt;
  }

  /** `day` = days since the epoch. */
  day(listing: Listing, day: number): ListingDay {
    const name = `${listing.venue}/${listing.instrument.name}`;
    return this.#listingDays.get(name, day, () => this.#drawListingDay(listing, day));
  }

  /** The id of the first trade of a day: ids are dense, and a day always has the same number of trades. */
  firstTradeId(listing: Listing, day: number): number {
    return 1 + (day - FIRST_DAY) * tradesPerDay(listing);
  }

  /** The venue's log price at `seconds` since the epoch, fractions counted in 32nds. */
  logPrice(listing: Listing, seconds: number): number {
    const day = floor(seconds / SECONDS_PER_DAY);
    const within = seconds - day * SECONDS_PER_DAY;
    const second = floor(within);
    return this.#between(this.day(listing, day), second, floor((within - second) * PARTS));
  }

  /** Best bid and ask, in ticks, at a log price; at least one tick apart. */
  touch(listing: Listing, logPrice: number, into: Touch): Touch {
    const ticks = exp(logPrice) * 10 ** listing.priceDigits;
    into.bid = max(1, floor(ticks * (1 - listing.halfSpread)));
    into.ask = max(into.bid + 1, ceil(ticks * (1 + listing.halfSpread)));
    return into;
  }

  /**
   * Visits the trades of one second in order of time. `copies` > 1 multiplies them (the load generator), each of 1/copies of the size.
   * Arrivals: a Poisson count, then one uniform time in each of that many equal parts of the second.
   */
  trades(listing: Listing, listingDay: ListingDay, second: number, copies: number, visit: TradeVisitor): void {
    const count = listingDay.counts[second]! * copies;
    if (count === 0) return;
    const absolute = listingDay.day * SECONDS_PER_DAY + second;
    const key = mix(listingDay.tradesKey, second);
    const bias = this.#edge === 'none' ? 0 : 0.35 * tanh(listingDay.pull[second]! / 2e-4);
    const median = (listing.medianSize * 10 ** listing.sizeDigits) / copies;
    for (let i = 0; i < count; i++) {
      const fraction = (i + uniform(key, 4 * i)) / count;
      const price = this.#between(listingDay, second, floor(fraction * PARTS));
      const takerBuys = uniform(key, 4 * i + 1) < 0.5 + bias;
      const { bid, ask } = this.touch(listing, price, TOUCH);
      const size = max(1, round(median * exp(1.3 * normal(key, 4 * i + 2))));
      visit(absolute * 1e6 + floor(fraction * 1e6), takerBuys ? ask : bid, size, takerBuys);
    }
  }

  /** Midpoint displacement: a Brownian bridge across the second, five keyed draws deep at most. */
  #between(listingDay: ListingDay, second: number, part: number): number {
    const left = listingDay.price[second]!;
    const right = listingDay.price[second + 1]!;
    if (part === 0) return left;
    const scale = (this.#edge === 'none' ? 1 : 0.3) * listingDay.volatility[floor(second / 60)]!;
    return bridge(mix(listingDay.bridgeKey, second), left, right, scale, part);
  }

  #drawListingDay(listing: Listing, day: number): ListingDay {
    const base = this.#assetDay(assetOf(listing.instrument.base), day);
    const quoteName = listing.instrument.quote;
    const quote = quoteName === 'USD' ? undefined : this.#assetDay(assetOf(quoteName), day);
    const efficient =
      quote === undefined ? base.price : Float64Array.from(base.price, (value, second) => value - quote.price[second]!);
    const seen = this.#edge === 'none' ? { price: efficient, pull: NO_PULL } : this.#seenLate(listing, day, efficient);
    // Without an edge the venues must move together within the second too, so the bridge belongs to the instrument.
    const bridgeOwner =
      this.#edge === 'none' ? streamKey(this.#seed, listing.instrument.name) : listingKey(this.#seed, 'bridge', listing);
    return {
      day,
      ...seen,
      counts: this.#drawCounts(listing, day),
      volatility:
        quote === undefined ? base.volatility : base.volatility.map((value, minute) => hypot(value, quote.volatility[minute]!)),
      tradesKey: mix(listingKey(this.#seed, 'trades', listing), day),
      bridgeKey: mix(bridgeOwner, day),
    };
  }

  /** The venue's price follows the efficient one like a leaky bucket, under mean-reverting noise of its own. */
  #seenLate(listing: Listing, day: number, efficient: Float64Array): Pick<ListingDay, 'price' | 'pull'> {
    const key = mix(listingKey(this.#seed, 'noise', listing), day);
    const [before, after] = listing.venue === 'coinbase' ? [FOLLOW.coinbase, FOLLOW.kraken] : [FOLLOW.kraken, FOLLOW.coinbase];
    const change = this.#leaderChangesAt - day * SECONDS_PER_DAY;
    const keep = 0.5 ** (1 / VENUE_NOISE_HALF_LIFE_SECONDS);
    const noiseScale = VENUE_NOISE * (assetOf(listing.instrument.base).dailyVolatility / 0.024) * sqrt(1 - keep * keep);
    const price = new Float64Array(SECONDS_PER_DAY + 1);
    const pull = new Float64Array(SECONDS_PER_DAY + 1);
    let followed = efficient[0]!;
    let noise = 0;
    for (let second = 0; second <= SECONDS_PER_DAY; second++) {
      followed += (efficient[second]! - followed) * (second < change ? before : after);
      noise = noise * keep + normal(key, second) * noiseScale;
      price[second] = followed + noise;
      pull[second] = efficient[second]! - price[second]!;
    }
    return { price, pull };
  }

  /** A Poisson stream given its total: each second takes its share of what the day has left. */
  #drawCounts(listing: Listing, day: number): Uint16Array {
    const key = mix(listingKey(this.#seed, 'counts', listing), day);
    const counts = new Uint16Array(SECONDS_PER_DAY);
    let left = tradesPerDay(listing);
    for (let second = 0; second < SECONDS_PER_DAY && left > 0; second++) {
      const secondsLeft = SECONDS_PER_DAY - second;
      const count = secondsLeft === 1 ? left : min(left, poisson(key, second, left / secondsLeft));
      counts[second] = count;
      left -= count;
    }
    return counts;
  }

  #assetDay(asset: Asset, day: number): AssetDay {
    return this.#assetDays.get(asset.name, day, () => this.#drawAssetDay(asset, day));
  }

  #drawAssetDay(asset: Asset, day: number): AssetDay {
    const factor = asset.beta === 0 ? undefined : this.#assetDay(assetOf('BTC'), day);
    const own = this.#ownPath(asset, day);
    const start = log(asset.price);
    const factorStart = log(assetOf('BTC').price);
    const price = own.path;
    for (let second = 0; second <= SECONDS_PER_DAY; second++) {
      price[second]! += start + (factor === undefined ? 0 : asset.beta * (factor.price[second]! - factorStart));
    }
    const volatility =
      factor === undefined
        ? own.volatility
        : own.volatility.map((value, minute) => hypot(value, asset.beta * factor.volatility[minute]!));
    return { price, volatility };
  }

  /** The asset's own log price through the day, from its level at midnight to the next one's. */
  #ownPath(asset: Asset, day: number): { path: Float64Array; volatility: Float64Array } {
    const key = mix(streamKey(this.#seed, asset.name), day);
    const [shocks, vols, jumps, trends] = [mix(key, 1), mix(key, 2), mix(key, 3), mix(key, 4)];
    const trending = this.#edge === 'lag';
    // A trend adds to the variance of long returns; without this the day would be about twice as volatile as the asset's.
    const perSecond = (asset.dailyVolatility / sqrt(SECONDS_PER_DAY)) * (trending ? 0.55 : 1);
    const keep = 0.5 ** (1 / TREND_HALF_LIFE_SECONDS);
    const trendShock = TREND_STRENGTH * perSecond * sqrt(1 - keep * keep);
    const volatility = volatilityPath(vols, perSecond);
    const path = new Float64Array(SECONDS_PER_DAY + 1);
    let trend = trending ? TREND_STRENGTH * perSecond * normal(trends, SECONDS_PER_DAY) : 0;
    let price = 0;
    for (let second = 0; second < SECONDS_PER_DAY; second++) {
      path[second] = price;
      if (trending) trend = trend * keep + trendShock * normal(trends, second);
      price += trend + volatility[floor(second / 60)]! * normal(shocks, second);
      if (uniform(jumps, second) < JUMPS_PER_DAY / SECONDS_PER_DAY)
        price += 0.08 * asset.dailyVolatility * normal(jumps, -second);
    }
    path[SECONDS_PER_DAY] = price;
    const from = this.#level(asset, day);
    const slope = (this.#level(asset, day + 1) - from - price) / SECONDS_PER_DAY;
    for (let second = 0; second <= SECONDS_PER_DAY; second++) path[second]! += from + slope * second;
    return { path, volatility };
  }

  /** The log price at a midnight, less its long mean: a moving average of daily shocks, so it never strays far over the years. */
  #level(asset: Asset, day: number): number {
    const key = mix(streamKey(this.#seed, asset.name), 0x1e7e1);
    let sum = 0;
    let weight = 1;
    for (let back = 0; back < 200; back++) {
      sum += weight * normal(key, day - back);
      weight *= 0.97;
    }
    return sum * asset.dailyVolatility;
  }
}

/** Trade ids count from here (2020-01-01). */
const FIRST_DAY = 18_262;
const NO_PULL = new Float64Array(SECONDS_PER_DAY + 1);
const TOUCH: Touch = { bid: 0, ask: 0 };

function tradesPerDay(listing: Listing): number {
  return max(1, round(listing.tradesPerSecond * SECONDS_PER_DAY));
}

/** Log volatility reverts to its mean with a half-life of an hour; its standard deviation is 0.4. */
function volatilityPath(key: number, mean: number): Float64Array {
  const keep = 0.5 ** (1 / 60);
  const shock = 0.4 * sqrt(1 - keep * keep);
  const path = new Float64Array(SECONDS_PER_DAY / 60);
  let state = 0.4 * normal(key, -1);
  for (let minute = 0; minute < path.length; minute++) {
    state = state * keep + shock * normal(key, minute);
    path[minute] = mean * exp(state - 0.08);
  }
  return path;
}

/** The bridge's value at `part` of PARTS, between values `left` and `right` one second apart. */
function bridge(key: number, left: number, right: number, scale: number, part: number): number {
  let [from, to, low, high] = [0, PARTS, left, right];
  let deviation = scale / 2;
  for (let depth = 0; depth < PART_BITS; depth++) {
    const middle = (from + to) / 2;
    const value = (low + high) / 2 + deviation * normal(key, middle);
    if (part === middle) return value;
    if (part < middle) {
      to = middle;
      high = value;
    } else {
      from = middle;
      low = value;
    }
    deviation *= Math.SQRT1_2;
  }
  return low;
}

/** The two days of each name that were asked for last; others are drawn again. */
class Days<T> {
  readonly #days = new Map<string, { day: number; drawn: T }[]>();

  get(name: string, day: number, draw: () => T): T {
    const kept = this.#days.get(name) ?? [];
    const at = kept.findIndex((entry) => entry.day === day);
    if (at === 0) return kept[0]!.drawn;
    const entry = kept[at] ?? { day, drawn: draw() };
    this.#days.set(name, [entry, ...kept.filter((other) => other !== entry)].slice(0, 2));
    return entry.drawn;
  }
}
