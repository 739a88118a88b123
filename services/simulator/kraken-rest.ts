/** Kraken's public REST: every answer is HTTP 200 with `error` and `result`; pairs come back under their old names. */
import { type WallClock } from '#libs/clock/clock.ts';
import { type Instrument } from '#libs/market/instrument.ts';
import { type Side } from './book.ts';
import { type Candle } from './candles.ts';
import { fixed } from './decimal.ts';
import { type Faults } from './faults.ts';
import { type Floor, type Pit } from './floor.ts';
import { krakenNames } from './kraken-names.ts';
import { json, type RestAnswer, type RestRequest } from './rest.ts';
import { TokenBucket } from './token-bucket.ts';

export const INTERVALS = [1, 5, 15, 30, 60, 240, 1440, 10_080, 21_600];
const MAX_CLOSED_ROWS = 720;
const MAX_TRADES = 1000;
const MAX_LEVELS = 500;

export class KrakenRest {
  readonly #floor: Floor;
  readonly #pits: readonly Pit[];
  readonly #byName = new Map<string, Pit>();
  readonly #faults: Faults;
  readonly #clock: WallClock;
  readonly #requests: TokenBucket | undefined;

  constructor(floor: Floor, faults: Faults, clock: WallClock, limited: boolean) {
    this.#floor = floor;
    this.#pits = floor.pits.filter(({ listing }) => listing.venue === 'kraken');
    for (const pit of this.#pits) {
      const { altname, key, wsname, symbol } = krakenNames(pit.listing.instrument);
      for (const name of [altname, key, wsname, symbol]) this.#byName.set(name, pit);
    }
    this.#faults = faults;
    this.#clock = clock;
    this.#requests = limited ? new TokenBucket(1, 15, () => clock.now()) : undefined;
  }

  answer({ path, query }: RestRequest): RestAnswer {
    if (this.#faults.active('429') !== undefined || this.#requests?.take() === false)
      return refused('EGeneral:Too many requests');
    switch (path) {
      case '/Time':
        return this.#time();
      case '/SystemStatus':
        return answered({ status: 'online', timestamp: `${new Date(this.#now()).toISOString().slice(0, 19)}Z` });
      case '/Assets':
        return answered(Object.fromEntries(this.#pits.flatMap(({ listing }) => assetsOf(listing.instrument))));
      case '/AssetPairs':
        return this.#assetPairs(query.get('pair'));
      case '/Ticker':
        return this.#ticker(query.get('pair'));
      case '/OHLC':
        return this.#ofPair(query, (pit) => this.#ohlc(pit, query));
      case '/Trades':
        return this.#ofPair(query, (pit) => this.#trades(pit, query));
      case '/Depth':
        return this.#ofPair(query, (pit) => this.#depth(pit, query));
      default:
        return refused('EGeneral:Unknown method');
    }
  }

  #ofPair(query: URLSearchParams, answer: (pit: Pit) => RestAnswer): RestAnswer {
    const name = query.get('pair');
    if (name === null) return refused('EGeneral:Invalid arguments');
    const pit = this.#byName.get(name);
    return pit === undefined ? refused('EQuery:Unknown asset pair') : answer(pit);
  }

  #time(): RestAnswer {
    const now = this.#now();
    return answered({ unixtime: Math.floor(now / 1000), rfc1123: new Date(now).toUTCString() });
  }

  /** The last 720 closed intervals and the running one, whatever `since` asks for; an interval without trades is flat, its vwap 0. */
  #ohlc(pit: Pit, query: URLSearchParams): RestAnswer {
    const interval = Number(query.get('interval') ?? 1);
    if (!INTERVALS.includes(interval)) return refused('EGeneral:Invalid arguments');
    const since = Number(query.get('since') ?? 0);
    const running = Math.floor(pit.candles.lastMinute / interval) * interval;
    const first = Math.max(running - MAX_CLOSED_ROWS * interval, Math.ceil(pit.candles.firstMinute / interval) * interval);
    const rows: unknown[] = [];
    for (let minute = first; minute <= running; minute += interval) {
      if (minute * 60 <= since) continue;
      const row = ohlcRow(pit, minute * 60, pit.candles.merge(minute, minute + interval), pit.candles.closeAt(minute - 1));
      if (row !== undefined) rows.push(row);
    }
    return answered({ [krakenNames(pit.listing.instrument).key]: rows, last: (running - interval) * 60 });
  }

