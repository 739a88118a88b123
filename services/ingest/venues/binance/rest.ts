/**
 * Binance spot REST, keyless: 6,000 weight a minute per address, of which a whole book takes 250.
 * https://developers.binance.com/docs/binance-spot-api-docs/rest-api
 */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { joinSymbol, toBook } from '../events.ts';
import { decimalsOf, isRecord, toPrice } from '../numbers.ts';
import {
  type BookEvent,
  type Listing,
  type RestDependencies,
  type TradeEvent,
  type TradeHole,
  type VenueRest,
} from '../venue.ts';
import { mapAggregateTrade } from './mapper.ts';

const PAGE = 1000;
/** Levels of a side; the most there is. */
const BOOK_LEVELS = 5000;

const Time = z.object({ serverTime: z.number().positive() });
const Filter = z.looseObject({ filterType: z.string() });
const Info = z.object({ symbols: z.array(z.object({ status: z.string(), filters: z.array(Filter) })) });
const Rows = z.array(z.record(z.string(), z.unknown()));
const Depth = z.object({ lastUpdateId: z.number().int().positive(), bids: z.array(z.unknown()), asks: z.array(z.unknown()) });

export function createBinanceRest(dependencies: RestDependencies): VenueRest {
  const http = createHttpClient({ ...dependencies, ratePerSecond: 4, burst: 4 });
  return {
    timeResolution: 1_000,
    time: async (signal) => (await http.getJson('/api/v3/time', {}, Time, { signal })).serverTime * 1000,

    async listing(instrument, signal) {
      try {
        const query = { symbol: joinSymbol(instrument) };
        const { symbols } = await http.getJson('/api/v3/exchangeInfo', query, Info, { signal });
        return symbols[0] === undefined ? undefined : toListing(instrument, symbols[0]);
      } catch (error) {
        if (isUnknownSymbol(error)) return undefined;
        throw error;
      }
    },

    async *trades(hole: TradeHole, signal: AbortSignal) {
      for (let fromId = hole.from; fromId <= hole.to;) {
        const query = { symbol: joinSymbol(hole.instrument), fromId, limit: PAGE };
        const rows = await http.getJson('/api/v3/aggTrades', query, Rows, { signal });
        const trades = rows
          .map((row) => mapAggregateTrade(row, true, hole.instrument))
          .filter((event): event is TradeEvent => event.kind === 'trade' && event.tradeId >= fromId && event.tradeId <= hole.to);
        if (trades.length === 0) return;
        yield trades;
        fromId = trades.at(-1)!.tradeId + 1;
      }
    },

    async book(instrument, signal) {
      const query = { symbol: joinSymbol(instrument), limit: BOOK_LEVELS };
      const { lastUpdateId, bids, asks } = await http.getJson('/api/v3/depth', query, Depth, { signal });
      const sequence = { previous: undefined, last: lastUpdateId };
      const events = toBook({ instrument, isSnapshot: true, bids, asks, sequence, exchangeTime: 0 });
      return events.find((event): event is BookEvent => event.kind === 'book')!;
    },
  };
}

/** HTTP 400, `{"code":-1121,"msg":"Invalid symbol."}`. */
export function isUnknownSymbol(error: unknown): boolean {
  return error instanceof TributaryError && error.code === 'TRB_HTTP_REFUSED' && error.message.includes('-1121');
}

function toListing(instrument: string, { status, filters }: z.output<typeof Info>['symbols'][number]): Listing | undefined {
  const tickSize = stepOf(filters, 'PRICE_FILTER', 'tickSize');
  const sizeStep = stepOf(filters, 'LOT_SIZE', 'stepSize');
  if (Number.isNaN(tickSize)) return undefined;
  const sizeDecimals = Number.isNaN(sizeStep) ? 8 : decimalsOf(sizeStep);
  return { instrument, status: statusOf(status), tickSize, priceDecimals: decimalsOf(tickSize), sizeDecimals };
}

function stepOf(filters: readonly unknown[], type: string, field: string): number {
  const filter = filters.find((candidate) => isRecord(candidate) && candidate['filterType'] === type);
  return isRecord(filter) ? toPrice(filter[field]) : NaN;
}

function statusOf(status: string): TradingStatus {
  if (status === 'TRADING') return TradingStatus.TRADING_STATUS_ONLINE;
  return status === 'AUCTION_MATCH' ? TradingStatus.TRADING_STATUS_AUCTION : TradingStatus.TRADING_STATUS_HALTED;
}
