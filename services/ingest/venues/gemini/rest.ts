/** Gemini REST, keyless: 120 requests a minute per address. https://docs.gemini.com/rest/market-data */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { joinSymbol } from '../events.ts';
import { fetchDate } from '../http-date.ts';
import { decimalsOf } from '../numbers.ts';
import { type Listing, type RestDependencies, type VenueRest } from '../venue.ts';

/** `tick_size` is the step of the size, `quote_increment` that of the price. */
const Details = z.object({
  tick_size: z.coerce.number().positive(),
  quote_increment: z.coerce.number().positive(),
  status: z.string(),
});

export function createGeminiRest(dependencies: RestDependencies): VenueRest {
  const http = createHttpClient({ ...dependencies, ratePerSecond: 1, burst: 5 });
  return {
    timeResolution: 1_000_000,
    time: (signal) => fetchDate(`${dependencies.baseUrl}/v1/symbols`, signal),

    async listing(instrument, signal) {
      try {
        const path = `/v1/symbols/details/${joinSymbol(instrument).toLowerCase()}`;
        return toListing(instrument, await http.getJson(path, {}, Details, { signal }));
      } catch (error) {
        if (isUnknownSymbol(error)) return undefined;
        throw error;
      }
    },
  };
}

/** HTTP 400, `{"result":"error","reason":"InvalidSymbol",…}`, or 404. */
export function isUnknownSymbol(error: unknown): boolean {
  if (!(error instanceof TributaryError)) return false;
  return (
    error.code === 'TRB_HTTP_NOT_FOUND' ||
    (error.code === 'TRB_HTTP_REFUSED' && /InvalidSymbol|Bad ?Request/i.test(error.message))
  );
}

function toListing(instrument: string, details: z.output<typeof Details>): Listing {
  const { tick_size: sizeStep, quote_increment: tickSize, status } = details;
  return {
    instrument,
    status: statusOf(status),
    tickSize,
    priceDecimals: decimalsOf(tickSize),
    sizeDecimals: decimalsOf(sizeStep),
  };
}

function statusOf(status: string): TradingStatus {
  switch (status) {
    case 'open':
      return TradingStatus.TRADING_STATUS_ONLINE;
    case 'limit_only':
      return TradingStatus.TRADING_STATUS_LIMIT_ONLY;
    case 'post_only':
      return TradingStatus.TRADING_STATUS_POST_ONLY;
    case 'cancel_only':
      return TradingStatus.TRADING_STATUS_CANCEL_ONLY;
    default:
      return TradingStatus.TRADING_STATUS_HALTED;
  }
}
