/**
 * A generated market for the checks: seeded, in availability order, with every leg, every rate, minutes without trades, and every kind
 * of event. First candles (history), then live seconds.
 */
import { Side, type Tick } from '../../wire/tributary/v1/market.ts';
import { contextEvent } from '../../history/events.ts';
import { COLUMNS } from '../catalogue.ts';
import { EVERY_LEG } from '../leg-block.ts';

export interface MarketOptions {
  /** Whole minute, milliseconds. */
  readonly start: number;
  readonly candleMinutes: number;
  readonly liveMinutes: number;
  /** Default: every leg of BTC, ETH on two venues. Those in dollars have live quotes and books. */
  readonly listings?: readonly Listing[];
  /** Each listing trades, and each rate is quoted, in every minute. Default false. */
  readonly isDense?: boolean;
  /** Those in dollars have a quote at the end of each minute of candles. Default false. */
  readonly hasMinuteQuotes?: boolean;
  readonly seed: number;
}

export interface Listing {
  readonly venue: string;
  readonly base: string;
  readonly quote: string;
}

export const ALL_LISTINGS: readonly Listing[] = [
  ...EVERY_LEG.map(({ venue, quote }) => ({ venue, base: 'BTC', quote })),
  { venue: 'coinbase', base: 'ETH', quote: 'USD' },
  { venue: 'kraken', base: 'ETH', quote: 'USD' },
];

export const FEW_LISTINGS: readonly Listing[] = [
  { venue: 'coinbase', base: 'BTC', quote: 'USD' },
  { venue: 'kraken', base: 'BTC', quote: 'USD' },
];

const RATES = [
  { venue: 'coinbase', series: 'USDT-USD' },
  { venue: 'kraken', series: 'USDT-USD' },
  { venue: 'kraken', series: 'USDC-USD' },
  { venue: 'binanceus', series: 'USDC-USDT' },
  { venue: 'kraken', series: 'EUR-USD' },
];
const COINS = [
  { venue: 'coinbase', series: 'BTC-USD' },
  { venue: 'kraken', series: 'BTC-USD' },
  { venue: 'coinbase', series: 'ETH-USD' },
];
/** Every context series that the catalogue reads, for the assets of the listings. */
const CONTEXT_SERIES = [...new Set(COLUMNS.flatMap(({ feature }) => feature.reads ?? []))].flatMap((key) =>
  key.includes('{asset}') ? ['BTC', 'ETH'].map((asset) => key.replace('{asset}', asset)) : [key],
);
/** Dollars for a euro, about which its rate moves. */
const EURO = 1.07;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function generateMarket(options: MarketOptions): Tick[] {
  const market = new Market(options);
  const ticks: Tick[] = [];
  let t = options.start;
  for (let i = 0; i < options.candleMinutes; i++, t += MINUTE) market.candleMinute(t, ticks);
  const end = t + options.liveMinutes * MINUTE;
  for (t += 1000; t <= end; t += 1000) market.liveSecond(t, ticks);
  return ticks;
}

