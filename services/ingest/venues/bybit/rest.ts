/**
 * Bybit v5 REST, keyless: 600 requests in 5 s per address; what goes beyond is answered with 403 for ten minutes.
 * https://bybit-exchange.github.io/docs/v5/market/instrument
 */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { joinSymbol } from '../events.ts';
import { decimalsOf, isRecord, toPrice } from '../numbers.ts';
import { type Listing, type RestDependencies, type VenueRest } from '../venue.ts';

const Time = z.object({ timeNano: z.string().regex(/^\d{16,20}$/) });
const Spot = z.object({
  status: z.string(),
  priceFilter: z.object({ tickSize: z.string() }),
  lotSizeFilter: z.object({ basePrecision: z.string() }),
});
const Listings = z.object({ list: z.array(Spot) });

export const BybitAnswer = z.object({ retCode: z.number(), retMsg: z.string().default(''), result: z.unknown() });
/** A parameter is wrong: with a symbol, there is none of that name. */
const UNKNOWN = 10001;
const THROTTLED = [10006, 10016, 10018];

export const isBybitThrottled = (body: unknown): boolean =>
  isRecord(body) && typeof body['retCode'] === 'number' && THROTTLED.includes(body['retCode']);

/** What an answer holds; undefined: the symbol does not exist. Errors come with status 200 in `retCode`. */
export function bybitResult<T>(answer: z.output<typeof BybitAnswer>, path: string, schema: z.ZodType<T>): T | undefined {
  const { retCode, retMsg, result } = answer;
  if (retCode === UNKNOWN) return undefined;
  if (retCode !== 0) throw new TributaryError('TRB_HTTP_REFUSED', `Bybit refused ${path}: ${retMsg.slice(0, 200)} (${retCode}).`);
  const parsed = schema.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new TributaryError('TRB_HTTP_SHAPE', `Bybit answered ${path} in a form that is not known.`, { cause: parsed.error });
}

export function createBybitRest(dependencies: RestDependencies): VenueRest {
  const http = createHttpClient({ ...dependencies, ratePerSecond: 4, burst: 4, isThrottled: isBybitThrottled });
  return {
    timeResolution: 1_000,
    async time(signal) {
      const path = '/v5/market/time';
      const time = bybitResult(await http.getJson(path, {}, BybitAnswer, { signal }), path, Time);
      // Nanoseconds beyond what a double holds: three digits are cut off.
      return Number(time?.timeNano.slice(0, -3));
    },

    async listing(instrument, signal) {
      const path = '/v5/market/instruments-info';
      const query = { category: 'spot', symbol: joinSymbol(instrument) };
      const found = bybitResult(await http.getJson(path, query, BybitAnswer, { signal }), path, Listings)?.list[0];
      return found === undefined ? undefined : toListing(instrument, found);
    },
  };
}

function toListing(instrument: string, { status, priceFilter, lotSizeFilter }: z.output<typeof Spot>): Listing | undefined {
  const [tickSize, sizeStep] = [toPrice(priceFilter.tickSize), toPrice(lotSizeFilter.basePrecision)];
  if (Number.isNaN(tickSize + sizeStep)) return undefined;
  return {
    instrument,
    status: status === 'Trading' ? TradingStatus.TRADING_STATUS_ONLINE : TradingStatus.TRADING_STATUS_HALTED,
    tickSize,
    priceDecimals: decimalsOf(tickSize),
    sizeDecimals: decimalsOf(sizeStep),
  };
}
