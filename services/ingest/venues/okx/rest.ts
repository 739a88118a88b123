/** OKX v5 REST, keyless: 20 requests in 2 s per endpoint and address. https://www.okx.com/docs-v5/en/#public-data-rest-api */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { createHttpClient } from '#libs/http/client.ts';
import { TradingStatus } from '#libs/wire/tributary/v1/market.ts';
import { decimalsOf, isRecord, toPrice } from '../numbers.ts';
import { type Listing, type RestDependencies, type VenueRest } from '../venue.ts';

const Answer = z.object({ code: z.string(), msg: z.string().default(''), data: z.array(z.unknown()).default([]) });
const Time = z.object({ ts: z.coerce.number().positive() });
const Instrument = z.object({ tickSz: z.string(), lotSz: z.string(), state: z.string() });

/** Of an instrument that does not exist. */
const UNKNOWN = '51001';
/** Requests that came too fast, told with status 200. */
const THROTTLED = '50011';

export const isOkxThrottled = (body: unknown): boolean => isRecord(body) && body['code'] === THROTTLED;

/** The rows of an answer; undefined: the instrument does not exist. Errors come with status 200 in `code`. */
export function okxRows(answer: z.output<typeof Answer>, path: string): readonly unknown[] | undefined {
  const { code, msg, data } = answer;
  if (code === UNKNOWN) return undefined;
  if (code === '0') return data;
  throw new TributaryError('TRB_HTTP_REFUSED', `OKX refused ${path}: ${msg.slice(0, 200)} (${code}).`);
}

export const OkxAnswer = Answer;

export function createOkxRest(dependencies: RestDependencies): VenueRest {
  const http = createHttpClient({ ...dependencies, ratePerSecond: 4, burst: 4, isThrottled: isOkxThrottled });
  return {
    timeResolution: 1_000,
    async time(signal) {
      const path = '/api/v5/public/time';
      const rows = okxRows(await http.getJson(path, {}, Answer, { signal }), path);
      return Time.parse(rows?.[0]).ts * 1000;
    },

    async listing(instrument, signal) {
      const path = '/api/v5/public/instruments';
      const query = { instType: 'SPOT', instId: instrument };
      const row = okxRows(await http.getJson(path, query, Answer, { signal }), path)?.[0];
      const parsed = Instrument.safeParse(row);
      return parsed.success ? toListing(instrument, parsed.data) : undefined;
    },
  };
}

function toListing(instrument: string, { tickSz, lotSz, state }: z.output<typeof Instrument>): Listing | undefined {
  const [tickSize, sizeStep] = [toPrice(tickSz), toPrice(lotSz)];
  if (Number.isNaN(tickSize + sizeStep)) return undefined;
  const status = state === 'live' ? TradingStatus.TRADING_STATUS_ONLINE : TradingStatus.TRADING_STATUS_HALTED;
  return { instrument, status, tickSize, priceDecimals: decimalsOf(tickSize), sizeDecimals: decimalsOf(sizeStep) };
}
