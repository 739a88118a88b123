/** What each venue lists: names, precisions, and how the simulated market of each instrument behaves there. */
import { parseInstrument, type Instrument } from '#libs/market/instrument.ts';
import { mix, streamKey, uniform } from './draw.ts';

export type VenueName = 'coinbase' | 'kraken';

/** One currency priced in US dollars. */
export interface Asset {
  readonly name: string;
  /** Dollars. */
  readonly price: number;
  /** Standard deviation of a day's log return that is the asset's own. */
  readonly dailyVolatility: number;
  /** Share of BTC's log return it follows. */
  readonly beta: number;
  /** Trades a second relative to BTC. */
  readonly activity: number;
}

/** One instrument on one venue. Prices are integer ticks of 10^-priceDigits, sizes integer units of 10^-sizeDigits. */
export interface Listing {
  readonly venue: VenueName;
  readonly instrument: Instrument;
  readonly priceDigits: number;
  readonly sizeDigits: number;
  /** Median trade, base units. */
  readonly medianSize: number;
  /** Half of the quoted spread, as a share of the price. */
  readonly halfSpread: number;
  /** Levels a side of the full book. */
  readonly depth: number;
  /** Mean distance of neighbouring levels at the touch, as a share of the price; it widens by 1 % a level. */
  readonly spacing: number;
  /** Trades a second. */
  readonly tradesPerSecond: number;
}

/** Rates that convert legs; served whatever is asked for. */
const ALWAYS: readonly string[] = ['USDT-USD', 'USDC-USD'];
/** Coinbase Exchange has no USDC-USD market: it changes USDC for dollars one to one. */
const NOT_LISTED: Record<VenueName, readonly string[]> = { coinbase: ['USDC-USD'], kraken: [] };

const ASSETS: readonly Asset[] = [
  { name: 'BTC', price: 65_000, dailyVolatility: 0.024, beta: 0, activity: 1 },
  { name: 'ETH', price: 3_200, dailyVolatility: 0.018, beta: 1.05, activity: 0.7 },
  { name: 'SOL', price: 150, dailyVolatility: 0.026, beta: 1.2, activity: 0.5 },
  { name: 'XRP', price: 0.6, dailyVolatility: 0.03, beta: 0.9, activity: 0.4 },
  { name: 'ADA', price: 0.45, dailyVolatility: 0.03, beta: 1, activity: 0.3 },
  { name: 'DOGE', price: 0.12, dailyVolatility: 0.035, beta: 1.1, activity: 0.3 },
  { name: 'LTC', price: 80, dailyVolatility: 0.025, beta: 0.9, activity: 0.3 },
  { name: 'LINK', price: 14, dailyVolatility: 0.03, beta: 1.1, activity: 0.3 },
  { name: 'DOT', price: 6, dailyVolatility: 0.03, beta: 1.1, activity: 0.3 },
  { name: 'BNB', price: 600, dailyVolatility: 0.02, beta: 0.8, activity: 0.3 },
  { name: 'USDT', price: 1, dailyVolatility: 0.0004, beta: 0, activity: 0.06 },
  { name: 'USDC', price: 1, dailyVolatility: 0.0003, beta: 0, activity: 0.05 },
  { name: 'EUR', price: 1.08, dailyVolatility: 0.004, beta: 0, activity: 0.2 },
  { name: 'GBP', price: 1.27, dailyVolatility: 0.004, beta: 0, activity: 0.2 },
];

/** An unknown asset gets a price and a temper from its name. */
export function assetOf(name: string): Asset {
  const known = ASSETS.find((asset) => asset.name === name);
  if (known !== undefined) return known;
  const key = streamKey(0, name);
  return { name, price: 10 ** (uniform(key, 1) * 4 - 2), dailyVolatility: 0.03, beta: 1, activity: 0.3 };
}

/** Assets with a temper of their own: what stands in for the venues lists nothing else, as they would not. */
export const KNOWN_ASSETS: readonly string[] = ASSETS.map(({ name }) => name);

/** All listings of a simulation, Coinbase first. */
export function listings(symbols: readonly string[], tradesPerSecond: number): readonly Listing[] {
  const names = [...new Set([...symbols, ...ALWAYS])];
  return (['coinbase', 'kraken'] as const).flatMap((venue) =>
    names
      .filter((name) => !NOT_LISTED[venue].includes(name))
      .map((name) => listing(venue, parseInstrument(name), tradesPerSecond)),
  );
}

/** Digits as the venues publish them (Coinbase quote increment, Kraken AssetPairs); elsewhere about 5 significant digits. */
const PRICE_DIGITS: Record<VenueName, Record<string, number>> = {
  coinbase: { 'BTC-USD': 2, 'ETH-USD': 2, 'SOL-USD': 2, 'BTC-USDT': 2, 'BTC-EUR': 2, 'USDT-USD': 5, 'XRP-USD': 4, 'ADA-USD': 4 },
  kraken: {
    'BTC-USD': 1,
    'ETH-USD': 2,
    'SOL-USD': 2,
    'BTC-USDT': 1,
    'BTC-EUR': 1,
    'USDT-USD': 5,
    'USDC-USD': 4,
    'XRP-USD': 5,
    'ADA-USD': 6,
  },
};

function listing(venue: VenueName, instrument: Instrument, tradesPerSecond: number): Listing {
  const base = assetOf(instrument.base);
  const price = base.price / (instrument.quote === 'USD' ? 1 : assetOf(instrument.quote).price);
  const coinbase = venue === 'coinbase';
  const stable = base.dailyVolatility < 0.001;
  const scale = stable ? 0.2 : 1;
  const share = base.activity * (instrument.quote === 'USD' ? 1 : 0.4) * (coinbase ? 1 : 0.65);
  return {
    venue,
    instrument,
    priceDigits: PRICE_DIGITS[venue][instrument.name] ?? Math.max(0, 4 - Math.floor(Math.log10(price))),
    sizeDigits: 8,
    medianSize: (stable ? 400 : 250) / base.price,
    halfSpread: (coinbase ? 1e-5 : 3e-5) * scale,
    depth: coinbase ? 500 : 1200,
    spacing: (coinbase ? 1.5e-5 : 2e-5) * scale,
    tradesPerSecond: tradesPerSecond * share,
  };
}

/** A stream of one listing, apart from every other. */
export function listingKey(seed: number, name: string, listing: Listing): number {
  return mix(streamKey(seed, `${listing.venue}/${listing.instrument.name}`), streamKey(0, name));
}
