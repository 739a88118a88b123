/** Coinbase Exchange's public REST: products, candles, trades, book, ticker, stats, time. */
import { type WallClock } from '#libs/clock/clock.ts';
import { product } from './coinbase-frames.ts';
import { fixed, isoMicros, trimmed } from './decimal.ts';
import { type Side } from './book.ts';
import { type Faults } from './faults.ts';
import { type Floor, type Pit } from './floor.ts';
import { type Trade } from './ledger.ts';
import { json, type RestAnswer, type RestRequest } from './rest.ts';
import { TokenBucket } from './token-bucket.ts';

const GRANULARITIES = [60, 300, 900, 3600, 21_600, 86_400];
const MAX_ROWS = 300;
const MAX_TRADES = 1000;

export class CoinbaseRest {
  readonly #floor: Floor;
  readonly #pits: ReadonlyMap<string, Pit>;
  readonly #faults: Faults;
  readonly #clock: WallClock;
  readonly #requests: TokenBucket | undefined;

  constructor(floor: Floor, faults: Faults, clock: WallClock, limited: boolean) {
    this.#floor = floor;
    this.#pits = new Map(
      floor.pits.filter(({ listing }) => listing.venue === 'coinbase').map((pit) => [pit.listing.instrument.name, pit]),
    );
    this.#faults = faults;
    this.#clock = clock;
    this.#requests = limited ? new TokenBucket(10, 15, () => clock.now()) : undefined;
  }

  answer({ path, query, userAgent }: RestRequest): RestAnswer {
    if (userAgent === undefined || userAgent === '') return refused(400, 'User-Agent header is required.');
    if (this.#faults.active('429') !== undefined || this.#requests?.take() === false)
      return refused(429, 'Public rate limit exceeded');
    if (path === '/time') return this.#time();
    if (path === '/products') return json([...this.#pits.values()].map(product));
    const [, root, id = '', leaf, ...rest] = path.split('/');
    const pit = root === 'products' && rest.length === 0 ? this.#pits.get(id) : undefined;
    if (pit === undefined) return refused(404, 'NotFound');
    switch (leaf) {
      case undefined:
        return json(product(pit));
      case 'candles':
        return this.#candles(pit, query);
      case 'trades':
        return this.#trades(pit, query);
      case 'book':
        return this.#book(pit, query);
      case 'ticker':
        return this.#ticker(pit);
      case 'stats':
        return stats(pit);
      default:
        return refused(404, 'NotFound');
    }
  }

  #time(): RestAnswer {
    const micros = this.#micros();
    return json({ iso: `${isoMicros(micros).slice(0, 23)}Z`, epoch: Math.floor(micros / 1000) / 1000 });
  }

  /** Newest first, minutes without a trade left out; with only one of start and end given the venue ignores both. */
  #candles(pit: Pit, query: URLSearchParams): RestAnswer {
    const granularity = Number(query.get('granularity') ?? 60);
    if (!GRANULARITIES.includes(granularity)) return refused(400, 'Unsupported granularity');
    const running = Math.floor(this.#clock.now() / 1000 / granularity) * granularity;
    let [from, to] = [running - (MAX_ROWS - 1) * granularity, running];
    const [start, end] = [query.get('start'), query.get('end')];
    if (start !== null && end !== null) {
      [from, to] = [instant(start), instant(end)];
      if (Number.isNaN(from) || Number.isNaN(to)) return refused(400, 'start and end must be valid times');
      if (from > to) return refused(400, 'start must be before end');
      if ((to - from) / granularity > MAX_ROWS) {
        return refused(
          400,
          `granularity too small for the requested time range. Count of aggregations requested exceeds ${MAX_ROWS}`,
        );
      }
    }
    const rows: number[][] = [];
    const { priceDigits, sizeDigits } = pit.listing;
    const first = Math.ceil(from / granularity) * granularity;
    for (
      let at = Math.min(running, Math.floor(to / granularity) * granularity);
      at >= first && rows.length < MAX_ROWS;
      at -= granularity
    ) {
      const candle = pit.candles.merge(at / 60, (at + granularity) / 60);
      if (candle === undefined) continue;
      const prices = [candle.low, candle.high, candle.open, candle.close].map((ticks) => ticks / 10 ** priceDigits);
      rows.push([at, ...prices, Number(fixed(Math.round(candle.volume), sizeDigits))]);
    }
    return json(rows);
  }

  /** Newest first; `after` pages to older ids, `before` asks for newer ones. */
  #trades(pit: Pit, query: URLSearchParams): RestAnswer {
    const limit = Number(query.get('limit') ?? MAX_TRADES);
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_TRADES) return refused(400, 'limit must be between 1 and 1000');
    const after = Number(query.get('after') ?? pit.candles.nextTradeId);
    const before = Number(query.get('before') ?? -1);
    if (!Number.isInteger(after) || !Number.isInteger(before)) return refused(400, 'Invalid cursor');
    const end = Math.min(after, pit.candles.nextTradeId);
    const trades = this.#floor.tradesBetween(pit, Math.max(before + 1, end - limit), end, limit).reverse();
    const [newest, oldest] = [trades[0], trades[trades.length - 1]];
    const headers =
      newest === undefined || oldest === undefined ? {} : { 'cb-before': String(newest.id), 'cb-after': String(oldest.id) };
    return { ...json(trades.map((trade) => this.#tradeRow(pit, trade))), headers };
  }

  #tradeRow({ listing }: Pit, trade: Trade): Record<string, unknown> {
    return {
      trade_id: trade.id,
      side: trade.takerBuys ? 'sell' : 'buy',
      size: fixed(trade.size, listing.sizeDigits),
      price: fixed(trade.price * 10 ** (8 - listing.priceDigits), 8),
      time: isoMicros(trade.time + this.#faults.skewMicros),
    };
  }

  #book(pit: Pit, query: URLSearchParams): RestAnswer {
    const level = query.get('level') ?? '1';
    if (level !== '1' && level !== '2') return refused(400, 'Invalid level');
    const { book, listing } = pit;
    const side = ({ prices, sizes }: Side): unknown[] => {
      const rows = prices.map((price, i) => [fixed(price, listing.priceDigits), fixed(sizes[i]!, listing.sizeDigits), 1]);
      return level === '1' ? rows.slice(-1) : rows.reverse();
    };
    return json({
      bids: side(book.bids),
      asks: side(book.asks),
      sequence: pit.sequence,
      auction_mode: false,
      auction: null,
      time: isoMicros(this.#micros()),
    });
  }

  #ticker(pit: Pit): RestAnswer {
    const { listing, book, lastTrade } = pit;
    if (lastTrade === undefined) return json({});
    return json({
      ask: trimmed(book.bestAsk, listing.priceDigits),
      bid: trimmed(book.bestBid, listing.priceDigits),
      volume: trimmed(Math.round(pit.candles.last24h()?.volume ?? 0), listing.sizeDigits),
      trade_id: lastTrade.id,
      price: trimmed(lastTrade.price, listing.priceDigits),
      size: trimmed(lastTrade.size, listing.sizeDigits),
      time: isoMicros(lastTrade.time + this.#faults.skewMicros),
      rfq_volume: '0',
    });
  }

  #micros(): number {
    return this.#clock.nowMicros() + this.#faults.skewMicros;
  }
}

function stats({ candles, listing }: Pit): RestAnswer {
  const day = candles.last24h();
  if (day === undefined) return json({});
  const price = (ticks: number): string => trimmed(ticks, listing.priceDigits);
  const size = (units: number): string => trimmed(Math.round(units), listing.sizeDigits);
  return json({
    open: price(day.open),
    high: price(day.high),
    low: price(day.low),
    last: price(day.close),
    volume: size(day.volume),
    volume_30day: size(day.volume * 30),
  });
}

function refused(status: number, message: string): RestAnswer {
  return json({ message }, status);
}

/** Seconds since the epoch, from ISO 8601 or seconds. */
function instant(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : Math.floor(Date.parse(text) / 1000);
}