class Market {
  readonly #listings: readonly Listing[];
  readonly #isDense: boolean;
  readonly #hasMinuteQuotes: boolean;
  readonly #random: () => number;
  readonly #coin = new Map([
    ['BTC', 25_000],
    ['ETH', 1_700],
  ]);
  readonly #last = new Map<Listing, number>();
  readonly #context = new Map<string, number>();
  #peg = 0;
  #tradeId = 0;

  constructor({ listings, isDense, hasMinuteQuotes, seed }: MarketOptions) {
    this.#listings = listings ?? ALL_LISTINGS;
    this.#isDense = isDense ?? false;
    this.#hasMinuteQuotes = hasMinuteQuotes ?? false;
    this.#random = seeded(seed);
  }

  candleMinute(start: number, ticks: Tick[]): void {
    this.#move(0.0006);
    for (const [index, listing] of this.#listings.entries()) {
      // The later a listing stands, the thinner it trades; now and then a row says that nothing was traded.
      if (index > 0 && !this.#isDense && this.#random() < 0.02 * index) {
        const close = this.#last.get(listing);
        if (close !== undefined && this.#random() < 0.5)
          ticks.push(candleTick(listing, start, [close, close, close, close], 0, 0));
        continue;
      }
      const open = this.#last.get(listing) ?? this.#price(listing);
      const close = this.#price(listing);
      const high = Math.max(open, close) * (1 + 0.0004 * this.#random());
      const low = Math.min(open, close) * (1 - 0.0004 * this.#random());
      this.#last.set(listing, close);
      const volume = 0.01 + 3 * this.#random() ** 4;
      ticks.push(candleTick(listing, start, [open, high, low, close], volume, 1 + Math.floor(40 * this.#random())));
    }
    for (const listing of this.#hasMinuteQuotes ? this.#listings : [])
      if (listing.quote === 'USD') this.#quote(listing, this.#price(listing), (start + MINUTE) * 1000, ticks);
    this.#references(start + MINUTE, start / MINUTE, 0, ticks);
    this.#contextValues(start + MINUTE, ticks);
    ticks.push(clockTick(start + MINUTE));
  }

  liveSecond(t: number, ticks: Tick[]): void {
    this.#move(0.0001);
    for (const [index, listing] of this.#listings.entries()) {
      const time = (t - 1 - Math.floor(900 * this.#random())) * 1000;
      const price = this.#price(listing);
      if (listing.quote === 'USD') this.#book(listing, price, time, ticks);
      const isDue = this.#isDense && t % MINUTE === 30_000;
      if (isDue || this.#random() < 0.3 / (1 + index)) this.#trade(listing, price, time, ticks);
      const heartbeat = {
        healthy: true,
        lastFrameTime: time,
        clockSkew: 0,
        gaps: 0,
        checksumFailures: 0,
        reconnects: 0,
        conflatedQuotes: 0,
        completeThroughTradeId: 0,
        completeThroughTime: 0,
      };
      ticks.push({ ...marketTick(listing, time), event: { $case: 'heartbeat', value: heartbeat } });
    }
    this.#references(t, t / 1000 + 1e9, 2000, ticks);
    this.#contextValues(t, ticks);
    ticks.push(clockTick(t));
  }

  #move(scale: number): void {
    for (const [coin, price] of this.#coin) this.#coin.set(coin, price * (1 + scale * this.#normal()));
    this.#peg = 0.95 * this.#peg + 0.0001 * this.#normal();
  }

  #price({ quote, base }: Listing): number {
    const rate = quote === 'USD' ? 1 : quote === 'EUR' ? EURO : 1 + this.#peg;
    return (this.#coin.get(base)! / rate) * (1 + 0.0002 * this.#normal());
  }

  #trade(listing: Listing, price: number, time: number, ticks: Tick[]): void {
    const aggressor = this.#random() < 0.5 ? Side.SIDE_BUY : Side.SIDE_SELL;
    const size = 0.001 + 2 * this.#random() ** 8;
    this.#last.set(listing, price);
    const trade = { tradeId: ++this.#tradeId, price, size, aggressor, repaired: false };
    ticks.push({ ...marketTick(listing, time), event: { $case: 'trade', value: trade } });
  }

  #quote(listing: Listing, price: number, time: number, ticks: Tick[]): void {
    const half = price * 0.00002;
    const quote = { bid: price - half, bidSize: 0.01 + this.#random(), ask: price + half, askSize: 0.01 + this.#random() };
    ticks.push({ ...marketTick(listing, time), event: { $case: 'quote', value: quote } });
  }

  #book(listing: Listing, price: number, time: number, ticks: Tick[]): void {
    const half = price * 0.00002 * (1 + this.#random());
    const sizes = (): number[] => Array.from({ length: 20 }, () => 0.01 + this.#random());
    const prices = (sign: number): number[] => Array.from({ length: 20 }, (_, level) => price + sign * half * (1 + level));
    const [bidSizes, askSizes] = [sizes(), sizes()];
    const quote = { bid: price - half, bidSize: bidSizes[0]!, ask: price + half, askSize: askSizes[0]! };
    ticks.push({ ...marketTick(listing, time), event: { $case: 'quote', value: quote } });
    const book = {
      bidPrices: prices(-1),
      bidSizes,
      askPrices: prices(1),
      askSizes,
      bidValue10bps: 1e5 * this.#random(),
      askValue10bps: 1e5 * this.#random(),
      bidValue50bps: 1e6 * this.#random(),
      askValue50bps: 1e6 * this.#random(),
      orderFlow: Array.from({ length: 5 }, () => this.#normal()),
      updates: 5,
    };
    ticks.push({ ...marketTick(listing, time), event: { $case: 'book', value: book } });
  }

  /** Each series once an hour, each at a minute of its own: a positive walk. */
  #contextValues(t: number, ticks: Tick[]): void {
    CONTEXT_SERIES.forEach((key, index) => {
      if (t % HOUR !== (index % 60) * MINUTE) return;
      const value = (this.#context.get(key) ?? 1 + index) * (1 + 0.02 * this.#normal());
      this.#context.set(key, value);
      const [source = '', series = ''] = key.split(/:(.*)/s);
      const times = { observedAt: t - HOUR, publishedAt: t - MINUTE, availableAt: t, validFor: 2 * DAY };
      ticks.push(contextEvent({ source, series, seq: t, value, ...times }));
    });
  }

  #references(t: number, seq: number, delay: number, ticks: Tick[]): void {
    for (const [index, { venue, series }] of RATES.entries()) {
      const value = (series === 'EUR-USD' ? EURO : 1) + this.#peg * (1 + index / 10) + 0.00005 * this.#normal();
      if (delay > 0 || this.#isDense || this.#random() < 0.9) ticks.push(referenceTick(venue, series, seq, value, t, delay));
    }
    for (const { venue, series } of COINS) {
      const value = this.#coin.get(series.slice(0, 3))! * (1 + 0.0001 * this.#normal());
      ticks.push(referenceTick(venue, series, seq, value, t, delay));
    }
  }

  /** About normal: the sum of four uniform draws. */
  #normal(): number {
    return (this.#random() + this.#random() + this.#random() + this.#random() - 2) * 1.732;
  }
}

/** Uniform on [0, 1), mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function marketTick({ venue, base, quote }: Listing, time: number): Omit<Tick, 'event'> {
  return { asset: base, venue, instrument: `${base}-${quote}`, exchangeTime: time, receiveTime: time, sequence: 0 };
}

function candleTick(
  listing: Listing,
  start: number,
  [open, high, low, close]: readonly [number, number, number, number],
  volume: number,
  trades: number,
): Tick {
  const value = { start, open, high, low, close, volume, trades };
  return { ...marketTick(listing, (start + MINUTE) * 1000), event: { $case: 'candle', value } };
}

function referenceTick(source: string, series: string, seq: number, value: number, t: number, delay: number): Tick {
  const reference = { source, series, seq, value, publishedAt: t * 1000, effectiveT: t + delay, observedAt: 0, validFor: 0 };
  return { ...NOBODY, exchangeTime: t * 1000, event: { $case: 'reference', value: reference } };
}

function clockTick(t: number): Tick {
  return { ...NOBODY, event: { $case: 'clock', value: { t, writerEpoch: 1 } } };
}

const NOBODY = { asset: '', venue: '', instrument: '', exchangeTime: 0, receiveTime: 0, sequence: 0 };
