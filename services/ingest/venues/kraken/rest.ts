/**
 * Kraken REST, keyless: about one request a second per address. https://docs.kraken.com/api/docs/rest-api
 * Errors come with status 200 in `error[]`; names differ from the WebSocket's (XBTUSD, XXBTZUSD, XDG).
 */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { Side } from '#libs/wire/tributary/v1/market.ts';
import { isRecord, toId, toPrice, toSize } from '../numbers.ts';
import { type Listing, type RestDependencies, type TradeEvent, type TradeHole, type VenueRest } from '../venue.ts';
import { krakenStatus } from './mapper.ts';

const PAGE = 1000;
const THROTTLED = ['EGeneral:Too many requests', 'EAPI:Rate limit exceeded', 'EService:Unavailable', 'EService:Busy'];

const Errors = z.object({ error: z.array(z.string()) });
const Time = z.object({ result: z.object({ unixtime: z.number() }) });
const Pair = z.object({
  altname: z.string(),
  wsname: z.string().optional(),
  pair_decimals: z.number().int().min(0).max(15),
  lot_decimals: z.number().int().min(0).max(15),
  tick_size: z.string().optional(),
  status: z.string().optional(),
});
const Pairs = z.object({ result: z.record(z.string(), Pair) });
const Trades = z.object({ result: z.record(z.string(), z.unknown()) });

export function createKrakenRest(dependencies: RestDependencies): VenueRest {
  const http = createHttpClient({ ...dependencies, ratePerSecond: 1, burst: 3, isThrottled });
  /** The whole list, asked for once: what REST calls a pair cannot be computed from its name. */
  let pairs: Promise<ReadonlyMap<string, z.output<typeof Pair>>> | undefined;

  async function get<T>(
    path: string,
    query: Record<string, string | number>,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const body = await http.getJson(path, query, z.unknown(), { signal });
    const { error } = Errors.parse(isRecord(body) ? { error: [], ...body } : { error: ['no object'] });
    if (error.length > 0) {
      throw new TributaryError('TRB_HTTP_REFUSED', `Kraken refused ${path}: ${error.join(', ').slice(0, 200)}`);
    }
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    throw new TributaryError('TRB_HTTP_SHAPE', `Kraken answered ${path} in a form that is not known.`, { cause: parsed.error });
  }

  async function findPair(instrument: string, signal: AbortSignal) {
    pairs ??= get('/AssetPairs', {}, Pairs, signal)
      .then(({ result }) => new Map(Object.values(result).map((pair) => [nameOf(pair), pair])))
      .catch((error: unknown) => {
        pairs = undefined;
        throw error;
      });
    return (await pairs).get(instrument);
  }

  return {
    /** Whole seconds, cut off. */
    timeResolution: 1_000_000,
    time: async (signal) => (await get('/Time', {}, Time, signal)).result.unixtime * 1e6,

    async listing(instrument, signal) {
      const pair = await findPair(instrument, signal);
      return pair === undefined ? undefined : toListing(instrument, pair);
    },

    async *trades(hole: TradeHole, signal: AbortSignal) {
      const pair = await findPair(hole.instrument, signal);
      if (pair === undefined) return;
      let since = sinceOf(hole.after);
      for (;;) {
        const { result } = await get('/Trades', { pair: pair.altname, since, count: PAGE }, Trades, signal);
        const rows = Object.entries(result).find(([name]) => name !== 'last')?.[1];
        const trades = (Array.isArray(rows) ? (rows as unknown[]) : [])
          .map((row) => mapRow(row, hole.instrument))
          .filter((trade) => trade !== undefined);
        yield trades.filter(({ tradeId }) => tradeId >= hole.from && tradeId <= hole.to);
        const last = result['last'];
        const newest = trades.at(-1)?.tradeId ?? Infinity;
        if (newest >= hole.to || (typeof last !== 'string' && typeof last !== 'number') || String(last) === since) return;
        since = String(last);
      }
    },
  };
}

/** `since` is exclusive, in nanoseconds: digits are put together, the number would not fit. A second earlier, for clocks that differ. */
function sinceOf(micros: number): string {
  return micros === 0 ? '0' : `${Math.max(0, micros - 1_000_000)}000`;
}

function nameOf(pair: z.output<typeof Pair>): string {
  const name = pair.wsname ?? pair.altname;
  return name
    .split('/')
    .map((asset) => OLD_NAMES[asset] ?? asset)
    .join('-');
}

const OLD_NAMES: Readonly<Record<string, string>> = { XBT: 'BTC', XDG: 'DOGE' };

function toListing(instrument: string, pair: z.output<typeof Pair>): Listing {
  const tickSize = toPrice(pair.tick_size);
  return {
    instrument,
    status: krakenStatus(pair.status ?? 'online'),
    tickSize: Number.isNaN(tickSize) ? 10 ** -pair.pair_decimals : tickSize,
    priceDecimals: pair.pair_decimals,
    sizeDecimals: pair.lot_decimals,
  };
}

/** [price, size, seconds, "b" or "s" (taker), "m" or "l", misc, trade id] */
function mapRow(row: unknown, instrument: string): TradeEvent | undefined {
  if (!Array.isArray(row)) return undefined;
  const [price, size, seconds, side, , , id] = row as unknown[];
  const trade: TradeEvent = {
    kind: 'trade',
    instrument,
    tradeId: toId(id),
    price: toPrice(price),
    size: toSize(size),
    aggressor: side === 'b' ? Side.SIDE_BUY : Side.SIDE_SELL,
    exchangeTime: typeof seconds === 'number' ? Math.round(seconds * 1e6) : 0,
    isLate: true,
  };
  return Number.isNaN(trade.tradeId + trade.price + trade.size) || trade.size === 0 ? undefined : trade;
}

function isThrottled(body: unknown): boolean {
  const errors = isRecord(body) ? body['error'] : undefined;
  return Array.isArray(errors) && errors.some((error) => typeof error === 'string' && THROTTLED.includes(error));
}