  /** Oldest first, from after `since` (a ns id, which `last` continues); without it the latest. */
  #trades(pit: Pit, query: URLSearchParams): RestAnswer {
    const count = Math.min(MAX_TRADES, Math.max(1, Number(query.get('count') ?? MAX_TRADES) || MAX_TRADES));
    const since = query.get('since');
    const { candles, listing } = pit;
    let from = candles.nextTradeId - count;
    if (since !== null) {
      if (!/^\d+$/.test(since)) return refused('EGeneral:Invalid arguments');
      from = this.#firstAfter(pit, nanosOf(since));
    }
    const trades = this.#floor.tradesBetween(pit, from, candles.nextTradeId, count);
    const skew = this.#faults.skewMicros;
    const rows = trades.map((trade) => [
      fixed(trade.price * 10 ** (paddedDigits(pit) - listing.priceDigits), paddedDigits(pit)),
      fixed(trade.size, listing.sizeDigits),
      (trade.time + skew) / 1e6,
      trade.takerBuys ? 'b' : 's',
      trade.id % 3 === 0 ? 'l' : 'm',
      '',
      trade.id,
    ]);
    const newest = trades[trades.length - 1];
    const last = newest === undefined ? (since ?? '0') : String(BigInt(newest.time + skew) * 1000n);
    return answered({ [krakenNames(listing.instrument).key]: rows, last });
  }

  #firstAfter(pit: Pit, nanos: bigint): number {
    const micros = Number(nanos / 1000n) - this.#faults.skewMicros;
    const { candles } = pit;
    const minute = Math.max(Math.floor(micros / 60e6), candles.firstMinute);
    if (minute > candles.lastMinute) return candles.nextTradeId;
    const from = candles.firstTradeIdOf(minute);
    const to = minute === candles.lastMinute ? candles.nextTradeId : candles.firstTradeIdOf(minute + 1);
    return this.#floor.tradesBetween(pit, from, to, Infinity).find((trade) => trade.time > micros)?.id ?? to;
  }

  #depth(pit: Pit, query: URLSearchParams): RestAnswer {
    const count = Math.min(MAX_LEVELS, Number(query.get('count') ?? 100) || 100);
    const seconds = Math.floor(this.#now() / 1000);
    const digits = paddedDigits(pit);
    const { priceDigits, sizeDigits } = pit.listing;
    const side = ({ prices, sizes }: Side): unknown[] =>
      prices
        .map((price, i) => [
          fixed(price * 10 ** (digits - priceDigits), digits),
          fixed(Math.round(sizes[i]! / 10 ** (sizeDigits - 3)), 3),
          seconds,
        ])
        .slice(-count)
        .reverse();
    return answered({ [krakenNames(pit.listing.instrument).key]: { asks: side(pit.book.asks), bids: side(pit.book.bids) } });
  }

  #ticker(names: string | null): RestAnswer {
    const pits = this.#named(names);
    if (pits === undefined) return refused('EQuery:Unknown asset pair');
    const midnight = Math.floor(this.#clock.now() / 86_400_000) * 1440;
    return answered(Object.fromEntries(pits.map((pit) => [krakenNames(pit.listing.instrument).key, tickerOf(pit, midnight)])));
  }

  #assetPairs(names: string | null): RestAnswer {
    const pits = this.#named(names);
    if (pits === undefined) return refused('EQuery:Unknown asset pair');
    return answered(Object.fromEntries(pits.map((pit) => [krakenNames(pit.listing.instrument).key, assetPair(pit)])));
  }

  #named(names: string | null): readonly Pit[] | undefined {
    if (names === null) return this.#pits;
    const pits = names.split(',').map((name) => this.#byName.get(name));
    return pits.every((pit) => pit !== undefined) ? pits : undefined;
  }

  /** ms, by the venue's clock. */
  #now(): number {
    return this.#clock.now() + this.#faults.skewMicros / 1000;
  }
}

function ohlcRow(pit: Pit, start: number, candle: Candle | undefined, previousClose: number | undefined): unknown[] | undefined {
  const { priceDigits, sizeDigits } = pit.listing;
  const price = (ticks: number): string => fixed(ticks, priceDigits);
  if (candle === undefined) {
    if (previousClose === undefined) return undefined;
    const flat = price(previousClose);
    return [start, flat, flat, flat, flat, fixed(0, priceDigits), fixed(0, sizeDigits), 0];
  }
  const vwap = price(Math.round(candle.turnover / candle.volume));
  const prices = [candle.open, candle.high, candle.low, candle.close].map(price);
  return [start, ...prices, vwap, fixed(Math.round(candle.volume), sizeDigits), candle.trades];
}

/** Pairs of values are [since 00:00 UTC, last 24 hours]. */
function tickerOf(pit: Pit, midnight: number): Record<string, unknown> {
  const { book, candles, listing } = pit;
  const price = (ticks: number): string => fixed(ticks * 10 ** (paddedDigits(pit) - listing.priceDigits), paddedDigits(pit));
  const size = (units: number): string => fixed(Math.round(units), listing.sizeDigits);
  const last = pit.lastTrade?.price ?? book.bestBid;
  const day = candles.last24h();
  const today = candles.merge(midnight, candles.lastMinute + 1) ?? day;
  const both = [today, day];
  const whole = (units: number): string => String(Math.max(1, Math.floor(units / 10 ** listing.sizeDigits)));
  const touch = (ticks: number, units: number): string[] => [price(ticks), whole(units), `${whole(units)}.000`];
  return {
    a: touch(book.bestAsk, book.bestAskSize),
    b: touch(book.bestBid, book.bestBidSize),
    c: [price(last), size(pit.lastTrade?.size ?? 0)],
    v: both.map((candle) => size(candle?.volume ?? 0)),
    p: both.map((candle) => price(candle === undefined ? last : Math.round(candle.turnover / candle.volume))),
    t: both.map((candle) => candle?.trades ?? 0),
    l: both.map((candle) => price(candle?.low ?? last)),
    h: both.map((candle) => price(candle?.high ?? last)),
    o: price(today?.open ?? last),
  };
}

/** Old codes are keys, and the names without their class letter stand beside them. */
function assetsOf(instrument: Instrument): [string, unknown][] {
  const { base, quote, wsname } = krakenNames(instrument);
  const [baseName, quoteName] = wsname.split('/');
  const asset = (altname: string | undefined, decimals: number): unknown => ({
    ...{ aclass: 'currency', altname, decimals, display_decimals: decimals / 2, status: 'enabled' },
  });
  return [
    [base, asset(baseName, 10)],
    [quote, asset(quoteName, 4)],
  ];
}

function assetPair({ listing, halted }: Pit): Record<string, unknown> {
  const names = krakenNames(listing.instrument);
  return {
    altname: names.altname,
    wsname: names.wsname,
    aclass_base: 'currency',
    base: names.base,
    aclass_quote: 'currency',
    quote: names.quote,
    lot: 'unit',
    cost_decimals: 5,
    pair_decimals: listing.priceDigits,
    lot_decimals: listing.sizeDigits,
    lot_multiplier: 1,
    leverage_buy: [2, 3],
    leverage_sell: [2, 3],
    fees: [
      [0, 0.4],
      [10_000, 0.35],
    ],
    fees_maker: [
      [0, 0.25],
      [10_000, 0.2],
    ],
    fee_volume_currency: 'ZUSD',
    margin_call: 80,
    margin_stop: 40,
    ordermin: '0.00005',
    costmin: '0.5',
    tick_size: fixed(1, listing.priceDigits),
    status: halted ? 'cancel_only' : 'online',
    long_position_limit: 80,
    short_position_limit: 80,
  };
}

/** Trades, depth and ticker pad prices to five digits at least. */
function paddedDigits({ listing }: Pit): number {
  return Math.max(5, listing.priceDigits);
}

/** `since` is in ns; people also pass seconds. */
function nanosOf(since: string): bigint {
  return since.length <= 11 ? BigInt(since) * 1_000_000_000n : BigInt(since);
}

function answered(result: unknown): RestAnswer {
  return json({ error: [], result });
}

function refused(error: string): RestAnswer {
  return json({ error: [error] });
}
